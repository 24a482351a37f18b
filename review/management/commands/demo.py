"""Run the hub beside three real systems. It stands at the desk because the demo's people answer questions there."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from review.logins import make_demo_logins
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

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            have_servers(need_redis=True)
            play({name: options[f"{name}_port"] for name in WANTED}, make_demo_logins, self.tell)
        except (DemoProblem, NotReady) as problem:
            raise CommandError(str(problem)) from None

    def tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
