"""`manage.py simulate`: the fault machine, outside the test runner."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from syncapp.simulation.runner import Summary, run


class Command(BaseCommand):
    help = "Let people edit, accounts misbehave and workers die in simulated syncs, and check that the invariants hold."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seeds", type=int, default=200, help="how many seeds to run (default 200)")
        parser.add_argument(
            "--first", type=int, default=0, help="the first seed (default 0); a seed replays identically"
        )
        parser.add_argument("--processes", type=int, default=None, help="default: one per core")
        parser.add_argument("--json", action="store_true", help="print the summary as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["seeds"] < 1 or options["first"] < 0:
            raise CommandError("--seeds takes a number from 1 on, --first one from 0 on")
        started, total = time.monotonic(), Summary()
        for part in run(options["first"], options["seeds"], options["processes"]):
            total.add(part)
            if not options["json"]:
                self.stdout.write(
                    f"\r{total.seeds} of {options['seeds']} seeds, {len(total.failing)} failing", ending=""
                )
                self.stdout.flush()
        seconds = round(time.monotonic() - started, 1)
        self.stdout.write(
            json.dumps(_as_json(total, seconds), indent=2) if options["json"] else _as_text(total, seconds)
        )
        if total.failing or total.missing():
            sys.exit(1)


def _replay(seed: int) -> str:
    return f"python manage.py simulate --first {seed} --seeds 1"


def _as_json(total: Summary, seconds: float) -> dict[str, Any]:
    return {
        "seeds": total.seeds,
        "edits": total.edits,
        "violations": sum(map(len, total.failing.values())),
        "failing": {str(seed): {"findings": found, "replay": _replay(seed)} for seed, found in total.failing.items()},
        "windows": dict(total.windows),
        "windows_all_conditional": dict(total.windows_all_conditional),
        "exercised": dict(sorted(total.exercised.items())),
        "never_exercised": total.missing(),
        "seconds": seconds,
    }


def _as_text(total: Summary, seconds: float) -> str:
    lines = [f"\n{total.seeds} seeds with {total.edits} edits in {seconds} s"]
    for seed, found in sorted(total.failing.items()):
        lines += [f"seed {seed} (again: {_replay(seed)})", *(f"  {what}" for what in found)]
    lines += [f"window, named and allowed: {kind}: {number}" for kind, number in sorted(total.windows.items())]
    lines += [f"{kind}: {number}" for kind, number in sorted(total.exercised.items())]
    lines += [f"never exercised: {kind}" for kind in total.missing()]
    count = sum(map(len, total.failing.values()))
    lines.append(f"{count} violations" if count else "no violations")
    return "\n".join(lines)
