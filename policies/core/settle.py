"""What became of a write: confirmed, settled after an unknown outcome, refused, or taken back unsent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from . import identity
from .diff import holds, same_at, stored_form, told
from .draft import Draft
from .gates import proven, stale
from .plan import judge_fields, plan
from .planned import Plan
from .reasons import Reason, Verdict
from .rules import Policy, Role, Strategy, Unit
from .seen import Context, Observation
from .table import counts
from .values import WINDOWS, Base, Candidate, Failed, Kind, Link, Record, Said, Sending, Span, Values, Window
from .versions import lower


def confirm(
    record: Record,
    role: str,
    key: str,
    remote_id: str,
    version: str | None,
    read_back: Observation | None,
    at: datetime,
    policy: Policy,
    context: Context,
) -> Plan:
    """A write was answered at `at`. `read_back` is the response's body, or a read at the very version it returned.

    Without a read-back the fields are confirmed as N(w). A push that was settled meanwhile changes nothing.
    """
    draft = Draft(record, policy, context)
    link = draft.link(role)
    sending = link.sending
    if sending is None or sending.key != key:
        return draft.done()
    facts = policy.roles[role]
    proof = read_back is not None and facts.exact
    before = {name: link.bases[name] for name in sending.values if name in link.bases}
    overtaken = _overtaken(link, facts, version, at)
    written = _written(link, sending, remote_id, version, before, at)
    draft.set_link(replace(written, version=link.version, read_at=link.read_at) if overtaken else written)
    if sending.create:
        draft.say(Verdict.CREATED, Reason.CREATED, role)
    for name, sent in sending.values.items():
        unit = policy.unit(name)
        x = told(unit, read_back.fields) if read_back is not None and proof else {}
        _confirm_unit(draft, unit, facts, sent, sending.versions[name], {**stored_form(facts, sent), **x}, bool(x))
    if read_back is not None and not overtaken:
        judge_fields(draft, replace(read_back, read_at=at))
    return draft.done(look_again=overtaken)


def _overtaken(link: Link, role: Role, version: str | None, at: datetime) -> bool:
    """Was a later state of the account judged before this answer came? Then its body is old news for the other fields."""
    if link.read_at is not None and at < link.read_at:
        return True
    return role.ordered and lower(version, link.version)


def _written(
    link: Link, sending: Sending, remote_id: str, version: str | None, before: Mapping[str, Base], at: datetime
) -> Link:
    window = Window(link.read_at or sending.at, at, sending.guard_version, version, before, sending.values)
    windows = (*link.windows, window)[-WINDOWS:]
    return replace(
        link,
        remote_id=remote_id,
        version=version if version is not None else link.version,
        read_at=at,
        digest="",
        sending=None,
        windows=windows,
        epoch=link.epoch + 1,  # an answered key is spent: to write the same version again is another attempt
        singly=link.singly and len(sending.values) > 0,
    )


def _confirm_unit(draft: Draft, unit: Unit, role: Role, sent: Values, v: int, x: Values, read: bool) -> None:
    """`stored` is what the write's own answer shows, `meant` and `k` what was sent. A difference N explains is none."""
    name = role.name
    saw = draft.saw(name, unit, None)
    near = not same_at(role, x, sent)
    draft.set_base(name, unit, Base(dict(x), dict(sent), v, near_miss=near))
    reason = Reason.NEAR_MISS if near else Reason.CONFIRMED if read else Reason.CONFIRMED_BLIND
    draft.say(Verdict.NEAR_MISS if near else Verdict.CONFIRMED, reason, name, unit, x, saw)
    belief = draft.belief(unit)
    if not near:
        if v != belief.v and holds(role, x, belief.value):
            draft.join(name, unit)
        return
    often = draft.moved(unit)
    if often and not draft.in_review(unit):
        mine = Candidate(name, dict(x), draft.context.now, base=sent, k=v)
        draft.ask(Kind.PING_PONG, unit.name, "", (*draft.hub_candidates(unit), mine), Reason.PING_PONG)
    elif unit.reflect and v == belief.v and not draft.in_review(unit):
        now = draft.context.now
        said = Said(name, None, now, Reason.REFLECTED, draft.policy.version)
        draft.believe(unit, {**sent, **x}, {name, *belief.origins}, said, Span(now, now))
        draft.say(Verdict.ADOPT, Reason.REFLECTED, name, unit, x, saw)


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
        return identity.deleted(draft, observation, link)
    facts = policy.roles[observation.role]
    still = facts.exact and observation.version is not None and observation.version == sending.guard_version
    window = _settled_window(draft, link, sending, facts, observation)
    epoch = link.epoch if still else link.epoch + 1
    draft.set_link(
        replace(
            link,
            sending=None,
            epoch=epoch,
            digest="",
            read_at=observation.read_at,
            windows=(*link.windows, window)[-WINDOWS:] if window.sent else link.windows,
        )
    )
    for name, sent in sending.values.items():
        _settle_unit(draft, policy.unit(name), facts, sent, sending, observation)
    judge_fields(draft, observation)
    return draft.done()


