"""A new policy version comes into force: open questions are asked again under it, and what it changed is judged again.

Fields whose owner, writers or readers changed are judged from what each link was last seen to hold (`stored`), as if it
were seen for the first time: drift that was kept becomes visible, and no old difference wins by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from .case import Case
from .diff import holds
from .draft import Draft
from .ownership import may_write
from .planned import Plan
from .reasons import Reason
from .review import rerun
from .rules import CREATOR, Policy, Unit
from .seen import Context, How, Observation
from .table import judge
from .values import Base, Kind, Record

ASKED_AGAIN = frozenset({Kind.VALUE, Kind.OVERWRITTEN, Kind.PING_PONG})


@dataclass(frozen=True, slots=True)
class Authority:
    """Whose a field was under the policy before."""

    owner: str
    writers: frozenset[str]
    readers: frozenset[str]


def revise(record: Record, before: Mapping[str, Authority], policy: Policy, context: Context) -> Plan:
    """Bring one record under `policy`; harmless when repeated, as after a crash between two pages."""
    draft = Draft(record, policy, context)
    _forgive(draft)
    for unit in policy.units:
        old = before.get(unit.name)
        if old is not None and old != Authority(unit.owner, unit.writers, unit.readers):
            _judge_again(draft, unit, old)
    _ask_again(draft)
    return draft.done()


def _forgive(draft: Draft) -> None:
    """What was refused under the old policy may be tried again, and no raw digest is trusted any more."""
    for link in list(draft.links.values()):
        bases = {
            name: replace(base, failed=None) if base.failed is not None else base for name, base in link.bases.items()
        }
        draft.set_link(replace(link, bases=bases, digest=""))


def _judge_again(draft: Draft, unit: Unit, old: Authority) -> None:
    for name in draft.policy.roles:
        base = draft.base(name, unit)
        link = draft.link(name)
        if base is None or not base.stored or not _rights_changed(draft, unit, name, old):
            continue
        if link.unlinked or link.into or _merely_behind(draft, unit, name, base, old):
            continue  # of a record that is not kept in step there, or lives on in another one, nothing is believed
        draft.withdraw(unit, name)
        draft.set_link(replace(link, bases={k: v for k, v in link.bases.items() if k != unit.name}))
        if link.gone is None and not link.asleep:  # else it is judged when it is back, as if seen for the first time
            judge(draft, first_sight(draft, unit, name, base))


def _rights_changed(draft: Draft, unit: Unit, role: str, old: Authority) -> bool:
    owner = draft.record.creator if old.owner == CREATOR else old.owner
    wrote = role in old.writers or role == owner
    return wrote != may_write(unit, draft.record, role) or (role in old.readers) != (role in unit.readers)


def _merely_behind(draft: Draft, unit: Unit, role: str, base: Base, old: Authority) -> bool:
    """Does the link hold what the hub believes, something of the hub's that a push is on its way to replace, or what
    the hub believed when both last agreed? Nobody changed that there, so it stands against no newer value.
    """
    belief, link = draft.belief(unit), draft.link(role)
    sending = link.sending is not None and unit.name in link.sending.values
    if holds(draft.policy.roles[role], base.stored, belief.value) or base.near_miss or sending:
        return True
    debts = base.owed or base.drift or draft.question(unit.name, role) is not None
    joined = any(v == base.k and holds(draft.policy.roles[role], base.stored, value) for v, value in belief.past)
    return (role in old.readers or joined) and base.k < belief.v and not debts


def first_sight(draft: Draft, unit: Unit, role: str, base: Base) -> Case:
    """What the link was last seen to hold, as if it were seen for the first time."""
    link, facts = draft.link(role), draft.policy.roles[role]
    at = link.read_at or draft.context.now
    seen = Observation(role, link.remote_id or "", dict(base.stored), at, link.version, how=How.BY_ID)
    belief = draft.belief(unit)
    review = draft.in_review(unit)
    return Case(unit, facts, seen, dict(base.stored), dict(base.meant), None, belief, None, 0, False, review)


def _ask_again(draft: Draft) -> None:
    """Open questions are re-run under the new rules; those about fields that are gone have ended."""
    for question in draft.questions:
        if not question.unit:
            continue
        if question.unit not in draft.policy.by_name:
            draft.close(question, Reason.SUPERSEDED)
        elif not question.role and question.kind in ASKED_AGAIN:
            rerun(draft, draft.policy.unit(question.unit), question, question.candidates)
