"""What happened to a record, newest first: ledger lines as sentences, with the versions the judge saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policies.core.reasons import Reason
from policies.core.values import HUB

from .keyset import by_id
from .lines import MOVED
from .models import Ledger
from .words import Words, sentence, spelled

PAGE = 30
# Answers about a whole record, by the action that its line keeps.
DECIDED = {
    "recreate": "A person decided: the record is made again where it was deleted.",
    "propagate": "A person decided: the record is deleted everywhere.",
    "unlink": "A person decided: the record is no longer kept in step where it went.",
    "follow": "A person decided: the two that were merged there are one record here too.",
    "apart": "A person decided: they are two records.",
    "same": "A person decided: they are the same record.",
    "skip": "A person decided: it is left as it is for now.",
    "retry": "A person decided: try to make it again.",
}
BOOKKEEPING = "The hub noted what it had read or written; no value changed."


@dataclass(frozen=True, slots=True)
class Event:
    pk: int
    at: datetime
    occurred_at: datetime | None
    verdict: str
    role: str
    field: str
    sentence: str
    value: str
    actor: str
    policy: int
    vector: str


def timeline(key: Any, words: Words, cursor: str = "", unit: str = "") -> tuple[Sequence[Event], str]:
    """Events of one page and the cursor of the next. `unit` leaves out what is about other fields."""
    lines = Ledger.objects.filter(record=key)
    if unit:
        lines = lines.filter(unit=unit)
    part = by_id(lines, cursor, PAGE)
    return [event_of(line, words) for line in part.rows], part.next


def event_of(line: Ledger, words: Words) -> Event:
    moved = line.verdict == MOVED
    return Event(
        line.pk,
        line.recorded_at,
        line.occurred_at,
        "noted" if moved else spelled(line.verdict).lower(),
        words.role(line.role) if line.role else "",
        words.field(line.unit) if line.unit else "",
        BOOKKEEPING if moved else _said(line, words),
        words.values(line.x) if line.x else "",
        line.actor,
        line.policy,
        shown_vector(seen_vector(line), words),
    )


def _said(line: Ledger, words: Words) -> str:
    if not line.unit and line.reason == Reason.PERSON_DECIDED.code:
        return DECIDED.get(line.detail, "A person decided about the record.")
    return sentence(words.why(line.reason, role=line.role, unit=line.unit, detail=line.detail))


def seen_vector(line: Ledger) -> dict[str, int]:
    """The versions that the judge saw for this unit: the hub's, and the one that this link had joined."""
    saw: Mapping[str, Any] = line.saw or {}
    out: dict[str, int] = {}
    if "belief" in saw and saw["belief"] is not None:
        out[HUB] = saw["belief"].get("v", 0)
    if line.role and line.role != HUB and saw.get("base") is not None:
        out[line.role] = saw["base"].get("k", 0)
    return out


def shown_vector(vector: Mapping[str, int], words: Words) -> str:
    return ", ".join(f"{words.role(role)} {version}" for role, version in vector.items())
