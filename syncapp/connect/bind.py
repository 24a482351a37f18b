"""A draft put to use: role, feed and policy through the doors that a set-up file goes through, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max

from policies.models import Role, Sync, SyncField
from syncapp.apply.changes import Changes
from syncapp.apply.feeds import put_feed
from syncapp.apply.joining import admit
from syncapp.apply.locks import hold_set_up
from syncapp.apply.references import check_references
from syncapp.apply.run import revise_all
from syncapp.baseline import BASELINE_JOB
from syncapp.connectors.errors import ManifestError
from syncapp.connectors.located import dotted
from syncapp.models import Account, Draft, Feed, Run
from syncapp.plan.make import ask_for_plan
from syncapp.queue import TICK, ring

from .credentials import Moved
from .drafts import MOVED
from .noted import note


class Form:
    """What a file is for `apply`: whoever says what is wrong at one place."""

    def wrong(self, place: Sequence[str | int], message: str, accepted: str = "") -> ManifestError:
        return ManifestError("", dotted(tuple(place)), message, accepted)


def bind(draft: Draft, shown: int, by: str) -> Feed:
    """The draft becomes the role's feed, in preview where it is new or means something else now.

    Raises Moved, and ApplyError whose path names the field.
    """
    form, changes = Form(), Changes()
    with transaction.atomic():
        hold_set_up()
        row = Draft.objects.select_for_update(of=("self",)).filter(pk=draft.pk, version=shown)
        held = row.select_related("sync", "account").first()
        if held is None:
            raise Moved(MOVED)
        role = _role(held)
        spec = _as_a_file_says(held, Feed.objects.filter(role=role).first())
        place = ("syncs", held.sync.slug, "roles", role.name)
        feed = put_feed(form, changes, place, role, spec, fields_of(held.sync), _accounts(held))
        admit(form, changes, role, by)
        check_references(form)
        if changes.lines:
            revise_all()
            note(held.account, by, changes.lines, role.name)
        held.delete()
        if feed.baseline:
            ring(BASELINE_JOB, feed.pk, queue="push")
        ring(TICK)
    return feed


def look_first(feed: Feed, by: str) -> Run | None:
    """The plan that shows what would happen; None where none is needed, or not yet."""
    feed.refresh_from_db()
    if feed.stage != Feed.Stage.PREVIEW or feed.baseline:
        return None
    return ask_for_plan(feed.role.sync, by)


def _role(draft: Draft) -> Role:
    """A new one comes last in the order that decides where nothing else does."""
    last = Role.objects.filter(sync=draft.sync).aggregate(last=Max("order"))["last"]
    defaults = {"label": draft.label, "order": 0 if last is None else last + 1}
    return Role.objects.get_or_create(sync=draft.sync, name=draft.role, defaults=defaults)[0]


def _as_a_file_says(draft: Draft, feed: Feed | None) -> dict[str, Any]:
    return {
        "account": draft.account.slug,
        "object": draft.object,
        "mapping": draft.mapping,
        "scope": draft.scope,
        "every": draft.schedule,
        "settle": draft.settle_delay,
        "paused": feed.paused if feed is not None else "",
    }


def fields_of(sync: Sync) -> dict[str, Mapping[str, Any]]:
    """As a set-up file has them."""
    return {row.name: _field(row) for row in sync.fields.all()}


def _field(row: SyncField) -> Mapping[str, Any]:
    bundle = {"bundle": row.bundle} if row.bundle else {}
    return {"type": row.type, "params": row.params, **bundle}


def _accounts(draft: Draft) -> Mapping[str, Account]:
    return {draft.account.slug: draft.account}
