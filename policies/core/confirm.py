"""What became of a write that was answered: confirmed, refused, or taken back unsent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from .diff import holds, same_at, stored_form, told
from .draft import Draft
from .due import whole_again
from .plan import judge_fields
from .planned import Plan
from .reasons import Reason, Verdict
from .refers import why_refused
from .rules import Policy, Role, Unit
from .seen import Context, Observation
from .values import WINDOWS, Base, Candidate, Failed, Kind, Link, Record, Said, Sending, Span, Values, Window
from .versions import lower
from .windows import of_old


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
    whole_again(draft, role)
    return draft.done(look_again=overtaken)


def _overtaken(link: Link, role: Role, version: str | None, at: datetime) -> bool:
    """Was a later state of the account judged before this answer came? Then its body is old news for other fields."""
    if role.ordered and lower(link.version, version):
        return False  # whatever the hub's clock said then: what was judged is older than this write
    if link.read_at is not None and at < link.read_at:
        return True
    return role.ordered and lower(version, link.version)


def _written(
    link: Link, sending: Sending, remote_id: str, version: str | None, before: Mapping[str, Base], at: datetime
) -> Link:
    window = Window(link.read_at or sending.at, at, sending.guard_version, version, before, sending.values)
    windows = (*of_old(link, remote_id), window)[-WINDOWS:] if sending.create else (*link.windows, window)[-WINDOWS:]
    return replace(
        link,
        remote_id=remote_id,
        version=version if version is not None else link.version,
        read_at=at,
        digest="",
        sending=None,
        windows=windows,
        was="",
        epoch=link.epoch + 1,  # an answered key is spent: to write the same version again is another attempt
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
        draft.ask(Kind.CREATE, "", role, _sides_of(draft, sending), Reason.REJECTED, answer)
        draft.say(Verdict.FAILED, Reason.REJECTED, role, detail=answer)
    for name, text in named.items():
        unit = policy.unit(name)
        base = draft.base(role, unit) or Base({}, {})
        draft.set_base(role, unit, replace(base, failed=Failed(sending.versions[name], text)))
        draft.say(Verdict.FAILED, why_refused(text), role, unit, sending.values[name], None, text)
    if not named and not sending.create:
        draft.set_link(replace(draft.link(role), singly=True))
        draft.say(Verdict.SUPERSEDED, Reason.REJECTED, role, detail=answer)
    elif named:
        whole_again(draft, role)
    return draft.done()


def _sides_of(draft: Draft, sending: Sending) -> tuple[Candidate, ...]:
    return tuple(Candidate(name, values, draft.context.now) for name, values in sending.values.items())
