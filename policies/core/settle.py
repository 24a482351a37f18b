"""What became of a write whose outcome is unknown: found out by a read of its own, which is then judged."""

from __future__ import annotations

from dataclasses import replace

from . import gone, windows
from .diff import holds, same_at, stored_form, told
from .draft import Draft
from .gates import proven, stale
from .plan import judge_fields, plan
from .planned import Plan
from .reasons import Reason, Verdict
from .rules import Policy, Role, Strategy, Unit
from .seen import Context, Observation
from .table import counts
from .values import WINDOWS, Base, Candidate, Kind, Record, Sending, Values


def settle(record: Record, observation: Observation, policy: Policy, context: Context) -> Plan:
    """Find out by a read of its own what became of a write whose outcome is unknown, then judge that read."""
    draft = Draft(record, policy, context)
    link = draft.link(observation.role)
    sending = link.sending
    if sending is None:
        return plan(record, observation, policy, context)
    if stale(draft, observation, link):
        return draft.done(look_again=True)
    if observation.deleted:
        return gone.deleted(draft, observation, link)
    facts = policy.roles[observation.role]
    still = facts.exact and observation.version is not None and observation.version == sending.guard_version
    missed = windows.after_settle(policy, link, sending, observation)
    epoch = link.epoch if still else link.epoch + 1
    draft.set_link(
        replace(
            link,
            sending=None,
            epoch=epoch,
            digest="",
            read_at=observation.read_at,
            windows=(*link.windows, missed)[-WINDOWS:] if missed.sent else link.windows,
        )
    )
    for name, sent in sending.values.items():
        _settle_unit(draft, policy.unit(name), facts, sent, sending, observation)
    judge_fields(draft, observation)
    return draft.done()


def _settle_unit(
    draft: Draft, unit: Unit, role: Role, sent: Values, sending: Sending, observation: Observation
) -> None:
    x = told(unit, observation.fields)
    base = draft.base(role.name, unit)
    stored: Values = base.stored if base is not None else {}
    saw = draft.saw(role.name, unit, observation)
    moved = [m for m in x if not same_at(role, {m: x[m]}, stored)]
    landed = any(same_at(role, {m: x[m]}, sent) for m in moved)
    whole = all(same_at(role, {m: x[m]}, sent) for m in x)
    if not moved:
        draft.say(Verdict.RESEND, Reason.NOT_LANDED, role.name, unit, x, saw)
    elif (counts(unit) and not (whole and proven(sending, observation, role))) or (_sums(unit) and not whole):
        draft.say(Verdict.HELD, Reason.OUTCOME_UNKNOWN, role.name, unit, x, saw)
        _ask_outcome(draft, unit, role, x, base)
    elif landed:
        draft.say(Verdict.LANDED, Reason.LANDED, role.name, unit, x, saw)
        kept = {**stored_form(role, sent), **(x if whole else {})}
        draft.set_base(role.name, unit, Base(kept, dict(sent), sending.versions[unit.name]))
        if holds(role, kept, draft.belief(unit).value):
            draft.join(role.name, unit)


def _sums(unit: Unit) -> bool:
    """Is arithmetic done on the unit? Never on an unknown outcome."""
    return unit.strategy is Strategy.MERGE


def _ask_outcome(draft: Draft, unit: Unit, role: Role, x: Values, base: Base | None) -> None:
    mine = Candidate(role.name, dict(x), draft.context.now, base=base.meant if base else None, k=base.k if base else 0)
    if base is not None:
        draft.set_base(role.name, unit, replace(base, stored=dict(x), meant=dict(x)))
    question = draft.question(unit.name)
    kept = tuple(c for c in question.candidates if c.source != role.name) if question else draft.hub_candidates(unit)
    draft.ask(Kind.OUTCOME, unit.name, "", (*kept, mine), Reason.OUTCOME_UNKNOWN)
