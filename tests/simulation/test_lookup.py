"""A look-up before a create may find what another record's create has just made, before that was confirmed."""

from __future__ import annotations

from dataclasses import replace

from policies.core.apart import keep_apart
from policies.core.draft import Draft
from policies.core.due import Work, claim
from policies.core.planned import Plan
from policies.core.seen import Context, How, Observation
from policies.core.values import Belief, Kind, Link, Record
from syncapp.claims import Outcome, link_found, named_by
from syncapp.simulation.world import World

EMAIL = {"email": "ada@example.com"}


def twin(world: World, key: str, home: str, away: str) -> Record:
    """One of two records that share an e-mail address, with a create in flight at `away`."""
    record = Record(key, 1, home, {"email": Belief(EMAIL, 1, frozenset({home}))}, {home: Link(home, f"{home}-{key}")})
    draft = Draft(record, world.policy, Context(world.now()))
    assert claim(draft, away, Work.CREATE) is not None
    return draft.done().state


def test_what_another_record_is_making_is_not_taken_from_it():
    world = World(1)
    home, away = (role for role in world.scenario.roles if world.policy.roles[role].reads)
    made = Observation(away, f"{away}-1", EMAIL, world.now(), how=How.SEARCH, external_id="r1")
    with world.store.page("", (), ()) as page:
        for key in ("r1", "r2"):
            page.save(Plan(twin(world, key, home, away)))
    with world.store.page(away, (made,), ("r2", *named_by((made,)))) as page:
        assert link_found(page, away, "r2", (made,)) is Outcome.HELD
        assert page.record("r2").links[away].remote_id is None
        assert link_found(page, away, "r1", (made,)) is Outcome.FOUND


def test_no_record_is_made_over_one_that_carries_its_key_and_is_kept_apart():
    """A lost create landed, and was merged there into another record: an upsert by external key would write over it."""
    world = World(1)
    home, away = (role for role in world.scenario.roles if world.policy.roles[role].reads)
    merged = Observation(away, f"{away}-1", EMAIL, world.now(), how=How.SEARCH, external_id="r1")
    other = Record("r2", 1, away, {"email": Belief(EMAIL, 1, frozenset({away}))}, {away: Link(away, merged.remote_id)})
    with world.store.page("", (), ()) as page:
        page.save(Plan(keep_apart(twin(world, "r1", home, away), [other], world.policy)))
        page.save(Plan(other))
    with world.store.page(away, (merged,), ("r1",)) as page:
        assert link_found(page, away, "r1", (merged,)) is Outcome.REJECTED
        state = page.record("r1")
        assert (state.links[away].remote_id, state.links[away].sending) == (None, None)
        (question,) = state.questions
        assert (question.kind, question.role) == (Kind.CREATE, away)
        assert merged.remote_id in question.note
        plain = replace(merged, external_id=None)
    with world.store.page(away, (plain,), ("r1",)) as page:
        assert link_found(page, away, "r1", (plain,)) is None
