"""Properties of the judge: order, authority, repetition, replay, over generated states and simulated runs."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import cache
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.core.due import due_roles
from policies.core.norms import norm
from policies.core.ownership import may_write
from policies.core.plan import NOT_OF_THE_TABLE, plan, rejudge
from policies.core.rules import Field, Policy, Role, Strategy, Unauthorised, Unit
from policies.core.seen import Context, Observation
from policies.core.types import field_type
from policies.core.values import Base, Belief, Link, Record
from syncapp.simulation.world import World
from tests.core.cases.making import NOW, ROLES, minutes
from tests.core.test_table import VERDICTS

KINDS = {
    Strategy.OWNER_WINS: "text",
    Strategy.REVIEW: "text",
    Strategy.MAX: "integer",
    Strategy.MIN: "integer",
}
# One spelling of each: a change of spelling that another account's form cannot show joins that account at once,
# so its next change follows on it instead of standing beside it (docs/decisions/judge-order.md).
texts = st.sampled_from("bcd")
POOL = {
    "text": texts,
    "integer": st.integers(1, 4),
    "set": st.lists(st.sampled_from("abc"), max_size=3).map(lambda found: sorted(set(found))),
    "counter": st.integers(1, 9),
}


@st.composite
def situations(draw):
    """One field on three sides that all hold what the hub believes, and one change at each of some sides."""
    strategy, kind = draw(st.sampled_from([*KINDS.items(), (Strategy.MERGE, "set"), (Strategy.MERGE, "counter")]))
    writers = frozenset(draw(st.sets(st.sampled_from(ROLES), min_size=1)))
    owner = draw(st.sampled_from(sorted(writers)))
    how = draw(st.sampled_from(Unauthorised))
    member = Field("f", field_type(kind).normalise, kind)
    unit = Unit("f", (member,), owner, writers, frozenset(ROLES), strategy, how, writers)
    forms = {"f": norm(["lower"], kind)} if kind in ("text", "set") and draw(st.booleans()) else {}
    roles = {name: Role(name, forms if name == "app" else {}) for name in ROLES}
    start = draw(st.sampled_from(["A", "b", "c"]) if kind == "text" else POOL[kind])
    base = Base({"f": start}, {"f": start}, 1)
    stored = {"app": {"f": forms["f"](start)}} if forms else {}
    links = {
        name: Link(name, name[0], None, minutes(-10), bases={"f": replace(base, stored=stored.get(name, base.stored))})
        for name in ROLES
    }
    record = Record("r", 1, "crm", {"f": Belief({"f": start}, 1, frozenset({owner}))}, links)
    policy = Policy(1, (unit,), roles, by_name={"f": unit})
    changed = draw(st.lists(st.sampled_from(ROLES), min_size=1, unique=True))
    looks = []
    for name in changed:
        value = draw(POOL[kind])
        value = forms["f"](value) if forms and name == "app" else value
        looks.append(Observation(name, name[0], {"f": value}, NOW))
    return record, policy, looks


def run(record, policy, looks):
    made = None
    for look in looks:
        made = plan(record, look, policy, Context(NOW))
        record = made.state
    return record


def settled_belief(record: Record):
    """What is believed, if no question is open; else what the candidates of the question are."""
    questions = [q for q in record.questions if q.unit == "f" and not q.role]
    if not questions:
        return "believed", record.beliefs["f"].value["f"]
    return "asked", {repr(candidate.value["f"]) for candidate in questions[0].candidates}


@settings(max_examples=400, deadline=None)
@given(situations())
def test_i4_the_order_of_arrival_decides_nothing(situation):
    record, policy, looks = situation
    ends = [settled_belief(run(record, policy, order)) for order in permutations(looks)]
    assert all(end == ends[0] for end in ends), ends


@settings(max_examples=400, deadline=None)
@given(situations())
def test_i5_no_value_of_an_outsider_is_believed(situation):
    record, policy, looks = situation
    unit = policy.units[0]
    if unit.strategy is Strategy.MERGE and unit.members[0].kind == "counter":
        ours = sum(x.fields["f"] - record.beliefs["f"].value["f"] for x in looks if may_write(unit, record, x.role))
        after = run(record, policy, looks).beliefs["f"].value["f"]
        assert after == record.beliefs["f"].value["f"] + ours
        return
    outsiders = [x for x in looks if not may_write(unit, record, x.role)]
    insiders = [x for x in looks if may_write(unit, record, x.role)]
    assert run(record, policy, looks).beliefs["f"].value == run(record, policy, insiders).beliefs["f"].value
    assert run(record, policy, outsiders).beliefs["f"].value == record.beliefs["f"].value


@settings(max_examples=300, deadline=None)
@given(situations())
def test_judging_is_pure_and_repeating_it_is_silence(situation):
    record, policy, looks = situation
    before = deepcopy(record)
    for look in looks:
        made = plan(record, look, policy, Context(NOW))
        assert record == before
        again = plan(made.state, replace(look, read_at=minutes(1)), policy, Context(minutes(1)))
        assert (again.lines, again.closed, again.unchanged) == ((), (), 1)
        link = made.state.links[look.role]
        assert again.state == replace(
            made.state, links={**made.state.links, look.role: replace(link, read_at=minutes(1))}
        )


@cache
def finished(seed: int) -> World:
    world = World(seed)
    world.run()
    world.rest()
    return world


@pytest.mark.parametrize("seed", range(5))
def test_every_recorded_line_gives_its_verdict_again(seed):
    world, judged = finished(seed), 0
    for (key, line), policy in zip(world.store.lines, world.store.under, strict=True):
        row = rejudge(line, policy, world.store.records[key].creator)
        if row is not None:
            judged += 1
            assert line.verdict in VERDICTS[row.number], f"{key} {line.verdict} was given by row {row.number}"
        elif line.unit and line.saw is not None and line.saw.observation is not None:
            assert line.verdict in NOT_OF_THE_TABLE
    assert judged > 30


@pytest.mark.parametrize("seed", range(5))
def test_what_is_due_follows_from_state_alone(seed):
    world = finished(seed)
    derived = {key: due_roles(record, world.policy) for key, record in world.store.records.items()}
    assert {key: due for key, due in derived.items() if due} == world.store.due
