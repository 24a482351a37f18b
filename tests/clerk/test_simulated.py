"""The fault machine's states, written to PostgreSQL and read back: nothing is lost, and the ledger tells all of it."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import replace

import pytest
from django.utils import timezone

from policies.core.rules import Policy
from policies.core.values import Record
from policies.models import PolicySet, Role, Sync
from syncapp.lines import fold_all, state_json
from syncapp.load import Loaded, load_records
from syncapp.models import Conflict, Feed, Ledger, Push
from syncapp.replay import Replayed, judge_again
from syncapp.setting import Setting
from syncapp.simulation.memory import MemoryPage, MemoryStore
from syncapp.simulation.world import World
from syncapp.store import PgPage
from tests.clerk.making import make_account

pytestmark = pytest.mark.django_db


class BothStore(MemoryStore):
    """What is committed in memory is committed to PostgreSQL too, over what PostgreSQL itself remembers."""

    setting: Setting

    def _commit(self, page: MemoryPage) -> None:
        loaded = Loaded(self.world.tick)
        load_records(loaded, self.setting.feeds, {plan.state.key for plan in page.plans} & set(self.records))
        policies = [policy for _, policy in self.world.policies]
        mirror = PgPage(replace(self.setting, policy=page.policy, facts=str(policies.index(page.policy))), loaded, ())
        for plan in page.plans:
            mirror.save(plan)
        mirror.write()
        super()._commit(page)


def world_of(seed: int) -> tuple[World, Setting]:
    world = World(seed)
    sync = Sync.objects.create(slug="simulated", name="Simulated")
    PolicySet.objects.create(sync=sync, version=1, state="published", published_at=timezone.now())
    feeds = {}
    for order, name in enumerate(world.scenario.roles):
        role = Role.objects.create(sync=sync, name=name, order=order)
        feeds[name] = Feed.objects.create(account=make_account(name), object="contacts", role=role, stage="live")
    setting = Setting(sync, None, feeds, world.policy, "", dict.fromkeys(feeds, 0.0))
    store = BothStore(world, world.policy)
    store.setting = setting
    world.store = store
    return world, setting


class Policies:
    """The facts of a line say which of the world's policies it was judged by: one version may be compiled twice."""

    def __init__(self, world: World) -> None:
        self.known = [policy for _, policy in world.policies]

    def of(self, line: Ledger) -> Policy:
        return self.known[int(line.facts)]


def lines_of(key: str) -> list[Ledger]:
    return list(Ledger.objects.filter(record=uuid.UUID(key)).order_by("id"))


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 6, 7])  # worlds in which much is written
def test_it_is_all_there(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = itertools.count(1)  # keys as PostgreSQL holds them, and the same in every run: their order is drawn from
    monkeypatch.setattr(MemoryPage, "new_key", lambda page: str(uuid.UUID(int=next(numbers))))
    world, setting = world_of(seed)
    world.run()
    world.rest()
    remembered: dict[str, Record] = world.store.records
    loaded = Loaded(world.tick)
    load_records(loaded, setting.feeds, list(remembered))
    assert loaded.records.keys() == remembered.keys()
    found = Replayed()
    for key, record in remembered.items():
        assert loaded.records[key] == record
        rows = lines_of(key)
        assert fold_all(row.changes for row in rows) == state_json(record)
        for row in rows:
            judge_again(found, Policies(world), row, record.creator)
    assert found.differences == []
    assert found.rejudged > 30
    assert Conflict.objects.filter(state="open").count() == sum(len(r.questions) for r in remembered.values())
    pending = {(str(push.record_id), push.feed.role.name) for push in Push.objects.filter(state="pending")}
    assert pending == {(key, role) for key, due in world.store.due.items() for role in due}
    sending = {(r.key, role) for r in remembered.values() for role, link in r.links.items() if link.sending}
    assert {(str(p.record_id), p.feed.role.name) for p in Push.objects.filter(state="sending")} == sending
    assert Push.objects.filter(state="confirmed").count() > 10
