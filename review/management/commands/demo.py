"""Run the hub beside three real systems. It stands at the desk because the demo's people answer questions there."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from review.decide import decide
from review.logins import make_demo_logins
from review.management.summary import print_summary
from syncapp.demo.headless import failed, headless
from syncapp.demo.place import in_fresh_place, inside
from syncapp.demo.processes import DemoProblem
from syncapp.demo.run import play
from syncapp.demo.setup import WANTED
from syncapp.ready import NotReady, have_servers


class Command(BaseCommand):
    help = "Start the hub, a CRM, a billing system and a company directory, to play with in the browser."

    def add_arguments(self, parser: CommandParser) -> None:
        for name, port in WANTED.items():
            what = "hub's web pages" if name == "web" else name
            parser.add_argument(
                f"--{name}-port", type=int, default=port, help=f"port of the {what} ({port}, or next free)"
            )

        parser.add_argument(
            "--headless", action="store_true", help="a scripted scenario in a fresh place, then compare"
        )
        parser.add_argument("--json", action="store_true", help="with --headless: print one JSON object only")
        parser.add_argument(
            "--seed", type=int, default=1, help="with --headless: what people do, and which faults strike"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["headless"] and not inside():
            raise SystemExit(in_fresh_place(sys.argv))
        try:
            have_servers(need_redis=True)
            if options["headless"]:
                self.headless(options)
                return
            play({name: options[f"{name}_port"] for name in WANTED}, make_demo_logins, self.tell)
        except (DemoProblem, NotReady) as problem:
            raise CommandError(str(problem)) from None

    def tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def headless(self, options: dict[str, Any]) -> None:
        told = headless(decide, options["seed"], self.stderr.write if options["json"] else self.tell)
        print_summary(self, told, failed(told))
