"""A question in the reader's words: the headline, why it was asked, and how it ended."""

from __future__ import annotations

from policies.core.values import Kind
from syncapp.models import Conflict
from syncapp.words import Words, capital, sentence, spelled

HEADLINES = {
    Kind.VALUE: "Which {field} is right for {title}?",
    Kind.PROPOSAL: "May {role} change {field} of {title}?",
    Kind.INVALID: "{Role} holds a {field} of {title} that is not valid: what should it be?",
    Kind.OVERWRITTEN: "A {field} of {title} was written over: which is right?",
    Kind.PING_PONG: "{Field} of {title} keeps going back and forth: which is right?",
    Kind.DELETE: "{title} was deleted at {role}: what should happen?",
    Kind.MATCH: "Is {role} record {about} the same as {title}?",
    Kind.MERGE: "{Role} merged {title} into another record: what should happen?",
    Kind.OUTCOME: "It is not known which {field} of {title} was written: which is right?",
    Kind.CREATE: "{title} could not be made at {role}: what should happen?",
}
KINDS = {
    Kind.VALUE: "two values",
    Kind.PROPOSAL: "proposal",
    Kind.INVALID: "value not valid",
    Kind.OVERWRITTEN: "edit written over",
    Kind.PING_PONG: "back and forth",
    Kind.DELETE: "deleted",
    Kind.MATCH: "same record?",
    Kind.MERGE: "merged there",
    Kind.OUTCOME: "outcome unknown",
    Kind.CREATE: "create refused",
}
# The words on the buttons of actions, which a receipt repeats.
BUTTONS = {
    (Kind.DELETE, "recreate"): "Make it again at {role}",
    (Kind.DELETE, "propagate"): "Delete it everywhere",
    (Kind.DELETE, "unlink"): "No longer keep it in step at {role}",
    (Kind.CREATE, "retry"): "Try to make it at {role} again",
    (Kind.CREATE, "skip"): "Do without it at {role}",
    (Kind.MERGE, "follow"): "Follow: one record in the hub too",
    (Kind.MERGE, "unlink"): "No longer keep this one in step at {role}",
    (Kind.MERGE, "apart"): "Keep apart: make this one again at {role}",
    (Kind.MATCH, "same"): "Same: link them",
    (Kind.MATCH, "other"): "Same as another record: link them",
    (Kind.MATCH, "apart"): "Keep apart: make a record of its own",
    (Kind.MATCH, "skip"): "Skip: asked again when what it is matched by changes",
}


def headline(conflict: Conflict, words: Words) -> str:
    """The question in one sentence."""
    field, role = words.field(conflict.unit), words.role(conflict.role)
    return HEADLINES[Kind(conflict.kind)].format(
        field=field,
        Field=field,
        role=role,
        Role=capital(role),
        title=conflict.record.title or "this record",
        about=conflict.about,
    )


def kind_label(kind: str) -> str:
    return KINDS.get(Kind(kind), spelled(kind))


def asked_because(conflict: Conflict, words: Words) -> str:
    role = conflict.role or next((c["source"] for c in conflict.candidates if c["source"] in words.roles), "")
    return sentence(words.why(conflict.reason, role=role, unit=conflict.unit, detail=conflict.note))


def how_it_ended(conflict: Conflict, words: Words) -> str:
    by = conflict.decided_by or "a rule"
    outcome = words.why(conflict.outcome, role=conflict.winner, unit=conflict.unit)
    if not conflict.unit and conflict.decided_by:
        outcome = "A person decided"
    if conflict.value is not None:
        return f"{outcome}; the answer is “{words.values(conflict.value)}” (by {by})."
    answer = f"; the answer is “{action_label(conflict.kind, conflict.winner, words.role(conflict.role))}”"
    return f"{outcome}{answer if conflict.winner else ''} (by {by})."


def action_label(kind: str, action: str, role: str) -> str:
    """What the button of an action said; an action of another release is shown as it is."""
    return BUTTONS.get((Kind(kind), action), spelled(action)).format(role=role)
