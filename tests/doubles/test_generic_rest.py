"""The plain system is well behaved until one of its bad habits is switched on, and then it has exactly that one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from syncapp.doubles.generic_rest import GenericRest
from syncapp.doubles.generic_rest_hooks import standard
from syncapp.doubles.generic_rest_traps import TRAPS
from tests.doubles.side import Side, running

CONTACTS = "/api/contacts"


@contextmanager
def trapped(*traps: str) -> Iterator[Side]:
    with running(GenericRest(traps)) as side:
        yield side


@pytest.fixture
def plain() -> Iterator[Side]:
    with trapped() as side:
        yield side


def add(side: Side, number: int = 1, **more: Any) -> str:
    return str(side.post(CONTACTS, {"name": f"P{number}", **more})["id"])


def test_it_is_well_behaved(plain: Side) -> None:
    made = [add(plain, number) for number in range(7)]
    seen, number = [], 1
    while number:
        page = plain.get(CONTACTS, page=number, per_page=3)
        seen += [one["id"] for one in page["items"]]
        number = page["next_page"]
    assert seen == made
    path = f"{CONTACTS}/{made[0]}"
    tag = plain.ask("GET", path).headers["ETag"]
    changed = plain.ask("PATCH", path, json={"phone": "1"}, headers={"If-Match": tag})
    assert (changed.json()["phone"], changed.json()["name"]) == ("1", "P0")
    assert plain.ask("PATCH", path, json={"phone": "2"}, headers={"If-Match": tag}).status_code == 412
    assert plain.ask("PUT", path, json={"name": "Only"}).json()["phone"] is None
    assert plain.ask("DELETE", path).status_code == 204
    assert plain.ask("GET", path).status_code == 404
    assert plain.ask("POST", CONTACTS, json={"nonsense": 1}).status_code == 422


def test_the_boundary_is_kept(plain: Side) -> None:
    ids = [add(plain, number) for number in range(4)]
    plain.controls.stamp("contacts", ids[:3], datetime(2026, 3, 1, 12, tzinfo=UTC))
    found = plain.get(CONTACTS, updated_since="2026-03-01T12:00:00.000Z")
    assert [one["id"] for one in found["items"]] == ids
    assert [one["id"] for one in plain.get(CONTACTS, updated_since="2026-03-01T12:00:00.001Z")["items"]] == ids[3:]


def test_after_an_id_nothing_moves(plain: Side) -> None:
    made = [add(plain, number) for number in range(5)]
    assert [one["id"] for one in plain.get(CONTACTS, after_id=0, per_page=2)["items"]] == made[:2]
    plain.ask("DELETE", f"{CONTACTS}/{made[0]}")
    rest = plain.get(CONTACTS, after_id=made[1], per_page=2)
    assert ([one["id"] for one in rest["items"]], rest["next_page"]) == (made[2:4], 2)


def test_comments_belong_to_a_ticket(plain: Side) -> None:
    one, two = (plain.post("/api/tickets", {"subject": subject})["id"] for subject in ("A", "B"))
    made = plain.post(f"/api/tickets/{one}/comments", {"text": "hello"})
    assert made["ticket_id"] == one
    assert [comment["id"] for comment in plain.get(f"/api/tickets/{one}/comments")["items"]] == [made["id"]]
    assert plain.get(f"/api/tickets/{two}/comments")["items"] == []


def test_traps_are_switched_over_http(plain: Side) -> None:
    assert plain.post("/_double/traps", {"on": ["capped"]})["on"] == ["capped"]
    for number in range(7):
        add(plain, number)
    assert len(plain.get(CONTACTS, per_page=50)["items"]) == 5
    assert plain.post("/_double/traps", {"on": []})["on"] == []
    assert len(plain.get(CONTACTS, per_page=50)["items"]) == 7
    told = plain.ask("POST", "/_double/traps", json={"on": ["nonsense"]})
    assert (told.status_code, set(plain.get("/_double/traps")["traps"])) == (400, set(TRAPS))


def test_null_until_updated_and_left_out_of_the_filter() -> None:
    with trapped("null_until_updated") as side:
        id = add(side)
        assert side.get(f"{CONTACTS}/{id}")["updated_at"] is None
        assert side.get(CONTACTS, updated_since="2000-01-01T00:00:00Z")["items"] == []
        assert len(side.get(CONTACTS, created_since="2000-01-01T00:00:00Z")["items"]) == 1
        side.ask("PATCH", f"{CONTACTS}/{id}", json={"phone": "1"})
        assert len(side.get(CONTACTS, updated_since="2000-01-01T00:00:00Z")["items"]) == 1


def test_if_match_is_ignored() -> None:
    with trapped("if_match_ignored") as side:
        path = f"{CONTACTS}/{add(side)}"
        assert side.ask("PATCH", path, json={"phone": "1"}, headers={"If-Match": '"0"'}).status_code == 200


def test_put_is_partial_and_patch_refused() -> None:
    with trapped("no_patch") as side:
        path = f"{CONTACTS}/{add(side)}"
        assert side.ask("PATCH", path, json={"phone": "1"}).status_code == 405
        assert side.ask("PUT", path, json={"phone": "1"}).json()["name"] == "P1"


@pytest.mark.parametrize(("trap", "status"), [("gone_403", 403), ("gone_200", 200)])
def test_what_is_gone_is_answered_otherwise(trap: str, status: int) -> None:
    with trapped(trap) as side:
        id = add(side)
        side.ask("DELETE", f"{CONTACTS}/{id}")
        answer = side.ask("GET", f"{CONTACTS}/{id}")
        assert answer.status_code == status
        assert status != 200 or answer.json()["deleted"] is True
        assert side.get(CONTACTS)["items"] == []
        assert side.ask("GET", f"{CONTACTS}/none").status_code == 404


def test_a_write_answers_only_the_id_and_the_id_stands_in_the_body() -> None:
    with trapped("only_id", "id_in_body") as side:
        made = side.post(CONTACTS, {"name": "Ann"})
        assert set(made) == {"id"}
        assert side.ask("PATCH", f"{CONTACTS}/{made['id']}", json={"phone": "1"}).status_code == 405
        assert side.ask("PATCH", CONTACTS, json={"id": made["id"], "phone": "1"}).json() == made
        assert side.get(f"{CONTACTS}/{made['id']}")["phone"] == "1"


def test_closed_ones_are_left_out_unless_asked() -> None:
    with trapped("closed_hidden") as side:
        add(side, status="closed")
        assert side.get(CONTACTS)["items"] == []
        assert len(side.get(CONTACTS, status="all")["items"]) == 1


def test_a_wrong_key_sees_nothing_and_is_told_nothing() -> None:
    with trapped("anonymous_200") as side:
        add(side)
        side.session.headers["Authorization"] = "Bearer wrong"
        empty = side.ask("GET", CONTACTS)
        assert (empty.status_code, empty.json()["items"]) == (200, [])
        assert side.get("/api/me")["id"] is None
        assert side.ask("POST", CONTACTS, json={"name": "x"}).status_code == 401


def test_times_have_a_blank_and_seconds() -> None:
    with trapped("space_times") as side:
        shown = side.get(f"{CONTACTS}/{add(side)}")
        moment = datetime.strptime(shown["updated_at"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        assert abs((datetime.now(UTC) - moment).total_seconds()) < 60
        assert len(side.get(CONTACTS, updated_since=shown["updated_at"])["items"]) == 1


def test_the_next_page_stands_in_a_header() -> None:
    with trapped("next_in_header") as side:
        for number in range(3):
            add(side, number)
        first = side.ask("GET", CONTACTS, params={"per_page": 2})
        assert (len(first.json()), first.headers["X-Next-Page"]) == (2, "2")
        assert "X-Next-Page" not in side.ask("GET", CONTACTS, params={"per_page": 2, "page": 2}).headers


def test_pages_that_loop_or_never_end() -> None:
    with trapped("page_loop") as side:
        for number in range(5):
            add(side, number)
        assert [side.get(CONTACTS, per_page=2, page=page)["next_page"] for page in (1, 2)] == [2, 2]
    with trapped("endless_pages") as side:
        far = side.get(CONTACTS, page=900)
        assert (far["items"], far["next_page"]) == ([], 901)


def test_a_field_is_gone() -> None:
    with trapped("field_gone") as side:
        assert "phone" not in side.get(f"{CONTACTS}/{add(side)}")


def test_bare_webhooks_have_several_rows_and_nothing_to_hold_on_to() -> None:
    with trapped("bare_hooks") as side:
        ids = [add(side, number) for number in range(3)]
        side.controls.edit("contacts", ids[0], {"phone": "1"})
        side.controls.erase("contacts", ids[1])
        deliveries = side.controls.deliveries()
        created, updated, removed = (json.loads(delivery.body) for delivery in deliveries)
        assert [row["id"] for row in created["rows"]] == ids
        assert updated == {"contacts_changed": [{"id": ids[0]}]}
        assert removed == {"removed": {"contacts": [ids[1]]}}
        assert {name for delivery in deliveries for name in delivery.headers} == {"Content-Type"}
        assert len(deliveries[0].about) == 3


def test_the_standard_signature() -> None:
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = standard(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", body, at)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_webhooks_are_signed_with_the_secret_that_is_told(plain: Side) -> None:
    add(plain)
    (delivery,) = plain.controls.deliveries()
    key = base64.b64decode(plain.secrets["webhook"].removeprefix("whsec_"))
    headers = delivery.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + delivery.body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{wanted}"
    assert json.loads(delivery.body)["type"] == "contact.created"


def test_keys_rotate(plain: Side) -> None:
    secrets = plain.secrets
    form = {name: secrets[name] for name in ("client_id", "client_secret", "refresh_token")}
    told = plain.ask("POST", "/oauth/token", data={**form, "grant_type": "refresh_token"}).json()
    assert told["refresh_token"] != secrets["refresh_token"]
    plain.controls.expire()
    assert plain.ask("GET", CONTACTS).status_code == 401
    plain.session.headers.update({"Authorization": "", "X-Api-Key": plain.secrets["token"]})
    assert plain.ask("GET", CONTACTS).ok
