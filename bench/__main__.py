"""`python -m bench`: measure in a fresh data place of its own, and print ratios and what they are made of."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from dataclasses import asdict

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "syncapp.settings")
os.environ.setdefault("LOG_LEVEL", "WARNING")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--records", type=int, default=20_000, help="how many the system holds (20,000)")
    parser.add_argument("--repeats", type=int, default=3, help="the best of so many counts (3)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()

    from syncapp.demo.place import in_fresh_place, inside

    if not inside():
        raise SystemExit(in_fresh_place(["-m", "bench", *sys.argv[1:]]))
    run(options)


def run(options: argparse.Namespace) -> None:
    # As an exception, so that the systems that were started end too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    django.setup()
    from django.core.management import call_command

    from bench.unchanged import measure
    from syncapp.ready import have_servers

    have_servers(need_redis=True)
    call_command("migrate", verbosity=0)
    found = measure(options.records, options.repeats, lambda line: print(line, file=sys.stderr))  # noqa: T201
    if options.json:
        print(json.dumps({**asdict(found), "ratio": round(found.ratio, 2)}))  # noqa: T201
        return
    whole = sum(found.parts.values())
    lines = [
        f"re-sync of {found.records:,} unchanged records in {found.pages} pages: {found.ratio:.1f} × raw reading",
        f"  raw reading  {found.raw:7.3f} s, {found.raw_cpu:7.3f} s of processor",
        f"  the hub      {found.hub:7.3f} s, {found.hub_cpu:7.3f} s of processor, {found.queries} statements",
        "made of (one pass under a stopwatch, which costs a little itself)",
        *(
            f"  {seconds / whole:4.0%} {seconds:7.3f} s  {name}"
            for name, seconds in sorted(found.parts.items(), key=lambda part: -part[1])
        ),
    ]
    print("\n".join(lines))  # noqa: T201


if __name__ == "__main__":
    main()
