"""An approved plan is carried out by the ordinary full pass; what was different by then is noted on the plan."""

# ruff: noqa: S608 - the statements are made of constants; values are always parameters.
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from syncapp.guard import Guarded
from syncapp.models import Feed, Planned
from syncapp.translate import Seen

CHANGED = "it was changed after the plan was made, and is judged as it is now"
NEW = "it came after the plan was made"
GONE = "it is not there any more, or another record took it"
SETTLED = "it is no longer a question which record it is"


@dataclass(slots=True)
class Compared(Guarded):
    """A sieve that also compares each page with the plan that is carried out: two statements for a page, until then."""

    def keep(self, page: Sequence[Seen], read_at: datetime, last: bool) -> Sequence[Seen]:
        if self.feed.plan_id is not None:
            shown = {seen.item.id: (seen.digest, seen.item.version) for seen in page if not seen.item.deleted}
            note_moved(self.feed, self.feed.plan_id, shown)
        return super(Compared, self).keep(page, read_at, last)


def looks(digest: str, version: str | None) -> str:
    """By what a remote record is known again. One that waits for a reference has no digest; then it is its version."""
    return digest or (f"version {version}"[:64] if version else "")


def note_moved(feed: Feed, plan_id: int, shown: Mapping[str, tuple[str, str | None]]) -> None:
    """Remote records that look other than when the plan was made, and those that were not there."""
    planned = Planned.objects.filter(run=plan_id, feed=feed, remote_id__in=list(shown))
    known = {str(remote): (pk, look) for pk, remote, look in planned.values_list("pk", "remote_id", "digest")}
    same = {remote: {looks(*told), looks("", told[1])} for remote, told in shown.items()}
    moved = [pk for remote, (pk, look) in known.items() if look and look not in same[remote]]
    if moved:
        Planned.objects.filter(pk__in=moved, moved="").update(moved=CHANGED)
    Planned.objects.bulk_create(
        [
            Planned(run_id=plan_id, feed=feed, remote_id=remote, group=Planned.Group.NEW, digest=digest, moved=NEW)
            for remote, (digest, _) in shown.items()
            if remote not in known
        ],
        ignore_conflicts=True,
    )


LINKED = "EXISTS (SELECT FROM syncapp_link l WHERE l.feed_id = p.feed_id AND l.remote_id = p.remote_id{more})"
OURS = "p.run_id = %s AND p.feed_id = %s AND p.remote_id IS NOT NULL AND "
# In this order: what was not taken after all (out of scope, unreadable) did not come; the rest of it gets its name.
STATEMENTS = (
    f"DELETE FROM syncapp_planned p WHERE {OURS} p.\"group\" = 'new' AND NOT {LINKED.format(more='')}"
    " AND NOT EXISTS (SELECT FROM syncapp_conflict c JOIN syncapp_feed f ON f.id = p.feed_id"
    "   JOIN policies_role r ON r.id = f.role_id AND r.sync_id = c.sync_id"
    "   WHERE c.state = 'open' AND c.about = p.remote_id AND c.role = r.name)",
    "UPDATE syncapp_planned p SET title = r.title FROM syncapp_link l JOIN syncapp_record r ON r.key = l.record_id"
    f" WHERE {OURS} p.\"group\" = 'new' AND l.feed_id = p.feed_id AND l.remote_id = p.remote_id",
    f"UPDATE syncapp_planned p SET moved = '{SETTLED}' WHERE {OURS} p.moved = '' AND p.\"group\" = 'ambiguous'"
    f" AND {LINKED.format(more='')}",
    f"UPDATE syncapp_planned p SET moved = '{GONE}' WHERE {OURS} p.moved = '' AND p.\"group\" <> 'ambiguous' AND NOT "
    + LINKED.format(more=" AND (p.record IS NULL OR l.record_id = p.record)"),
)


def end_comparison(feed: Feed) -> None:
    """The pass is through: what the plan named and what is there now are compared as a whole, once."""
    if feed.plan_id is None:
        return
    with connection.cursor() as cursor:
        for statement in STATEMENTS:
            cursor.execute(statement, [feed.plan_id, feed.pk])
    Feed.objects.filter(pk=feed.pk, plan_id=feed.plan_id).update(plan=None)
