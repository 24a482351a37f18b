"""Whose a record is that was found on several sides: the earlier made one's, and once it was changed, for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from policies.core.identity import place
from policies.core.reasons import Reason
from policies.core.rules import CREATOR, Field, Policy, Role, Strategy, Unit
from policies.core.seen import Context, Observation
from policies.core.types import field_type
from policies.core.values import Base, Belief, Link, Record, Said

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
BOTH = frozenset({"crm", "billing"})


def policy(writers: frozenset[str] = BOTH, *, timed: bool = True) -> Policy:
    name = Unit("name", (Field("name", field_type("text").normalise),), CREATOR, writers, BOTH, Strategy.OWNER_WINS)
    roles = {role: Role(role, timed=timed) for role in ("crm", "billing")}
    return Policy(1, (name,), roles, (("name",),), by_name={"name": name})


def first_seen_at(role: str, made: datetime | None, reason: Reason = Reason.FIRST_SEEN) -> Record:
    said = Said(role, None, NOW, reason, 1)
    belief = Belief({"name": "Ada"}, 1, frozenset({role}), said=said)
    link = Link(role, "1", bases={"name": Base({"name": "Ada"}, {"name": "Ada"}, 1)}, created=made)
    return Record("r", 1, role, {"name": belief}, {role: link})


def creator(record: Record, role: str, made: datetime | None, rules: Policy, **context: object) -> str:
    seen = Observation(role, "9", {"name": "Ada"}, NOW, created_at=made)
    return place(seen, [record], rules, replace(Context(NOW), **context), "new").state.creator


def test_the_side_that_made_it_first_is_the_creator_whoever_was_seen_first() -> None:
    assert creator(first_seen_at("crm", NOW - DAY), "billing", NOW - 2 * DAY, policy()) == "billing"
    assert creator(first_seen_at("crm", NOW - DAY), "billing", NOW, policy()) == "crm"


def test_clocks_are_compared_in_hub_time() -> None:
    fast = timedelta(hours=2)
    made = NOW - timedelta(hours=1)
    assert creator(first_seen_at("crm", NOW - timedelta(hours=2)), "billing", made, policy(), skew=fast) == "billing"


def test_without_trustworthy_times_the_first_role_in_order_is_the_creator() -> None:
    assert creator(first_seen_at("billing", None), "crm", NOW, policy()) == "crm"
    assert creator(first_seen_at("crm", None), "billing", NOW - DAY, policy()) == "crm"
    assert creator(first_seen_at("billing", NOW - DAY), "crm", NOW, policy(timed=False)) == "crm"
    assert creator(first_seen_at("billing", NOW - DAY), "crm", NOW, policy(), skew=None) == "crm"


def test_it_is_fixed_once_anything_was_changed() -> None:
    changed = first_seen_at("crm", NOW - DAY, Reason.ADOPTED)
    assert creator(changed, "billing", NOW - 2 * DAY, policy()) == "crm"


def test_it_stays_where_a_belief_would_lose_the_right_to_stand() -> None:
    only_creator = policy(frozenset({"billing"}))
    assert creator(first_seen_at("crm", NOW - DAY), "billing", NOW - 2 * DAY, only_creator) == "crm"
