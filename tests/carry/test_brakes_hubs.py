"""Two whole hubs on one pair of accounts, each with a database and processes of its own: no loop, no unseen doubles."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from policies.models import Sync
from syncapp.models import Brake, Conflict, Feed
from tests.carry.driving import Side, at_rest, billing_of, first_load, no_webhooks_left
from tests.carry.elsewhere import Hub, second_hub
from tests.carry.processes import processes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other(sync: Sync, sides: dict[str, Side], hooked: None, tmp_path: Path) -> Iterator[Hub]:
    """The first hub is told by webhooks and works in processes of its own, too; the other asks every second."""
    first_load(sides, 3)
    Feed.objects.update(schedule=2.0)
    (tmp_path / "first").mkdir()
    with (
        second_hub(sides, tmp_path) as hub,
        processes(("rqworker",), ("scheduler",), logs=tmp_path / "first"),
    ):
        wait_for(lambda: len(hub.ask("SELECT 1 FROM syncapp_link")) == 6, "the other hub to know both sides")
        rest(sides, hub)
        yield hub


def wait_for(done: Callable[[], Any], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.2)


def written(sides: dict[str, Side]) -> int:
    return sum(len(side.writes()) for side in sides.values())


def rest(sides: dict[str, Side], hub: Hub) -> None:
    """For four seconds, several passes of both, nothing is due and nothing is written. A loop never comes here."""

    def quiet() -> bool:
        before = written(sides)
        for _ in range(8):
            if not (no_webhooks_left(sides) and at_rest() and hub.at_rest()):
                return False
            time.sleep(0.5)
        return written(sides) == before

    wait_for(quiet, "rest", 90.0)


def emails(side: Side) -> Counter[str]:
    return Counter(row["fields"]["email"] for row in side.rows().values())


def test_edits_in_either_account_are_carried_by_both_and_come_to_rest(sides: dict[str, Side], other: Hub) -> None:
    ids = {row["fields"]["email"]: one for one, row in sides["crm"].rows().items()}
    before = written(sides)
    sides["crm"].edit(ids["p0@example.org"], firstname="Ada")
    sides["billing"].edit(billing_of(sides, "p1@example.org")["id"], name_first="Bo")
    sides["crm"].edit(ids["p2@example.org"], phone="+49 99")
    rest(sides, other)
    assert 3 <= written(sides) - before <= 12, "each hub writes each edit about once"
    assert billing_of(sides, "p0@example.org")["fields"]["name_first"] == "Ada"
    assert sides["crm"].rows()[ids["p1@example.org"]]["fields"]["firstname"] == "Bo"
    assert billing_of(sides, "p2@example.org")["fields"]["telephone"] == "+49 99"
    assert set(emails(sides["crm"]).values()) == set(emails(sides["billing"]).values()) == {1}
    assert Conflict.objects.filter(state="open").count() == 0 and other.questions() == []


def test_people_that_both_see_at_once_are_made_once_or_a_person_is_asked(sides: dict[str, Side], other: Hub) -> None:
    many = 12
    before = written(sides)
    for number in range(many):
        sides["crm"].create(email=f"new{number}@example.org", firstname=f"New {number}")
        time.sleep(0.15)  # so that the two are at it at many different moments
    # The window: both looked before either had written.
    wait_for(lambda: len(emails(sides["billing"])) == many + 3, "everybody to arrive")
    rest(sides, other)
    assert set(emails(sides["crm"]).values()) == {1}, "what was made twice does not come back"
    twice = {one for one, count in emails(sides["billing"]).items() if count > 1}
    assert all(count <= 2 for count in emails(sides["billing"]).values()), "each hub makes one at most"
    assert many <= written(sides) - before <= 2 * many, "one write from each hub for each person at most"
    here = set(Conflict.objects.filter(state="open").values_list("record__title", flat=True))
    there = {title for _, title in other.questions()}
    for one in twice:
        number = one.removeprefix("new").partition("@")[0]
        name = f"New {number}"
        assert any(name == title or title.startswith(f"{name} ") for title in here), (one, here)
        assert any(name == title or title.startswith(f"{name} ") for title in there), (one, there)
    assert not Brake.objects.filter(released_at=None).exists()
