"""What an answer about identity speaks of, from its question's rows; it is taken in `syncapp.identify`."""

from __future__ import annotations

import uuid

from policies.core.answer import Choice, Refused
from policies.core.seen import Observation
from policies.core.values import Values
from syncapp.models import Conflict


def named(conflict: Conflict, choice: Choice) -> list[str]:
    """The keys of every record that the question or its answer speaks of. Raises Refused for what is no key."""
    others = [one["source"] for one in conflict.candidates if one["source"] != conflict.role]
    return list(dict.fromkeys([str(conflict.record_id), *others, *_record_key(choice.record)]))


def _record_key(text: str) -> list[str]:
    try:
        return [str(uuid.UUID(text))] if text else []
    except ValueError:
        raise Refused("there is no such record; choose one of those shown") from None


def seen_of(conflict: Conflict) -> Observation:
    """What the question was asked about, as the candidate kept it."""
    fields: Values = next((c["value"] for c in conflict.candidates if c["source"] == conflict.role), {})
    return Observation(conflict.role, conflict.about, fields, conflict.opened_at)
