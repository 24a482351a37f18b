"""How a run of real processes ends on the command line: its summary in one line of JSON, what failed, the exit code."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand


def print_summary(command: BaseCommand, told: dict[str, Any], failed: bool) -> None:
    """Raises SystemExit where it failed, after a line for each thing that was found."""
    details = told.pop("details", {})
    command.stdout.write(json.dumps(told))
    if failed:
        for name, sentences in details.items():
            for sentence in sentences:
                command.stderr.write(f"{name}: {sentence}")
        raise SystemExit(1)
