"""The decision table: one observed unit, the rows in order, the first that holds decides.

Rows 1 to 5 are about the whole observation and stand in `gates`; this is the table for one field or bundle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import effects, refused
from .case import Case
from .diff import is_null, same_at
from .draft import Draft
from .merge import is_counter
from .ownership import may_clear, may_write, problem
from .rules import Strategy, Unit

Test = Callable[[Draft, Case], bool]
Effect = Callable[[Draft, Case], None]
BY_VALUE = frozenset({Strategy.OWNER_WINS, Strategy.REVIEW})


@dataclass(frozen=True, slots=True)
class Row:
    number: str
    test: str
    holds: Test
    then: Effect


def counts(unit: Unit) -> bool:
    """Is the unit a counter under merge? Its totals prove nothing by being equal."""
    return unit.strategy is Strategy.MERGE and any(is_counter(member.kind) for member in unit.members)


def _as_stored(draft: Draft, case: Case) -> bool:
    base = case.base
    return base is not None and all(name in base.stored for name in case.x) and same_at(case.role, case.x, base.stored)


def _as_sent(draft: Draft, case: Case) -> bool:
    return case.sent is not None and same_at(case.role, case.x, case.sent) and (case.proof or not counts(case.unit))


def _as_believed(draft: Draft, case: Case) -> bool:
    if not same_at(case.role, case.lifted, case.belief.value):
        return False
    if not counts(case.unit) or is_null(case.lifted) or not may_write(case.unit, draft.record, case.role.name):
        return True
    return case.base is None or case.base.k == case.belief.v


def _as_once_believed(draft: Draft, case: Case) -> bool:
    if case.base is None or case.in_review or case.unit.strategy not in BY_VALUE or is_null(case.lifted):
        return False
    return effects.past_version(case) is not None


def _empty_at_first(draft: Draft, case: Case) -> bool:
    return case.base is None and is_null(case.lifted)


def _cleared_by_outsider(draft: Draft, case: Case) -> bool:
    return is_null(case.lifted) and not may_clear(case.unit, draft.record, case.role.name)


def _outsider(draft: Draft, case: Case) -> bool:
    return not may_write(case.unit, draft.record, case.role.name)


def _invalid(draft: Draft, case: Case) -> bool:
    return problem(case.unit, case.lifted) is not None


def _asked(draft: Draft, case: Case) -> bool:
    return case.in_review


def _hub_empty_at_first(draft: Draft, case: Case) -> bool:
    return case.base is None and is_null(case.belief.value)


def _differ_at_first(draft: Draft, case: Case) -> bool:
    return case.base is None and bool(case.unit.first_link)


def _held_what_hub_believes(draft: Draft, case: Case) -> bool:
    return case.base is not None and case.base.k == case.belief.v


def _otherwise(draft: Draft, case: Case) -> bool:
    return True


TABLE: tuple[Row, ...] = (
    Row("6", "x = stored at this link", _as_stored, effects.unchanged),
    Row("7", "x = N(value in flight)", _as_sent, effects.echo),
    Row("8", "lifted x same as H", _as_believed, effects.agree),
    Row("9", "lifted x equals a hub value of a version in (k, v)", _as_once_believed, effects.agree_past),
    Row("9a", "no base here, x empty", _empty_at_first, effects.fill),
    Row("10", "x empty, this role may not clear, H present", _cleared_by_outsider, refused.unauthorised),
    Row("11", "the role may not write the field", _outsider, refused.unauthorised),
    Row("12", "x fails validators", _invalid, refused.invalid),
    Row("13", "the field is in review", _asked, effects.candidate),
    Row("9a", "no base here, H empty", _hub_empty_at_first, effects.adopt),
    Row("9a", "no base here, both differ, a first-link rule was chosen", _differ_at_first, effects.first_link),
    Row("14", "k = v: the account held what the hub believes", _held_what_hub_believes, effects.adopt),
    Row("15", "otherwise: concurrent", _otherwise, effects.concurrent),
)


def judge(draft: Draft, case: Case) -> Row:
    """Apply the first row that holds; returns it. Every judged read has already moved `stored` and `meant`."""
    for row in TABLE:
        if row.holds(draft, case):
            if row is not TABLE[0]:
                case.saw = draft.saw(case.role.name, case.unit, case.observation)
            row.then(draft, case)
            return row
    raise AssertionError("the last row always holds")
