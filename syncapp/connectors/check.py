"""``python -m syncapp.connectors.check FILE.yaml …``: is this provider file right? Says what to mend, line by line."""

from __future__ import annotations

import sys

from syncapp.connectors.manifest import ManifestError, load


def main(files: list[str]) -> int:
    """Zero if every file is right."""
    if not files:
        sys.stderr.write("Name one or more provider files: python -m syncapp.connectors.check FILE.yaml\n")
        return 2
    wrong = 0
    for file in files:
        try:
            found = load(file)
            sys.stdout.write(f"{file}: {found.name}, objects {', '.join(found.objects)}: right\n")
        except ManifestError as error:
            sys.stderr.write(f"{error}\n")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
