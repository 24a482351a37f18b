"""What the record page says about identity: where a record lives on, and others that share a match key with it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Q

from policies.core import parting
from policies.core.answer import Refused
from policies.core.apart import are_apart
from policies.core.identity import lives_on_in
from policies.core.seen import Context
from policies.core.values import Record

from . import models
from .load import database_now
from .matching import record_digests
from .sight import Sight, sights_of
from .words import capital

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Twin:
    """Another record with one of this record's match keys."""

    row: models.Record
    keys: str


def heir_of(sight: Sight) -> models.Record | None:
    """The record that this one lives on in."""
    key = lives_on_in(sight.record)
    return models.Record.objects.filter(pk=key).first() if key else None


def twins_of(sight: Sight) -> Sequence[Twin]:
    """Pointed out until the two are joined or kept apart: at most a few, in a fixed number of queries."""
    mine = record_digests(sight.record, sight.policy)
    if not mine:
        return []
    same = reduce(or_, (Q(name=name, digest=digest) for name, digest in mine))
    found = models.MatchKey.objects.filter(same, sync=sight.row.sync_id).exclude(record=sight.row.pk)
    names: dict[uuid.UUID, str] = dict(found.order_by("record_id").values_list("record_id", "name")[:SHOWN])
    if not names:
        return []
    rows = models.Record.objects.select_related("sync").filter(pk__in=names).order_by("key")
    return [
        Twin(other.row, " and ".join(map(sight.words.field, names[other.row.pk].split("+"))))
        for other in sights_of(list(rows))
        if not are_apart(sight.record, other.record, sight.policy)
    ]


@dataclass(frozen=True, slots=True)
class Deed:
    """What a person may do about one link, in words; `refusal` says why not."""

    action: str
    button: str
    does: str
    refusal: str = ""


def deeds_of(sight: Sight, role: str) -> Sequence[Deed]:
    """Planned purely, as they stand: nothing happens here."""
    name, link = capital(sight.words.role(role)), sight.record.links.get(role)
    remote = f"record {link.remote_id}" if link is not None and link.remote_id else "its record"
    if link is not None and link.unlinked:
        there = link.gone is None and link.remote_id is not None
        does = (
            f"{name} {remote} is looked at, and what differs by then is decided by the policy or asked."
            if there
            else f"The record is gone at {name} and is made there again, after a look-up."
        )
        return [_deed(sight, role, "relink", "Keep it in step there again", does)]
    unlink = (
        f"{name} keeps {remote} as it is. Changes there no longer come here, nothing is written there, and no other "
        "record is made in its place. You can undo this here."
    )
    split = (
        f"{name} {remote} becomes a record of its own, with what it holds there. Each of the two is then made where it "
        "is missing and the policy makes records. They are kept apart from then on. You can join them again while no "
        "system has both."
    )
    return [
        _deed(sight, role, "unlink", "Unlink: no longer keep it in step there", unlink),
        _deed(sight, role, "split", "Split: make it a record of its own", split),
    ]


def _deed(sight: Sight, role: str, action: str, button: str, does: str) -> Deed:
    record, policy, context = sight.record, sight.policy, Context(database_now())
    try:
        if action == "split":
            parting.split(record, role, "", "", policy, context)
        else:
            {"unlink": parting.unlink, "relink": parting.relink}[action](record, role, "", policy, context)
    except Refused as refused:
        return Deed(action, button, does, str(refused))
    return Deed(action, button, does)


def joined(ending: Record, into: Record, sight: Sight) -> str:
    """Why the two cannot be joined, or ""."""
    try:
        parting.join(ending, into, "", sight.policy, Context(database_now()))
    except Refused as refused:
        return str(refused)
    return ""
