"""What the hub sees of a merge at a provider: the observation names the winner, and a hint is a hint for both."""

from __future__ import annotations

import pytest

from policies.models import Sync
from syncapp.inbox import Fates, claim_deliveries
from syncapp.models import Feed
from syncapp.observe import _told
from syncapp.remote import open_remote
from tests.carry.driving import Side, work_until

pytestmark = pytest.mark.django_db(transaction=True)


def feed_of(role: str) -> Feed:
    return Feed.objects.select_related("account", "role__sync").get(role__name=role)


def merged(side: Side) -> tuple[str, str]:
    winner, loser = side.create(email="a@x.org"), side.create(email="b@x.org")
    side.back("POST", "merge", json={"winner": winner, "loser": loser, "actor": "ada"})
    return winner, loser


@pytest.mark.parametrize("role", ["crm", "billing"])
def test_an_observation_names_the_record_that_it_went_into(role: str, sync: Sync, sides: dict[str, Side]) -> None:
    winner, loser = merged(sides[role])
    with open_remote(feed_of(role)) as remote:
        gone = remote.read(loser)
        assert (gone.remote_id, gone.deleted, gone.merged_into, gone.fields) == (loser, True, winner, {})
        both = {seen.remote_id: seen.merged_into for seen in remote.read_many([winner, loser])}
        assert both == {winner: None, loser: winner}


@pytest.mark.parametrize("role", ["crm", "billing"])
def test_a_merge_that_is_told_is_a_hint_for_both(
    role: str, sync: Sync, sides: dict[str, Side], hooked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    winner, loser = merged(sides[role])
    found: list[list[tuple[str, bool]]] = []

    def told() -> bool:
        for delivery in claim_deliveries():
            hints = _told(delivery, feed_of(role), Fates([delivery]))
            found.append([(hint.remote_id, hint.event is not None) for hint in hints])
        return [(winner, True), (loser, False)] in found

    monkeypatch.setattr("tests.carry.driving.drain", lambda: None)
    work_until(told, "the webhook of the merge")
