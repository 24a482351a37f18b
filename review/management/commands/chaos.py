"""Break the hub while people use it, and say what became of everything. At the desk, as the demo is: people answer."""

import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from review.decide import decide
from review.management.summary import print_summary
from syncapp.chaos.run import LEASE_SCALE, chaos, failed
from syncapp.demo.place import in_fresh_place, inside
from syncapp.demo.processes import DemoProblem
from syncapp.ready import NotReady, have_servers

SECONDS, SHORT = 300.0, 35.0


class Command(BaseCommand):
    help = "Kill, starve and mislead the hub's real processes while people edit; then count what was lost."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--seconds", type=float, default=SECONDS, help=f"how long people edit while things break ({SECONDS:.0f})"
        )
        parser.add_argument("--short", action="store_true", help=f"{SHORT:.0f} seconds: every kind of strike once")
        parser.add_argument("--seed", type=int, default=1, help="what people do, and what strikes when")
        parser.add_argument("--json", action="store_true", help="print one JSON object only")

    started = time.monotonic()

    def handle(self, *args: Any, **options: Any) -> None:
        if not inside():
            raise SystemExit(in_fresh_place(sys.argv, CONCORD_LEASE_SCALE=LEASE_SCALE))
        seconds = SHORT if options["short"] else options["seconds"]
        try:
            have_servers(need_redis=True)
            told = chaos(decide, seconds, options["seed"], self.tell if not options["json"] else self.stderr.write)
        except (DemoProblem, NotReady) as problem:
            raise CommandError(str(problem)) from None
        print_summary(self, told, failed(told))

    def tell(self, line: str) -> None:
        self.stdout.write(f"{time.monotonic() - self.started:6.1f} {line}")
        self.stdout.flush()
