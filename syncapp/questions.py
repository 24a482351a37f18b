"""Questions as rows: opened, changed and closed as the plans of a page say. Called by `reconcile`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from policies.core.codec import to_json
from policies.core.planned import Closed
from policies.core.values import Question

from .load import Loaded
from .models import Conflict
from .setting import Entry, Setting


def write_questions(setting: Setting, loaded: Loaded, entries: Sequence[Entry]) -> None:
    """Open, change and close questions; a disagreement that a rule decided at once is one closed from the start."""
    open_rows = dict(loaded.conflicts)
    touched: dict[int, Conflict] = {}
    made: dict[int, Conflict] = {}
    for entry in entries:
        key = entry.plan.state.key
        was = {question.key: question for question in entry.before.questions} if entry.before is not None else {}
        for closed in entry.plan.closed:
            row = open_rows.pop((key, closed.question.key), None) or _conflict(setting, key, closed.question)
            _fill(row, closed.question)
            _close(row, closed, loaded)
            (touched if row.pk else made)[id(row)] = row
        for question in entry.plan.state.questions:
            if was.get(question.key) == question and (key, question.key) in open_rows:
                continue
            row = open_rows.get((key, question.key)) or _conflict(setting, key, question)
            _fill(row, question)
            open_rows[(key, question.key)] = row
            (touched if row.pk else made)[id(row)] = row
    if touched:
        Conflict.objects.bulk_update(list(touched.values()), CONFLICT_FIELDS)
    if made:
        Conflict.objects.bulk_create(list(made.values()))


CONFLICT_FIELDS = (
    ["version", "candidates", "reason", "note", "state", "closed_at", "outcome", "value", "winner", "decided_by"]
)  # fmt: skip


def _conflict(setting: Setting, key: str, question: Question) -> Conflict:
    return Conflict(
        sync=setting.sync,
        record_id=uuid.UUID(key),
        kind=question.kind.value,
        unit=question.unit,
        role=question.role,
        about=question.about,
        opened_at=question.opened_at,
    )


def _fill(row: Conflict, question: Question) -> None:
    row.version, row.reason, row.note = question.version, question.reason.code, question.note
    row.candidates = [to_json(candidate) for candidate in question.candidates]


def _close(row: Conflict, closed: Closed, loaded: Loaded) -> None:
    by_rule = closed.by == "rule"
    row.state = Conflict.State.CLOSED if by_rule else Conflict.State.DECIDED
    row.closed_at = loaded.now
    row.outcome, row.winner, row.decided_by = closed.outcome.code, closed.winner, "" if by_rule else closed.by
    row.value = None if closed.value is None else dict(closed.value)
