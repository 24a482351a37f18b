"""What a brake holds, over the API and at the command line: looked at, released one by one or all, left as it is."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from policies.models import Sync
from syncapp.brakes import trip
from syncapp.models import Account, Brake, Delivery, Feed, Held, Ledger
from syncapp.stopping import stop_all
from tests.api.asking import ROOT, get, program, refused
from tests.review.seeding import Desk
from tests.review.test_held import hold


def at(brake: Brake, rest: str) -> str:
    return f"brakes/{brake.pk}/{rest}"


def post(client: Any, path: str, body: Any, status: int = 200) -> Any:
    answer = client.post(ROOT + path, body, format="json")
    assert answer.status_code == status, answer.content
    return answer.json()


def test_brakes_are_listed_and_filtered(desk: Desk) -> None:
    brake, client = hold(desk, 2), program()
    quota = trip("quota", "used up", account=Account.objects.get(slug="crm"))
    listed = get(client, "brakes/")["results"]
    assert [(one["code"], one["held"]) for one in listed] == [("quota", 0), ("mass_delete", 2)]
    assert get(client, f"brakes/{brake.pk}/") == listed[1]
    for asked, expected in (
        ({"account": "billing"}, [brake.pk]),
        ({"account": "crm"}, [quota.pk]),
        ({"code": "mass_delete"}, [brake.pk]),
        ({"sync": "contacts"}, [brake.pk]),
        ({"state": "off"}, []),
        ({"limit": 1}, [quota.pk]),
    ):
        assert [one["id"] for one in get(client, "brakes/", **asked)["results"]] == expected, asked
    said = refused(client, "brakes/", code="odd")["fields"]["code"][0]
    assert "mass_delete" in said and "quota" in said


def test_each_item_says_what_would_happen(desk: Desk) -> None:
    brake, client = hold(desk, 3), program()
    first = get(client, at(brake, "held/"), limit=2)
    assert [one["remote_id"] for one in first["results"]] == ["billing-3", "billing-2"]
    one = first["results"][0]
    assert (one["what"], one["state"], one["title"]) == ("delete", "held", "Person 3 p3@example.org")
    assert one["because"] == ["The record was deleted at Billing."]
    assert one["would"] == [{"system": "A person", "what": "is asked"}]
    rest = client.get(first["next"]).json()
    assert ([row["remote_id"] for row in rest["results"]], rest["next"]) == (["billing-1"], None)
    assert [row["id"] for row in get(client, at(brake, "held/"), record=one["record"])["results"]] == [one["id"]]
    assert get(client, at(brake, "held/"), what="change")["results"] == []
    assert "held, released, passed" in refused(client, at(brake, "held/"), state="odd")["fields"]["state"][0]
    assert "accepted: cursor, limit, record, state, what" in refused(client, at(brake, "held/"), x=1)["fields"]["x"][0]
    assert client.get(f"{ROOT}brakes/999999/held/").status_code == 404


def test_some_are_released_some_are_left_and_the_rest_goes(desk: Desk) -> None:
    brake, owner = hold(desk, 5), program("Business owner")
    ids = dict(Held.objects.values_list("remote_id", "pk"))
    said = post(owner, at(brake, "release"), {"items": [ids["billing-1"], ids["billing-2"]], "why": "they left"})
    assert said == {"released": 2, "held": 3, "on": True}
    assert {told["record"] for hint in Delivery.objects.all() for told in hint.events} == {"billing-1", "billing-2"}, (
        "each is looked up again"
    )
    left = post(owner, at(brake, "leave"), {"items": [ids["billing-3"]], "why": "a mistake"})
    assert left == {"left": 1, "held": 2, "on": True}
    shown = get(owner, at(brake, "held/"), state="left")["results"]
    assert [(one["remote_id"], one["would"]) for one in shown] == [("billing-3", None)]
    again = post(owner, at(brake, "release"), {"items": [ids["billing-1"]], "why": "again"}, 400)
    assert "nothing that you chose is still held" in again["error"]
    assert post(owner, at(brake, "release"), {"items": "all", "why": "the rest"}) == {
        "released": 2,
        "held": 0,
        "on": False,
    }
    line = Ledger.objects.filter(reason="released_held", record__isnull=False).latest("pk")
    assert (line.actor, line.detail) == ("business-owner", "the record was deleted there; the rest")
    assert "released already" in post(owner, at(brake, "release"), {"items": "all", "why": "x"}, 400)["error"]
    assert get(owner, "brakes/")["results"] == []
    assert get(owner, "brakes/", state="off")["results"][0]["why"] == "the rest"


@pytest.mark.parametrize("deed", ["release", "leave"])
def test_only_who_may_release_does(desk: Desk, deed: str) -> None:
    brake = hold(desk, 1)
    for team in ("Viewer", "Reviewer"):
        said = post(program(team), at(brake, deed), {"items": "all", "why": "x"}, 403)["error"]
        assert "Business owner" in said
    assert Held.objects.get().state == "held"


@pytest.mark.parametrize("items", [None, [], "some", ["1"], [True], [0], [1.5], {"a": 1}, list(range(1, 1002))])
def test_what_is_not_a_choice_is_refused(desk: Desk, items: Any) -> None:
    brake, owner = hold(desk, 1), program("Admin")
    said = post(owner, at(brake, "release"), {"items": items, "why": "x"}, 400)
    assert said["fields"]["items"][0].startswith('must be "all", or a list of 1 to 1000 ids')
    assert Held.objects.get().state == "held"


def test_what_is_missing_is_said(desk: Desk) -> None:
    brake, owner = hold(desk, 1), program("Admin")
    assert "say why" in post(owner, at(brake, "release"), {"items": "all"}, 400)["error"]
    assert post(owner, at(brake, "release"), {"items": "all", "reason": "x"}, 400)["fields"] == {
        "reason": ["no such field; accepted: items, why"]
    }
    assert post(owner, at(brake, "release"), [1], 400)["error"].startswith("The body must be a JSON object")
    Brake.objects.filter(pk=brake.pk).update(code="mass_change")
    assert "would be lost" in post(owner, at(brake, "leave"), {"items": "all", "why": "x"}, 400)["error"]
    assert Held.objects.get().state == "held"


def test_brakes_that_hold_nothing_are_released_whole(desk: Desk) -> None:
    owner = program("Admin")
    quota = trip("quota", "used up", account=Account.objects.get(slug="crm"))
    said = post(owner, at(quota, "release"), {"items": [1], "why": "x"}, 400)
    assert "holds no records one by one" in said["error"]
    assert post(owner, at(quota, "release"), {"items": "all", "why": "x"}) == {"released": 0, "held": 0, "on": False}
    stop_all("ada")
    hub, sync = Brake.objects.get(code="stop", sync=None), Brake.objects.get(code="stop", sync=desk.sync)
    assert "let each sync write again" in post(owner, at(hub, "release"), {"items": "all", "why": "x"}, 400)["error"]
    assert Brake.objects.filter(code="stop", released_at=None).count() == 2
    assert post(owner, at(sync, "release"), {"items": "all", "why": "x"})["on"] is False
    assert not Brake.objects.filter(released_at=None).exists()


def test_what_is_held_costs_the_same_however_much_it_is(desk: Desk) -> None:
    brake, client = hold(desk, 7), program()
    counts = []
    for limit in (1, 7):
        with CaptureQueriesContext(connection) as queries:
            assert len(get(client, at(brake, "held/"), limit=limit)["results"]) == limit
        counts.append(len(queries))
    assert counts[0] == counts[1]


def run(*words: str, **more: Any) -> str:
    out = StringIO()
    call_command("release", *words, stdout=out, **more)
    return out.getvalue()


def test_at_the_command_line(desk: Desk) -> None:
    brake = hold(desk, 3)
    ids = dict(Held.objects.values_list("remote_id", "pk"))
    out = StringIO()
    with pytest.raises(CommandError, match="say why"):
        call_command("release", brake=brake.pk, stdout=out)
    assert f"{ids['billing-1']}  billing-1  Person 1 p1@example.org  deleted: A person: is asked" in out.getvalue()
    assert "Released: 1 record." in run(brake=brake.pk, item=[ids["billing-1"]], why="gone")
    assert "Left as they were: 1 record." in run(brake=brake.pk, item=[ids["billing-2"]], leave=True, why="a mistake")
    assert "Released: mass delete." in run(brake=brake.pk, why="the rest")
    states = dict(Held.objects.values_list("remote_id", "state"))
    assert states == {"billing-1": "released", "billing-2": "left", "billing-3": "released"}
    with pytest.raises(CommandError, match="There is no brake 999"):
        run(brake=999, why="x")
    for words in ({}, {"brake": brake.pk, "sync": "contacts"}, {"sync": "contacts", "leave": True}):
        with pytest.raises(CommandError, match="--brake ID"):
            run(**words, why="x")
    assert Sync.objects.count() == 1 and Feed.objects.count() == 2
