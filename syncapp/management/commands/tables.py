"""List the tables of an account's database, and look at the chosen ones again."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from syncapp.connectors.errors import ConnectorError
from syncapp.connectors.sql.describe import Described
from syncapp.models import Account
from syncapp.secrets import SecretProblem
from syncapp.tables import describe, look_again


class Command(BaseCommand):
    help = "The tables that an account's database has to choose from, with what is not possible with each."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account")
        parser.add_argument("--schema", help="another schema than the account's")
        parser.add_argument("--refresh", action="store_true", help="look at the chosen tables again, and keep that")
        parser.add_argument("--json", action="store_true", dest="as_json")

    def handle(self, *args: Any, **options: Any) -> None:
        account = Account.objects.filter(slug=options["account"]).first()
        if account is None:
            known = ", ".join(Account.objects.values_list("slug", flat=True)) or "none"
            raise CommandError(f"There is no account {options['account']!r}; there are: {known}.")
        try:
            self._told(account, options)
        except (ConnectorError, SecretProblem) as error:
            raise CommandError(str(error)) from None

    def _told(self, account: Account, options: dict[str, Any]) -> None:
        if options["refresh"]:
            changed = look_again(account)
            account.save(update_fields=["tables"])
            self.stdout.write(f"Changed: {', '.join(changed)}." if changed else "Every chosen table is as it was.")
            return
        found = describe(account, options["schema"])
        if options["as_json"]:
            self.stdout.write(json.dumps([asdict(one) for one in found]))
            return
        for one in found:
            self._show(one)

    def _show(self, one: Described) -> None:
        rows = "" if one.rows is None else f", about {one.rows:,} rows"
        self.stdout.write(f"{one.full_name} ({'view' if one.view else 'table'}{rows})")
        for column in one.columns:
            null = "" if column.nullable else ", not null"
            self.stdout.write(f"    {column.name}: {column.kind} ({column.native}{null})")
        self.stdout.write(f"    suggested: {json.dumps(one.suggested)}")
        for note in one.notes:
            self.stdout.write(f"    - {note}")
