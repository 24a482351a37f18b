"""One record of a copy, field by field: where the sides differ, who would win and why, and what would be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from policies.core.diff import empty, holds, is_null, same_at
from policies.core.due import Work, due_roles, due_units
from policies.core.identity import believed, lives_on_in
from policies.core.needs import empty_need
from policies.core.ownership import may_write, reads
from policies.core.reasons import Reason, Verdict
from policies.core.rules import Policy, Unit
from policies.core.scope import holds as in_scope
from policies.core.values import Kind, Link, Question, Values
from syncapp.words import enumerated

if TYPE_CHECKING:
    from .findings import Look

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """A ledger line of the copy, as far as a plan tells it."""

    verdict: str
    reason: str
    role: str = ""
    unit: str = ""
    detail: str = ""

    def as_json(self) -> Json:
        return {name: told for name, told in asdict(self).items() if told and name != "verdict"}


# A side lost by these; what else was said about the field is only how the other value came.
LOSING = frozenset({Verdict.CONCURRENT, Verdict.UNAUTHORISED, Verdict.CANDIDATE, Verdict.INVALID})
QUIET = frozenset({Verdict.AGREE, Verdict.REBASED, Verdict.SUPERSEDED})


def fields_of(policy: Policy, look: Look, writes: Sequence[Json]) -> list[Json]:
    """The fields in which the sides differ and something comes of it, or about which a person would be asked.

    Differences that stand as they are, such as drift that was kept before, are not told again.
    """
    moving = {name for write in writes for name in write.get("fields", ())} | {line.unit for line in look.lines}
    fields = (_field(policy, look, unit) for unit in policy.units)
    return [told for told in fields if told is not None and (told["unit"] in moving or told.get("asks"))]


def _field(policy: Policy, look: Look, unit: Unit) -> Json | None:
    belief = look.record.beliefs.get(unit.name)
    value: Values = belief.value if belief is not None else empty(unit)
    sides = _stored(policy, look, unit)
    apart = [role for role, stored in sides.items() if not same_at(policy.roles[role], stored, value)]
    question = _question(look, unit)
    if not apart and question is None:
        return None
    told: Json = {"unit": unit.name, "sides": {role: dict(stored) for role, stored in sides.items()}}
    told["value"] = dict(value)
    if question is not None:
        return told | {"asks": True, "why": _why_asked(question)}
    told["winner"] = sorted(belief.origins) if belief is not None else []
    told["stays"] = is_null(value)
    told["fills"] = not told["stays"] and all(is_null(sides[role]) for role in apart)
    told["why"] = reason_of(look, unit, apart, settled=not is_null(value)).as_json()
    return told


def _stored(policy: Policy, look: Look, unit: Unit) -> dict[str, Values]:
    """What each side shows of the field, where the policy cares about it there."""
    out: dict[str, Values] = {}
    for role, link in look.sides.items():
        base = link.bases.get(unit.name)
        concerned = reads(unit, policy, role) or may_write(unit, look.record, role)
        if role in policy.roles and concerned and base is not None and base.stored:
            out[role] = base.stored
    return out


def _question(look: Look, unit: Unit) -> Question | None:
    """Open about this field; that of the field itself before those of single links."""
    open_ones = [one for one in look.record.questions if one.unit == unit.name]
    return next((one for one in open_ones if not one.role), open_ones[0] if open_ones else None)


def _why_asked(question: Question) -> Json:
    return Said("", question.reason.code, question.role, question.unit, question.note).as_json()


def reason_of(look: Look, unit: Unit, apart: Sequence[str], *, settled: bool) -> Said:
    """Why the value is what it would be: what was said to the sides that lose, else the last word about the field."""
    lines = [line for line in look.lines if line.unit == unit.name and line.verdict not in QUIET]
    losing = [line for line in lines if line.verdict in LOSING and line.role in apart]
    if losing and losing[-1].reason == Reason.NOTHING_TO_REVERT.code and settled:
        # It had nothing to be put in its place when it was seen; by now another side told a value.
        return Said(losing[-1].verdict, Reason.NOT_A_WRITER.code, losing[-1].role, unit.name)
    found = (losing or lines)[-1:]
    if found:
        return found[0]
    belief = look.record.beliefs.get(unit.name)
    said = belief.said if belief is not None else None
    return Said("", said.reason.code, said.source, unit.name, said.detail) if said else Said("", "", unit=unit.name)


def writes_of(policy: Policy, look: Look) -> list[Json]:
    """What the pushes of this record would do, by role."""
    out = []
    for role, work in due_roles(look.record, policy).items():
        link = look.record.links.get(role)
        write: Json = {"role": role, "what": str(work)}
        if work is Work.CREATE and empty_need(look.record, policy, role):
            continue  # it is not sent: a person is asked
        if work is not Work.DELETE:
            write["fields"] = _changes(policy, look, role, link)
            if not write["fields"]:
                continue  # everything is the same there already, and is joined without a call
        out.append(write)
    return out


def refusals_of(policy: Policy, look: Look) -> tuple[list[Json], list[Json]]:
    """Creates that cannot succeed: the questions that would be asked, and what is told where nobody is asked."""
    record, due = look.record, due_roles(look.record, policy)
    asked, said = [], []
    for name, role in policy.roles.items():
        if due.get(name) is Work.CREATE and (need := empty_need(record, policy, name)):
            told = Said("", Reason.LACKS.code, name, "", role.needs[need])
            asked.append({"kind": Kind.CREATE.value, **told.as_json()})
        elif role.lacks and _is_absent(policy, look, name):
            said.append(Said("", Reason.MAKES_NONE.code, name, "", enumerated(role.lacks)).as_json())
    return asked, said


def _is_absent(policy: Policy, look: Look, role: str) -> bool:
    """It is not there, and would be if records were made there."""
    link = look.record.links.get(role)
    absent = link is None or (link.remote_id is None and not link.unlinked)
    lives = bool(look.sides) and not lives_on_in(look.record)
    return absent and lives and in_scope(policy.roles[role].scope, believed(look.record, policy))


def _changes(policy: Policy, look: Look, role: str, link: Link | None) -> dict[str, Mapping[str, Any]]:
    """Unit → {"to", and for what exists already "from"}."""
    out: dict[str, Mapping[str, Any]] = {}
    for unit in due_units(look.record, policy, role):
        value = look.record.beliefs[unit.name].value
        base = link.bases.get(unit.name) if link is not None else None
        if base is not None and holds(policy.roles[role], base.stored, value):
            continue
        before = {"from": dict(base.stored)} if base is not None and base.stored else {}
        out[unit.name] = {"to": dict(value), **before}
    return out
