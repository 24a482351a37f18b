"""Work on how a role is bound: begun, changed by whoever saw the newest version, and put to use or dropped."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F

from policies.models import Role, Sync
from syncapp.connectors.errors import ManifestError
from syncapp.connectors.spec import ObjectSpec
from syncapp.facts import object_spec
from syncapp.mapper.editor import Editor
from syncapp.models import Account, Draft, Feed

from .credentials import Moved
from .sample import Sample, sample_of

MOVED = (
    "somebody else changed this draft since the page was shown; below is what it is now, so look and change it again"
)


class Taken(Exception):
    """The role cannot be drafted for this account; the sentence says why and what to do."""


def begin(account: Account, object_slug: str, sync: Sync, role: str, label: str, by: str) -> Draft:
    """A draft with what could be guessed, or the one there is. Raises Taken."""
    if sync.retired or Role.objects.filter(sync=sync, name=role).exclude(left="").exists():
        gone = f"“{sync.name}”" if sync.retired else f"the role {role}"
        raise Taken(f"{gone} was taken out; take it back on the page of {sync.name} first, or choose another")
    feed = Feed.objects.filter(role__sync=sync, role__name=role).select_related("account").first()
    if feed is not None and (feed.account_id, feed.object) != (account.pk, object_slug):
        raise Taken(f"the role {role} is bound to {feed.account.name} already; choose another role, or a new one")
    found = Draft.objects.filter(sync=sync, role=role).select_related("account").first()
    if found is not None:
        if (found.account_id, found.object) == (account.pk, object_slug):
            return found
        busy = f"the role {role} is being bound to {found.account.name} by {found.by} just now"
        raise Taken(f"{busy}; choose another role, or drop that")
    if feed is not None:
        told: dict[str, Any] = {"mapping": feed.mapping, "scope": feed.scope, "schedule": feed.schedule}
        told["settle_delay"] = feed.settle_delay
    else:
        sample = sample_of(account, object_slug)
        mapping, _ = Editor(sync, spec_of(account, object_slug), sample.body).suggested({})
        told = {"mapping": mapping, "sample_id": sample.id}
    made, _ = Draft.objects.get_or_create(
        sync=sync, role=role, defaults={"account": account, "object": object_slug, "label": label, "by": by, **told}
    )
    return made


def save(draft: Draft, shown: int, by: str, **told: Any) -> None:
    """Raises Moved where another version than the one that was shown is there by now."""
    mine = Draft.objects.filter(pk=draft.pk, version=shown)
    if not mine.update(version=F("version") + 1, by=by, **told):
        raise Moved(MOVED)
    draft.refresh_from_db()


def drop(draft: Draft, shown: int) -> None:
    """Raises Moved."""
    with transaction.atomic():
        if not Draft.objects.filter(pk=draft.pk, version=shown).delete()[0]:
            raise Moved(MOVED)


def spec_of(account: Account, object_slug: str) -> ObjectSpec:
    """Raises ManifestError, which the page tells: an object may be gone from its file, a table from those chosen."""
    try:
        return object_spec(account, object_slug)
    except LookupError as error:
        raise ManifestError(account.slug, object_slug, str(error)) from None


def editor_of(draft: Draft) -> tuple[Editor, Sample]:
    sample = sample_of(draft.account, draft.object, draft.sample_id)
    return Editor(draft.sync, spec_of(draft.account, draft.object), sample.body), sample
