"""The outbox of a chosen table: what would be run to install it, running it, and removing it again."""

from __future__ import annotations

from django.db import transaction

from .connectors.errors import Misconfigured
from .connectors.sql import outbox as hands
from .connectors.sql.outbox import Standing
from .connectors.sql.place import Place
from .connectors.sql.tables import Table
from .facts import manifest_of
from .models import Account
from .tables import place_of, tables_of


def _found(account: Account, slug: str) -> tuple[Place, Table]:
    """Raises Misconfigured where there is no such table, or its database tells nobody of anything."""
    place, tables, spec = place_of(account), tables_of(account), manifest_of(account).sql
    if spec is None or not spec.listens:
        raise Misconfigured("only PostgreSQL can tell of changes at once", account.slug, "a schedule of the feed")
    if slug not in tables:
        raise Misconfigured(f"no table was chosen for {slug!r}", account.slug, ", ".join(tables) or "choose one first")
    return place, tables[slug]


def preview(account: Account, slug: str) -> str:
    """The SQL of both, as a person may read it, or run it in the hub's stead."""
    place, table = _found(account, slug)
    return "\n".join(
        [
            "-- To install:",
            *(f"{statement};" for statement in hands.installing(table, place.user)),
            "",
            "-- To remove it again:",
            *(f"{statement};" for statement in hands.uninstalling(table)),
            f"-- and after the last table: DROP TABLE {hands.BOX}",
        ]
    )


def install(account: Account, slug: str, *, by_hand: bool = False) -> None:
    """`by_hand`: somebody ran it already. Raises Unauthorised where the account's role may not."""
    place, table = _found(account, slug)
    if not by_hand:
        hands.install(place, table)
    elif not hands.standing(place, table).installed:
        raise Misconfigured(f"{table.full_name} has no trigger {hands.ROWS}", account.slug, "run what --preview prints")
    _note(account, slug, there=True)


def uninstall(account: Account, slug: str) -> None:
    place, table = _found(account, slug)
    hands.uninstall(place, table)
    _note(account, slug, there=False)


def standing(account: Account, slug: str) -> Standing:
    return hands.standing(*_found(account, slug))


def _note(account: Account, slug: str, *, there: bool) -> None:
    with transaction.atomic():
        row = Account.objects.select_for_update().get(pk=account.pk)
        row.tables[slug] = {**row.tables[slug], "outbox": there}
        row.save(update_fields=["tables"])
    account.tables = row.tables
