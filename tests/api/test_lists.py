"""Lists: filtered strictly, paged without gap, with as many queries for a hundred rows as for one."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from syncapp.models import Account, Delivery, Feed, Ledger, Push, Record
from tests.api.asking import ROOT, get, program, refused
from tests.review.seeding import Desk, person

LISTS = ("records", "conflicts", "ledger", "deliveries", "pushes")


def fill(desk: Desk, start: int, number: int) -> None:
    """So many rows in every list, at least."""
    now = desk.store.now()
    crm, feed = Account.objects.get(slug="crm"), Feed.objects.get(role__name="crm")
    for n in range(start, start + number):
        record = desk.disagree(n).record
        Delivery.objects.create(
            account=crm, event_id=f"e{n}", received_at=now, body=b'{"token": "s3cret"}', next_try=now,
            headers={"x-request": "h3ader"},
        )  # fmt: skip
        Push.objects.create(record=record, feed=feed, state="confirmed", next_try=now, created_at=now, ended_at=now)


def queries(path: str, client: Any) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        get(client, path, limit=100)
    return len(captured)


def test_as_many_queries_for_a_hundred_rows_as_for_one(desk: Desk) -> None:
    client = program()
    fill(desk, 1, 1)
    few = {name: queries(f"{name}/", client) for name in LISTS}
    fill(desk, 2, 99)
    assert {name: len(get(client, f"{name}/", limit=100)["results"]) for name in LISTS} == dict.fromkeys(LISTS, 100)
    assert {name: queries(f"{name}/", client) for name in LISTS} == few
    assert max(few.values()) <= 16


@pytest.mark.parametrize("name", LISTS)
def test_pages_follow_each_other_without_gap(desk: Desk, name: str) -> None:
    fill(desk, 1, 5)
    client, seen = program(), []
    page = get(client, f"{name}/", limit=2)
    whole = [row.get("id") or row["key"] for row in get(client, f"{name}/", limit=200)["results"]]
    while True:
        seen += [row.get("id") or row["key"] for row in page["results"]]
        if not page["next"]:
            break
        page = client.get(page["next"]).json()
    assert seen == whole
    assert len(seen) >= 5 and len(set(seen)) == len(seen)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"colour": "red"}, "no such parameter; accepted: "),
        ({"limit": "0"}, "accepted: 1 to 200"),
        ({"limit": "many"}, "accepted: 1 to 200"),
        ({"limit": "²"}, "accepted: 1 to 200"),
        ({"cursor": "nonsense"}, "take the address in `next`"),
        ({"cursor": "cD1ub25zZW5zZQ=="}, "take the address in `next`"),  # a cursor's form, no key inside
    ],
)
def test_what_is_not_known_is_refused(desk: Desk, name: str, query: dict[str, str], said: str) -> None:
    fill(desk, 1, 1)
    answer = refused(program(), f"{name}/", **query)
    assert said in answer["fields"][next(iter(query))][0]
    assert answer["error"].endswith(".")


@pytest.mark.parametrize(
    ("path", "name", "value", "said"),
    [
        ("records/", "sync", "nothing", "'nothing' is not accepted; accepted: contacts"),
        ("records/", "role", "nobody", "'nobody' is not accepted; accepted: billing, crm"),
        ("records/", "match", "p1@example.org", "needs `sync`"),
        ("conflicts/", "kind", "odd", "accepted: value, proposal, invalid, overwritten, ping_pong, delete, match"),
        ("conflicts/", "state", "shut", "accepted: open, decided, closed"),
        ("conflicts/", "field", "shoe", "accepted: address, email, first_name, phone"),
        ("conflicts/", "age", "old", "accepted: 1h, 1d, 7d"),
        ("ledger/", "verdict", "guilty", "accepted: duplicate, overwritten, stale"),
        ("ledger/", "record", "17", "not a record's key"),
        ("ledger/", "since", "yesterday", "accepted: ISO 8601 with its zone"),
        ("ledger/", "since", "2026-01-01T00:00:00", "accepted: ISO 8601 with its zone"),
        ("ledger/", "since", "2026-13-01T00:00:00Z", "accepted: ISO 8601 with its zone"),
        ("deliveries/", "account", "erp", "accepted: billing, crm"),
        ("deliveries/", "state", "lost", "accepted: new, claimed, done, set_aside"),
        ("pushes/", "state", "gone", "accepted: pending, sending, confirmed, failed, held, superseded"),
    ],
)
def test_an_unknown_value_names_those_accepted(desk: Desk, path: str, name: str, value: str, said: str) -> None:
    assert said in refused(program(), path, **{name: value})["fields"][name][0]


def test_a_value_that_is_no_match_key_is_told(desk: Desk) -> None:
    told = refused(program(), "records/", sync="contacts", match="not an address")["fields"]["match"][0]
    assert told == "'not an address' is no match-key value; accepted: a value of email"


@pytest.mark.parametrize(
    ("path", "query", "found"),
    [
        ("records/", {}, 3),
        ("records/", {"sync": "contacts", "match": "P2@Example.org"}, 1),
        ("records/", {"sync": "contacts", "match": "p9@example.org"}, 0),
        ("records/", {"remote_id": "crm-2"}, 1),
        ("records/", {"remote_id": "crm-2", "role": "crm"}, 1),
        ("records/", {"remote_id": "crm-2", "role": "billing"}, 0),
        ("records/", {"role": "billing"}, 3),
        ("conflicts/", {"kind": "delete"}, 1),
        ("conflicts/", {"field": "phone", "role": "billing", "state": "open"}, 1),
        ("conflicts/", {"age": "1h"}, 0),
        ("ledger/", {"verdict": "concurrent", "field": "phone"}, 1),
        ("ledger/", {"since": "2999-01-01T00:00:00Z"}, 0),
        ("ledger/", {"since": "2999-01-01T00:00:00+02:00"}, 0),
        ("deliveries/", {"account": "crm", "state": "new"}, 0),
        ("pushes/", {"sync": "contacts", "role": "crm"}, 0),
    ],
)
def test_filters(desk: Desk, path: str, query: dict[str, str], found: int) -> None:
    desk.disagree(1)
    desk.delete(2)
    desk.contact(3)
    Push.objects.all().delete()
    assert len(get(program(), path, **query)["results"]) == found


def test_the_ledger_of_one_record(desk: Desk) -> None:
    key = str(desk.disagree(1).record_id)
    desk.contact(2)
    lines = get(program(), "ledger/", record=key)["results"]
    assert {line["record"] for line in lines} == {key}
    assert len(lines) == Ledger.objects.filter(record=key).count()
    asked = next(line for line in lines if line["verdict"] == "concurrent")
    assert asked["vector"] == {"hub": 4, "billing": 3}
    assert asked["value"] == "+49 30 3000" and asked["saw"]["belief"]["value"] == {"phone": "+49 30 2000"}
    assert asked["sentence"] == "The sides disagree about Telephone and the policy asks a person."
    assert get(program("Reviewer"), f"ledger/{asked['id']}/") == asked


def test_bodies_are_for_administrators_only(desk: Desk) -> None:
    fill(desk, 1, 1)
    one = f"deliveries/{Delivery.objects.get().pk}/"
    viewer, admin = program(), program("Admin")
    for path in ("deliveries/", one):
        shown = viewer.get(ROOT + path).content.decode()
        assert "s3cret" not in shown and "h3ader" not in shown
    assert "s3cret" not in admin.get(ROOT + "deliveries/").content.decode()
    assert get(admin, one)["body"] == '{"token": "s3cret"}'
    Delivery.objects.update(body=b"\xff\x00")
    assert get(admin, one)["body"] == "base64:/wA="


@pytest.mark.parametrize("name", ["", *(f"{one}/" for one in LISTS)])
def test_who_may_look(desk: Desk, name: str) -> None:
    stranger, nobody = APIClient(), program("")
    assert stranger.get(ROOT + name).status_code == 401
    assert stranger.get(ROOT + name).json()["error"]
    assert nobody.get(ROOT + name).status_code == 403
    assert "ask an administrator to add you" in nobody.get(ROOT + name).json()["error"]
    signed_in = APIClient()
    signed_in.force_login(person("Reviewer"))
    assert signed_in.get(ROOT + name).status_code == 200


def test_somebody_who_is_no_longer_staff_sees_nothing(desk: Desk) -> None:
    client = program()
    User.objects.update(is_staff=False)
    assert client.get(ROOT + "records/").status_code == 403


@pytest.mark.parametrize("path", ["records/17/", "conflicts/9999/", "ledger/9999/", "nothing/", "records"])
def test_errors_are_json_with_a_sentence(desk: Desk, path: str) -> None:
    answer = program().get(ROOT + path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["error"].endswith(".")


@pytest.mark.parametrize("name", LISTS)
def test_lists_only_read(desk: Desk, name: str) -> None:
    client = program("Admin")
    for method in ("post", "put", "patch", "delete"):
        assert getattr(client, method)(f"{ROOT}{name}/").status_code == 405


def test_a_sync_without_a_policy_is_told(desk: Desk) -> None:
    desk.contact(1)
    desk.sync.policy_sets.update(state="retired")
    answer = program().get(ROOT + "records/")
    assert answer.status_code == 503
    assert "policy" in answer.json()["error"]


def test_a_record_with_beliefs_and_links(desk: Desk) -> None:
    conflict = desk.disagree(1)
    record = get(program(), f"records/{conflict.record_id}/")
    phone = record["beliefs"]["phone"]
    assert (phone["value"], phone["version"], phone["conflict"]) == ("+49 30 2000", 4, conflict.pk)
    assert phone["vector"] == {"hub": 4, "crm": 4, "billing": 3}
    assert phone["why"].startswith("Telephone is “+49 30 2000” because CRM changed Telephone")
    assert phone["source"] == "CRM" and phone["owner"] == "shared"
    crm, billing = record["links"]
    assert (crm["role"], crm["remote_id"], billing["remote_version"]) == ("crm", "crm-1", "2")
    assert billing["fields"]["phone"] == {"state": "in review", "stored": "+49 30 3000"}
    assert billing["fields"]["email"] == {"state": "in step", "stored": "p1@example.org"}
    assert record["conflicts"] == [conflict.pk]
    assert record["title"] == str(Record.objects.get())
