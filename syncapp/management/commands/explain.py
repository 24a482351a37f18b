"""Say why each field of a record is what it is."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from policies.models import Sync
from syncapp.explain import NotFound, explain, find_record
from syncapp.sight import sight_of
from syncapp.store import NoPolicy


class Command(BaseCommand):
    help = "Say why each field of a record is what it is: source, actor, time, policy version and rule."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("sync", help="the sync's short name, for example contacts")
        parser.add_argument("record", help="a record's key, a match-key value such as an e-mail, or a remote id")
        parser.add_argument("field", nargs="?", default="", help="one field or bundle; all of them if left out")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            for line in said(options["sync"], options["record"], options["field"]):
                self.stdout.write(line)
        except (NotFound, NoPolicy) as problem:
            raise CommandError(str(problem)) from problem


def said(slug: str, wanted: str, name: str) -> list[str]:
    sync = Sync.objects.filter(slug=slug).first()
    if sync is None:
        known = ", ".join(Sync.objects.values_list("slug", flat=True)) or "none yet; apply a file first"
        raise CommandError(f"there is no sync {slug!r}; accepted: {known}")
    sight = sight_of(find_record(sync, wanted))
    lines = explain(sight)
    members = {member.name: unit.name for unit in sight.policy.units for member in unit.members}
    unit = members.get(name, name)
    if name and unit not in {line.unit for line in lines}:
        raise CommandError(f"sync {slug!r} has no field {name!r}; accepted: {', '.join(line.unit for line in lines)}")
    return [line.sentence for line in lines if line.unit == unit or not name]
