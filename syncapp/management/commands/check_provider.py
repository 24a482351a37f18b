"""Run the conformance suite over one provider."""

import json
from contextlib import AbstractContextManager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from syncapp.certificates import account_place, keep, manifest_named, report_of
from syncapp.certify.doubles import NoPlace
from syncapp.certify.find import DOUBLE, SERVER, places
from syncapp.certify.place import Place
from syncapp.certify.report import Report, lines
from syncapp.certify.run import check
from syncapp.certify.servers.base import NoServer
from syncapp.connectors.errors import ConnectorError
from syncapp.connectors.spec import Manifest
from syncapp.doubles.find import NoDouble
from syncapp.models import Account
from syncapp.secrets import SecretProblem


class Command(BaseCommand):
    help = (
        "Try everything that a provider's file declares: at a live account (--account), else at its real server or its"
        " double. Ends with 0 if nothing failed, 1 if something did, 2 if it could not be tried."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("provider", metavar="SLUG")
        parser.add_argument("--account", metavar="NAME", default="", help="the short name of an account of this hub")
        parser.add_argument(
            "--object", metavar="NAME", action="append", default=[], help="only this object; repeatable"
        )
        parser.add_argument("--against", choices=(SERVER, DOUBLE), default="", help="where there are both")
        parser.add_argument("--double", metavar="FILE|URL", default="", help="a double of your own")
        parser.add_argument("--writes", action="store_true", help="make, change and remove marked records of its own")
        parser.add_argument(
            "--give", metavar="FIELD=VALUE", action="append", default=[],
            help="what every record needs, such as project=1 or issues.project=1; repeatable",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = self._run(options)
        except (ConnectorError, NoPlace, NoDouble, NoServer, SecretProblem) as error:
            raise CommandError(str(error), returncode=2) from None
        keep(report)
        self.stdout.write(json.dumps(report.as_json()) if options["json"] else "\n".join(lines(report)))
        if report.failed:
            raise SystemExit(1)
        if report.findings.stopped:
            raise SystemExit(130)

    def _run(self, options: dict[str, Any]) -> Report:
        manifest = manifest_named(options["provider"])
        with self._places(manifest, options) as found:
            # Of a database: with the tables that were chosen.
            manifest = found[0].manifest
            unknown = sorted(set(options["object"]) - set(manifest.objects))
            if unknown or not manifest.objects:
                known = ", ".join(manifest.objects) or "none: choose a table on the account's page"
                what = f"{manifest.slug} has no object {unknown[0]!r}" if unknown else f"{manifest.slug} has no object"
                raise CommandError(f"{what}. Accepted: {known}.", returncode=2)
            if not options["writes"]:
                self.stderr.write("Read-only: nothing is made or changed. Most checks need --writes.")
            give(found, manifest, options["give"])
            findings = check(found, writes=options["writes"], objects=options["object"], tell=self._tell)
            return report_of(manifest, found, findings, writes=options["writes"])

    def _places(self, manifest: Manifest, options: dict[str, Any]) -> AbstractContextManager[list[Place]]:
        if not options["account"]:
            return places(manifest, options["against"], options["double"])
        account = Account.objects.filter(slug=options["account"]).first()
        mine = Account.objects.filter(provider=manifest.slug).values_list("slug", flat=True)
        if account is None or account.provider != manifest.slug:
            known = ", ".join(mine) or "none yet"
            what = f"There is no account {options['account']!r} of {manifest.slug}. Accepted: {known}."
            raise CommandError(what, returncode=2)
        return account_place(account)

    def _tell(self, line: str) -> None:
        if self.stderr.isatty():
            self.stderr.write(f"\r{line[:100]:100}", ending="")


def give(places: list[Place], manifest: Manifest, told: list[str]) -> None:
    """Raises CommandError for what is no field of any object."""
    for text in told:
        name, equals, value = text.partition("=")
        object, _, field = name.rpartition(".")
        objects = [one for one in ([object] if object else manifest.objects) if one in manifest.objects]
        mine = [one for one in objects if field in manifest.objects[one].fields]
        if not equals or not mine:
            known = ", ".join(sorted({field for spec in manifest.objects.values() for field in spec.fields}))
            raise CommandError(f"--give {text!r} names no field. Accepted: {known}, each with =VALUE.", returncode=2)
        for place in places:
            place.given = {**place.given, **{one: {**place.given.get(one, {}), field: _value(value)} for one in mine}}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
