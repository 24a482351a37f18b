"""Have a PostgreSQL table tell the hub of its changes at once: see the SQL first, install it, look at it, remove it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from syncapp.connectors.errors import ConnectorError
from syncapp.models import Account
from syncapp.outboxes import install, preview, standing, uninstall
from syncapp.secrets import SecretProblem


class Command(BaseCommand):
    help = "Triggers by which a table of an account tells of its changes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account")
        parser.add_argument("table", help="as feeds name it")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--preview", action="store_true", help="print the SQL; nothing is done")
        what.add_argument("--install", action="store_true")
        what.add_argument("--installed", action="store_true", help="somebody else ran the SQL: listen from now on")
        what.add_argument("--status", action="store_true")
        what.add_argument("--uninstall", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        account = Account.objects.filter(slug=options["account"]).first()
        if account is None:
            known = ", ".join(Account.objects.values_list("slug", flat=True)) or "none"
            raise CommandError(f"There is no account {options['account']!r}; there are: {known}.")
        try:
            self.stdout.write(self._done(account, options["table"], options))
        except (ConnectorError, SecretProblem) as error:
            raise CommandError(str(error)) from None

    def _done(self, account: Account, slug: str, options: dict[str, Any]) -> str:
        if options["preview"]:
            return preview(account, slug)
        if options["install"]:
            install(account, slug)
            return "Installed: the schedule listens within seconds."
        if options["installed"]:
            install(account, slug, by_hand=True)
            return "The triggers are there: the schedule listens within seconds."
        if options["uninstall"]:
            uninstall(account, slug)
            return "Removed: changes are found by the schedule of the feed."
        found = standing(account, slug)
        if not found.installed:
            return "Not installed."
        oldest = f", the oldest of {found.oldest:%Y-%m-%d %H:%M:%S}" if found.oldest else ""
        return f"Installed; {found.waiting} changes wait{oldest}."
