"""Take an answer about identity back: what it would do, as a sentence, and doing it through the same door.

same → the link is split out again · apart → the two are joined · skip → what was skipped is asked about anew ·
a merge that was unlinked → the record is kept in step there again. A merge that was followed cannot be taken back
whole, because the account cannot: what moved is split out, link by link, on the record's page.
"""

from __future__ import annotations

from django.db.models import QuerySet

from policies.core.answer import OTHER, Refused
from policies.core.values import Kind
from syncapp import linking
from syncapp.models import Conflict, Link, Record

SPLITS = ("same", OTHER)
SAYS = {
    "same": "Split {role} record {about} out again: it becomes a record of its own, and the two are kept apart.",
    OTHER: "Split {role} record {about} out again: it becomes a record of its own, and the two are kept apart.",
    "apart": "Join the two again: “{owner}” and “{title}” become one record.",
    "skip": "Look at {role} record {about} again: if it still matches, it is asked about anew.",
    "unlink": "Look at it anew: the record is linked at {role} again, and the merge there is asked about.",
}


def undoable(conflict: Conflict, role: str) -> str:
    """What undoing the answer would do, as things stand; "" where there is nothing to undo."""
    if conflict.state != Conflict.State.DECIDED or not _fits(conflict):
        return ""
    owner = owner_of_about(conflict)
    return SAYS[conflict.winner].format(role=role, about=conflict.about, title=conflict.record, owner=owner)


def _fits(conflict: Conflict) -> bool:
    if conflict.kind == Kind.MERGE:
        return conflict.winner == "unlink" and _link(conflict).filter(head__unlinked=True).exists()
    if conflict.kind != Kind.MATCH:
        return False
    if conflict.winner == "skip":
        return _link(conflict).filter(head__skipped__has_key=conflict.about).exists()
    owner = owner_of_about(conflict)
    if conflict.winner == "same":
        return owner is not None and owner.pk == conflict.record_id
    if owner is None or owner.pk == conflict.record_id:
        return False
    shown = {one["source"] for one in conflict.candidates}
    return conflict.winner == "apart" or (conflict.winner == OTHER and str(owner.pk) in shown)


def _link(conflict: Conflict) -> QuerySet[Link]:
    return Link.objects.filter(record=conflict.record_id, feed__role__name=conflict.role)


def owner_of_about(conflict: Conflict) -> Record | None:
    """The record that the remote record is linked to by now."""
    found = Link.objects.select_related("record__sync").filter(
        feed__role__sync=conflict.sync_id, feed__role__name=conflict.role, remote_id=conflict.about
    )
    link = found.first()
    return link.record if link is not None else None


def undo(conflict: Conflict, actor: str) -> Record:
    """The record to look at afterwards. Raises Refused in words, Contended."""
    if not undoable(conflict, conflict.role):
        raise Refused("it has been undone, or what it decided has moved on since; change it on the record's page")
    owner, record = owner_of_about(conflict), conflict.record
    if conflict.winner == "skip":
        linking.look_again(record, conflict.role, conflict.about, actor)
    elif conflict.winner == "unlink":
        linking.resume(record, conflict.role, actor)
    elif conflict.winner in SPLITS and owner is not None:
        return Record.objects.get(pk=linking.split(owner, conflict.role, actor))
    elif owner is not None:
        # The one that was made later, which is the one that the answer made, ends in the other.
        ending, record = (owner, record) if owner.pk > record.pk else (record, owner)
        linking.join(ending, record, actor)
    return record