def _settled_window(draft: Draft, link: Link, sending: Sending, role: Role, observation: Observation) -> Window:
    """The write's own version is unknown: it lies after the look's and not after this read's. Where the field still
    holds what was stored, nothing was written over.
    """
    moved = {}
    for name, sent in sending.values.items():
        x, base = told(draft.policy.unit(name), observation.fields), link.bases.get(name)
        if base is None or not same_at(role, x, base.stored):
            moved[name] = sent
    guard, read = sending.guard_version, observation.version
    return Window(link.read_at or sending.at, observation.read_at, guard, read, dict(link.bases), moved)


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


def found(record: Record, observation: Observation, policy: Policy, context: Context) -> Plan:
    """A look-up before a create found the record: link it with empty bases, never confirmed wholesale.

    Only what carries our own external id and shows N(sent), field by field and member by member, counts as ours.
    """
    draft = Draft(record, policy, context)
    link = draft.link(observation.role)
    facts, sending = policy.roles[observation.role], link.sending
    ours = sending is not None and sending.create and observation.external_id == record.key
    draft.set_link(Link(observation.role, observation.remote_id, epoch=link.epoch))
    draft.say(Verdict.FOUND, Reason.FOUND, observation.role)
    for name, sent in sending.values.items() if sending is not None and ours else ():
        unit = policy.unit(name)
        x = told(unit, observation.fields)
        as_sent = {m: v for m, v in sent.items() if m in x and same_at(facts, {m: x[m]}, sent) and v is not None}
        if as_sent:
            base = Base({m: x[m] for m in as_sent}, as_sent, sending.versions[name] if sending else 0)
            draft.set_base(observation.role, unit, base)
    judge_fields(draft, observation)
    return draft.done()


def release(record: Record, role: str, key: str, reason: Reason, policy: Policy, context: Context) -> Plan:
    """The write certainly did not happen (refused condition, limited, never sent): it is due again as state says."""
    draft = Draft(record, policy, context)
    link = draft.link(role)
    if link.sending is not None and link.sending.key == key:
        draft.set_link(replace(link, sending=None))
        draft.say(Verdict.SUPERSEDED, reason, role)
    return draft.done()


def rejected(
    record: Record, role: str, key: str, fields: Mapping[str, str], answer: str, policy: Policy, context: Context
) -> Plan:
    """The provider refused. Named fields fail at this version, the rest is sent again; none named: one by one."""
    draft = Draft(record, policy, context)
    link = draft.link(role)
    sending = link.sending
    if sending is None or sending.key != key:
        return draft.done()
    draft.set_link(replace(link, sending=None))
    named = {unit.name: fields[m.name] for unit in policy.units for m in unit.members if m.name in fields}
    named = {name: text for name, text in named.items() if name in sending.values}
    if not named and len(sending.values) == 1 and not sending.create:
        named = {next(iter(sending.values)): answer}
    if sending.create and not named:
        draft.ask(Kind.CREATE, "", role, draft_sent(draft, sending), Reason.REJECTED, answer)
        draft.say(Verdict.FAILED, Reason.REJECTED, role, detail=answer)
    for name, text in named.items():
        unit = policy.unit(name)
        base = draft.base(role, unit) or Base({}, {})
        draft.set_base(role, unit, replace(base, failed=Failed(sending.versions[name], text)))
        draft.say(Verdict.FAILED, Reason.REJECTED, role, unit, sending.values[name], None, text)
    if not named and not sending.create:
        draft.set_link(replace(draft.link(role), singly=True))
        draft.say(Verdict.SUPERSEDED, Reason.REJECTED, role, detail=answer)
    return draft.done()


def draft_sent(draft: Draft, sending: Sending) -> tuple[Candidate, ...]:
    return tuple(Candidate(name, values, draft.context.now) for name, values in sending.values.items())


def ambiguous(record: Record, role: str, hits: Sequence[Observation], policy: Policy, context: Context) -> Plan:
    """A look-up before a create found several records, or one that another record is linked to: a person decides."""
    draft = Draft(record, policy, context)
    draft.set_link(replace(draft.link(role), sending=None))
    for hit in hits:
        seen = Candidate(role, dict(hit.fields), hit.updated_at or hit.read_at, hit.actor)
        note = f"{role} record {hit.remote_id}"
        draft.ask(Kind.MATCH, "", role, (seen, Candidate(record.key, {})), Reason.AMBIGUOUS, note, hit.remote_id)
    draft.say(Verdict.HELD, Reason.AMBIGUOUS, role, detail=", ".join(hit.remote_id for hit in hits))
    return draft.done()
