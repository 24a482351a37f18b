"""The command line: python -m syncapp.doubles hubspot --port 8201, or a file that holds a double."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from syncapp.doubles.find import NoDouble, find, slugs


def main(given: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m syncapp.doubles", description="A provider's documented dialect.")
    parser.add_argument("double", metavar="SLUG", help=f"{', '.join(slugs()) or 'none yet'}, or a file FILE.py")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: the system chooses")
    options = parser.parse_args(given)
    try:
        running = find(options.double)().serve(options.host, options.port)
    except (NoDouble, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with running:
        sys.stdout.write(f"Double of {running.double.slug}: {running.url}/ (controls at {running.url}/_double/)\n")
        sys.stdout.flush()
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
