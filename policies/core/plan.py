"""plan(state, observation, policy, context) -> Plan: the only decision about what was observed."""

from __future__ import annotations

from dataclasses import replace

from . import gone, refers
from .case import Case
from .diff import lift, told
from .draft import Draft
from .due import whole_again
from .gates import gate, proven, remember_read
from .planned import Line, Plan
from .reasons import Verdict
from .rules import Policy, Unit
from .seen import Context, Observation
from .table import TABLE, Row, judge
from .values import Base, Belief, Link, Record, Sending

# Verdicts that look at an observation too, but outside the table: row 2, and what became of a write.
NOT_OF_THE_TABLE = frozenset({Verdict.OVERWRITTEN, Verdict.LANDED, Verdict.RESEND, Verdict.HELD})


def plan(record: Record, observation: Observation, policy: Policy, context: Context) -> Plan:
    """Judge one observation of a linked record, whole or not at all.

    `record.links[observation.role]` is the link it was read through. Pure: the same arguments give the same plan.
    """
    draft = Draft(record, policy, context)
    settled = gate(draft, observation)
    if settled is not None:
        return settled
    judge_fields(draft, observation)
    return draft.done()


def judge_fields(draft: Draft, observation: Observation) -> None:
    """Rows 6 to 15 for every field that was told; then the link remembers the read.

    Of a record out of scope nothing is taken: its link sleeps, with its bases as they were.
    """
    if not observation.in_scope:
        gone.fall_asleep(draft, observation.role)
    link = draft.link(observation.role)
    for unit in draft.policy.units:
        x = told(unit, observation.fields) if observation.in_scope else {}
        base = link.bases.get(unit.name)
        if x:
            judge(draft, _case(draft, observation, unit, x, base, link.sending))
        elif base is not None and base.seen_at is None and link.read_at is not None:
            draft.set_base(link.role, unit, replace(base, seen_at=link.read_at))
        if observation.in_scope:
            refers.note(draft, observation, unit, bool(x))
    remember_read(draft, observation)
    whole_again(draft, observation.role)
    gone.after_versions(draft)


def _case(
    draft: Draft, observation: Observation, unit: Unit, x: dict[str, object], base: Base | None, sending: Sending | None
) -> Case:
    role = draft.policy.roles[observation.role]
    base = base if base is not None and base.stored else None  # a base that only remembers a refusal is none
    sent = sending.values.get(unit.name) if sending is not None else None
    sent_v = sending.versions[unit.name] if sending is not None and sent is not None else 0
    proof = sending is not None and proven(sending, observation, role)
    return Case(
        unit,
        role,
        observation,
        x,
        lift(unit, role, x, base),
        base,
        draft.belief(unit),
        sent,
        sent_v,
        proof,
        draft.in_review(unit),
    )


def rejudge(line: Line, policy: Policy, record_creator: str = "") -> Row | None:
    """Give the verdict of a recorded line again from what the judge saw; None for lines no row of the table gave."""
    saw = line.saw
    if saw is None or saw.observation is None or saw.belief is None or saw.context is None or not line.unit:
        return None
    if line.verdict in NOT_OF_THE_TABLE:
        return None
    unit = policy.unit(line.unit)
    role = saw.observation.role
    bases = {line.unit: saw.base} if saw.base is not None else {}
    link = replace(saw.link or Link(role), bases=bases)
    beliefs = {line.unit: saw.belief or Belief({})}
    draft = Draft(
        Record("", saw.belief.v, saw.creator or record_creator, beliefs, {role: link}, saw.questions),
        policy,
        saw.context,
    )
    x = told(unit, saw.observation.fields)
    case = _case(draft, saw.observation, unit, x, saw.base, link.sending)
    return next(row for row in TABLE if row.holds(draft, case))
