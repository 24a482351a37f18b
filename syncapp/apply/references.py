"""References between the syncs of a file: every account that tells one also tells the records it refers to."""

from __future__ import annotations

from policies.models import Sync, SyncField
from syncapp.models import Feed

from .file import Complains


def check_references(found: Complains) -> None:
    """Over all syncs, as one of another file may have lost what it refers to. Raises ApplyError."""
    for field in SyncField.objects.filter(type="reference").select_related("sync").order_by("sync__slug", "order"):
        other = Sync.objects.filter(slug=field.params["sync"]).first()
        if other is None:
            place = ("syncs", field.sync.slug, "fields", field.name, "params", "sync")
            known = ", ".join(Sync.objects.order_by("slug").values_list("slug", flat=True))
            raise found.wrong(place, f"there is no sync {field.params['sync']!r} to refer to", f"Accepted: {known}")
        for feed in Feed.objects.filter(role__sync=field.sync).select_related("account", "role").order_by("pk"):
            if field.name in feed.mapping:
                _check_feed(found, field, feed, other)


def _check_feed(found: Complains, field: SyncField, feed: Feed, other: Sync) -> None:
    there = Feed.objects.filter(role__sync=other, account=feed.account).values_list("role__name", flat=True)
    if len(there) == 1:
        return
    place = ("syncs", field.sync.slug, "roles", feed.role.name, "mapping", field.name)
    if there:
        told = f"sync {other.slug!r} has several feeds at account {feed.account.slug!r}: {', '.join(sorted(there))}"
        raise found.wrong(place, told, "one of them at that account, or no mapping of this reference")
    told = f"sync {other.slug!r} has no feed at account {feed.account.slug!r}, so nothing there says what an id means"
    raise found.wrong(place, told, f"a role of {other.slug} at that account, or no mapping of this reference")
