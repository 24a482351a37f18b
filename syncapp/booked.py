"""The ledger lines of a page: what was decided, with what the judge saw, and what it changed; written in one COPY.

The lines of one plan share what they saw: the observation, the link and the circumstances are spelled once per plan.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from policies.core.codec import to_json
from policies.core.planned import Line, Plan, Saw
from policies.core.reasons import Reason, Verdict
from policies.core.seen import Observation
from policies.models import Sync

from .lines import MOVED, Spelling, changes_of
from .load import database_now
from .models import Ledger
from .rows import add, dumped
from .setting import Entry, Setting

BY_PEOPLE = (Verdict.DECIDED, Verdict.EDITED)
COLUMNS = (
    "sync_id", "record", "correlation", "line", "verdict", "reason", "role", "unit", "detail", "x", "saw", "changes",
    "policy", "facts", "run_id", "actor", "occurred_at", "received_at", "recorded_at",
)  # fmt: skip


def book(
    setting: Setting, now: datetime, entries: Sequence[Entry], spelling: Spelling
) -> tuple[list[Sequence[Any]], set[str]]:
    """The rows of all plans, and the records that they changed in more than when they were read."""
    rows: list[Sequence[Any]] = []
    changed: set[str] = set()
    for entry in entries:
        changes = changes_of(entry.before, entry.plan.state, spelling)
        if changes:
            changed.add(entry.plan.state.key)
        rows += _rows(setting, now, entry, dumped(changes) if changes else None)
    return rows, changed


def write_lines(rows: Sequence[Sequence[Any]]) -> None:
    add("syncapp_ledger", COLUMNS, rows)


def tell(
    sync: Sync,
    verdict: Verdict,
    reason: Reason,
    *,
    records: Iterable[uuid.UUID | None] = (None,),
    role: str = "",
    detail: str = "",
    actor: str = "",
) -> None:
    """What people and guards did to a sync, or to records of it without changing them; a line for each."""
    told: dict[str, Any] = {
        "sync": sync,
        "line": 0,
        "verdict": verdict.value,
        "reason": reason.code,
        "role": role,
        "detail": detail,
        "policy": sync.policy_sets.filter(state="published").values_list("version", flat=True).first() or 0,
        "actor": actor[:150],
        "recorded_at": database_now(),
    }
    lines = [Ledger(record=record, correlation=uuid.uuid4(), **told) for record in records]
    Ledger.objects.bulk_create(lines, batch_size=1000)


def _rows(setting: Setting, now: datetime, entry: Entry, changes: str | None) -> list[Sequence[Any]]:
    """`changes` stands on the last line; state that moved without a verdict, as a claimed push, gets a bare one."""
    plan, spelled = entry.plan, Spelled()
    head = (setting.sync.pk, plan.state.key, entry.correlation)
    run = setting.run.pk if setting.run is not None else None
    told = (setting.policy.version, setting.facts, run)
    if not plan.lines:
        return [(*head, 0, MOVED, "", "", "", "", None, None, changes, *told, "", None, None, now)] if changes else []
    last = len(plan.lines) - 1
    rows: list[Sequence[Any]] = []
    for number, line in enumerate(plan.lines):
        seen = line.saw.observation if line.saw is not None else None
        said = (line.verdict.value, line.reason.code, line.role, line.unit, line.detail)
        values = (None if line.x is None else dumped(dict(line.x)), spelled.saw(line))
        rows.append(
            (*head, number, *said, *values, changes if number == last else None, *told, *_whence(plan, line, seen), now)
        )
    return rows


def _whence(plan: Plan, line: Line, seen: Observation | None) -> tuple[str, datetime | None, datetime | None]:
    """(actor, occurred, received)."""
    if seen is not None:
        return (seen.actor or "")[:150], seen.updated_at, seen.received_at
    by = line.by or (_person(plan, line) if line.verdict in BY_PEOPLE else "")
    return by[:150], None, None


def _person(plan: Plan, line: Line) -> str:
    """Who edited or decided: named by the belief that this made, or by the question that it closed."""
    belief = plan.state.beliefs.get(line.unit)
    if belief is not None and belief.said is not None and belief.said.reason is line.reason:
        return belief.said.actor or ""
    return next((closed.by for closed in plan.closed if closed.by != "rule"), "")


@dataclass(slots=True)
class Spelled:
    """What the lines of one plan saw, as JSON text. Of the observation each line keeps the fields that it is about:
    the others have lines of their own, and no row of the table looks at them.
    """

    _parts: dict[type[Any], tuple[Any, Any]] = field(default_factory=dict)

    def saw(self, line: Line) -> str | None:
        saw = line.saw
        if saw is None:
            return None
        own = Saw(saw.base, saw.belief, saw.sent, saw.sent_v, saw.questions, creator=saw.creator)
        told: dict[str, Any] = to_json(own)
        if saw.link is not None:
            told["link"] = self._once(saw.link)
        if saw.context is not None:
            told["context"] = self._once(saw.context)
        if saw.observation is not None:
            told["observation"] = self._observation(saw.observation, line)
        return dumped(told)

    def _observation(self, seen: Observation, line: Line) -> Mapping[str, Any]:
        told: dict[str, Any] = self._once(seen)
        if line.x is None:
            return told
        return {**told, "fields": {name: value for name, value in seen.fields.items() if name in line.x}}

    def _once(self, value: Any) -> Any:
        """As the line before spelled it, where that saw the same."""
        kind = type(value)
        known = self._parts.get(kind)
        if known is None or not (known[0] is value or known[0] == value):
            known = self._parts[kind] = (value, to_json(value))
        return known[1]
