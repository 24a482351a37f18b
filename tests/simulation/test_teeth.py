"""The checker has teeth: each deliberate fault in the judge or in the steps makes some seed fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from policies.core import diff, gates, gone, joining, lookup, overwritten, revise, settle, table
from policies.core.draft import Draft
from policies.core.planned import Plan
from policies.core.reasons import Reason, Verdict
from policies.core.rules import Policy
from policies.core.seen import Context, Observation
from policies.core.values import Base, Link, Record
from syncapp import push, steps
from syncapp.simulation.account import Account
from syncapp.simulation.runner import simulate
from syncapp.simulation.workers import Workers

SEEDS = 600  # only a fault that is never found runs them all
Patch = pytest.MonkeyPatch


def no_look(patch: Patch) -> None:
    """Writes without looking first."""
    claim = push._claim
    patch.setattr(push, "_claim", lambda store, role, key, remote_id, guard, work: claim(
        store, role, key, remote_id, None, work))  # fmt: skip


def no_debt(patch: Patch) -> None:
    """Forgets that a value is owed to an account."""
    set_base = Draft.set_base
    patch.setattr(Draft, "set_base", lambda self, role, unit, base: set_base(
        self, role, unit, replace(base, owed=False)))  # fmt: skip


def no_lift(patch: Patch) -> None:
    """Believes what an account made of a value."""
    patch.setattr(diff, "_lift_member", lambda member, role, x, base: x)


def any_order(patch: Patch) -> None:
    """Judges a read that was begun before the last write was confirmed."""
    patch.setattr(gates, "stale", lambda draft, observation, link: False)


def found_wholesale(patch: Patch) -> None:
    """Takes a record that a look-up found for exactly what was sent."""

    def found(record: Record, observation: Observation, policy: Policy, context: Context) -> Plan:
        draft = Draft(record, policy, context)
        sending = draft.link(observation.role).sending
        draft.set_link(Link(observation.role, observation.remote_id))
        for name, sent in sending.values.items() if sending is not None else ():
            base = Base(dict(sent), dict(sent), sending.versions[name])
            draft.set_base(observation.role, policy.unit(name), base)
        draft.say(Verdict.FOUND, Reason.FOUND, observation.role)
        return draft.done()

    patch.setattr(lookup, "found", found)


def deaf_to_events(patch: Patch) -> None:
    """Never judges what an event shows to have been written over."""
    patch.setattr(overwritten, "judge_event", lambda draft, observation, link: draft.done(look_again=True))


def no_look_up(patch: Patch) -> None:
    """Creates without looking the record up."""
    patch.setattr(Account, "find", lambda self, values, external_id: [])


def blind_settling(patch: Patch) -> None:
    """Takes an unknown outcome for nothing at all."""
    patch.setattr(settle, "_settle_unit", lambda *told: None)


def everybody_writes(patch: Patch) -> None:
    """Adopts what a role may not write."""
    patch.setattr(table, "may_write", lambda unit, record, role: True)


def eaten_edit(patch: Patch) -> None:
    """Lets a delete eat an edit that was made elsewhere."""
    patch.setattr(gone, "_behind", lambda draft, role: False)


def listing_deletes(patch: Patch) -> None:
    """Takes what a listing does not show for deleted."""

    def audit(self: Workers) -> None:
        account = self.any_listening()
        listed = {o.remote_id for page in account.pages("", full=True) for o in page.observations}
        at = self.hub_now()
        missing = [Observation(account.role, one, {}, at, deleted=True) for one in self.unlisted(account, listed)]
        steps.judge(self.store, account.role, missing)

    patch.setattr(Workers, "audit", audit)


def dropping_merge(patch: Patch) -> None:
    """Drops what was believed of a record that lives on in another one."""
    patch.setattr(joining, "_carry_beliefs", lambda draft, target, role, moved: None)


def set_back_at_once(patch: Patch) -> None:
    """Judges a lower version at once."""
    patch.setattr(gates, "lower", lambda left, right: False)


def policy_of_old(patch: Patch) -> None:
    """Brings no record under a new policy."""
    patch.setattr(revise, "_judge_again", lambda draft, unit, old: None)


FAULTS = (
    no_look, no_debt, no_lift, any_order, found_wholesale, deaf_to_events, no_look_up, blind_settling, everybody_writes,
    eaten_edit, listing_deletes, dropping_merge, set_back_at_once, policy_of_old,
)  # fmt: skip


def failing(seeds: Sequence[int]) -> list[str]:
    """The findings of the first seed that fails."""
    for seed in seeds:
        found = simulate(seed).failing
        if found:
            return found[seed]
    return []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_deliberate_fault_is_found(fault: Callable[[Patch], None], monkeypatch: Patch):
    fault(monkeypatch)
    assert failing(range(SEEDS)), fault.__doc__
