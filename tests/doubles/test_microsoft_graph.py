"""The double of Microsoft Graph speaks as its documentation says."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from syncapp.doubles.microsoft_graph import MicrosoftGraph
from tests.doubles.side import Side, running

CONTACTS = "/v1.0/me/contacts"
DELTA = "/v1.0/me/contactFolders/contacts/contacts/delta"


@pytest.fixture
def graph() -> Iterator[Side]:
    with running(MicrosoftGraph()) as side:
        yield side


def add(graph: Side, **fields: Any) -> dict[str, Any]:
    return dict(graph.post(CONTACTS, {"givenName": "Ann", "surname": "Lee", **fields}))


def round(graph: Side, start: str, **given: Any) -> tuple[list[dict[str, Any]], str, list[int]]:
    """All items of a round, its delta link, and how many each page had."""
    items, url, sizes = [], start, []
    while True:
        page = graph.ask("GET", url, **given).json()
        items += page["value"]
        sizes.append(len(page["value"]))
        if "@odata.deltaLink" in page:
            return items, page["@odata.deltaLink"], sizes
        url = page["@odata.nextLink"]


def test_pages_follow_a_whole_address(graph: Side) -> None:
    made = [add(graph, givenName=f"P{number}")["id"] for number in range(7)]
    page = graph.get(CONTACTS, **{"$top": 3, "$select": "givenName"})
    seen = page["value"]
    while "@odata.nextLink" in page:
        page = graph.ask("GET", page["@odata.nextLink"]).json()
        seen += page["value"]
    assert [one["id"] for one in seen] == made
    assert set(seen[-1]) == {"@odata.etag", "id", "givenName"}


def test_names_follow_from_others_unless_they_are_sent_again(graph: Side) -> None:
    made = add(graph, emailAddresses=[{"address": "a@example.org"}], homeAddress={"city": "Bonn", "planet": "Earth"})
    assert (made["displayName"], made["fileAs"], made["initials"]) == ("Ann Lee", "Lee, Ann", "A.L.")
    assert made["emailAddresses"] == [{"name": "a@example.org", "address": "a@example.org"}]
    assert (made["homeAddress"], made["otherAddress"], made["businessPhones"]) == ({"city": "Bonn"}, {}, [])
    path = f"{CONTACTS}/{made['id']}"
    named = graph.ask("PATCH", path, json={"displayName": "The boss"}).json()
    assert named["displayName"] == "The boss"
    assert graph.ask("PATCH", path, json={"jobTitle": "CEO"}).json()["displayName"] == "The boss"
    assert graph.ask("PATCH", path, json={"surname": "Low"}).json()["displayName"] == "Ann Low"
    cleared = graph.ask("PATCH", path, json={"jobTitle": None, "emailAddresses": [], "homeAddress": None}).json()
    assert (cleared["jobTitle"], cleared["emailAddresses"], cleared["homeAddress"]) == (None, [], {})
    assert graph.ask("PATCH", path, json={"birthday": "1974-07-22"}).json()["birthday"] == "1974-07-22T11:59:00Z"
    refused = graph.ask("PATCH", path, json={"nonsense": 1})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "RequestBodyRead")


def test_a_change_key_that_is_old_is_refused(graph: Side) -> None:
    made = add(graph)
    path, old = f"{CONTACTS}/{made['id']}", {"If-Match": made["@odata.etag"]}
    assert graph.ask("PATCH", path, json={"jobTitle": "a"}, headers=old).status_code == 200
    late = graph.ask("PATCH", path, json={"jobTitle": "b"}, headers=old)
    assert (late.status_code, late.json()["error"]["code"]) == (412, "ErrorIrresolvableConflict")
    assert graph.ask("DELETE", path, headers=old).status_code == 412
    assert graph.get(path)["jobTitle"] == "a"


def test_a_round_of_changes_is_whole_although_pages_are_empty_and_items_come_twice(graph: Side) -> None:
    made = [add(graph, givenName=f"P{number}")["id"] for number in range(7)]
    items, link, sizes = round(graph, f"{DELTA}?$select=givenName", headers={"Prefer": "odata.maxpagesize=2"})
    assert {one["id"] for one in items} == set(made)
    assert len(items) == 8, "one comes twice"
    assert 0 in sizes
    graph.controls.edit("contacts", made[0], {"givenName": "New"})
    graph.ask("DELETE", f"{CONTACTS}/{made[1]}")
    items, link, _ = round(graph, link)
    told = {one["id"]: one for one in items}
    assert set(told) == set(made[:2])
    assert told[made[0]]["givenName"] == "New"
    assert told[made[1]]["@removed"] == {"reason": "deleted"}
    assert round(graph, link)[0] == []


def test_what_changes_while_a_round_is_read_is_not_lost(graph: Side) -> None:
    made = [add(graph, givenName=f"P{number}")["id"] for number in range(6)]
    page = graph.ask("GET", DELTA, headers={"Prefer": "odata.maxpagesize=2"}).json()
    for id in made[::-1][:3]:
        graph.controls.edit("contacts", id, {"givenName": "Changed"})
    rest, link, _ = round(graph, page["@odata.nextLink"])
    later, _, _ = round(graph, link)
    assert {one["id"] for one in page["value"] + rest + later} == set(made)
    assert {one["givenName"] for one in later} == {"Changed"}


def test_a_forgotten_token_asks_for_all_again(graph: Side) -> None:
    add(graph)
    link = round(graph, DELTA)[1]
    graph.ask("POST", "/_double/forget")
    gone = graph.ask("GET", link)
    assert (gone.status_code, gone.json()["error"]["code"]) == (410, "syncStateNotFound")
    assert len(round(graph, gone.headers["Location"])[0]) == 1


def test_filters(graph: Side) -> None:
    one = add(graph, emailAddresses=[{"address": "A@example.org"}])
    add(graph, givenName="Bo")
    by_mail = graph.get(CONTACTS, **{"$filter": "emailAddresses/any(a:a/address eq 'a@example.org')"})
    assert [found["id"] for found in by_mail["value"]] == [one["id"]]
    since = one["lastModifiedDateTime"]
    assert len(graph.get(CONTACTS, **{"$filter": f"lastModifiedDateTime ge {since}"})["value"]) == 2
    assert graph.ask("GET", CONTACTS, params={"$filter": "nonsense"}).status_code == 400


def test_a_batch_answers_each_in_no_order(graph: Side) -> None:
    steps = [
        {"id": "1", "method": "POST", "url": "/me/contacts", "body": {"givenName": "Ann"}},
        {"id": "2", "method": "POST", "url": "/me/contacts", "body": {"nonsense": 1}},
    ]
    answers = graph.post("/v1.0/$batch", {"requests": steps})["responses"]
    assert {answer["id"]: answer["status"] for answer in answers} == {"1": 201, "2": 400}
    assert [answer["id"] for answer in answers] == ["2", "1"]
    assert graph.ask("POST", "/v1.0/$batch", json={"requests": steps * 11}).status_code == 400


class Listener(BaseHTTPRequestHandler):
    answers = True

    def do_POST(self) -> None:
        token = parse_qs(urlsplit(self.path).query)["validationToken"][0]
        body = token.encode() if self.answers else b"what?"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def listener() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    server.server_close()


def wanted(url: str, expires: str = "2026-01-01T00:00:00.0000000Z") -> dict[str, str]:
    return {
        "changeType": "created,updated",
        "notificationUrl": url,
        "resource": "/me/contacts",
        "expirationDateTime": expires,
        "clientState": "mine",
    }


def soon(minutes: int) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def test_a_subscription_wants_its_handshake_and_ends(graph: Side, listener: str, monkeypatch: Any) -> None:
    assert graph.ask("POST", "/v1.0/subscriptions", json=wanted(listener, soon(4300))).status_code == 400
    made = graph.post("/v1.0/subscriptions", wanted(listener, soon(60)))
    id = add(graph)["id"]
    (delivery,) = graph.controls.deliveries()
    graph.ask("DELETE", f"{CONTACTS}/{id}")
    assert graph.controls.deliveries() == [], "deletions were not asked for"
    assert delivery.url == listener
    renewed = graph.ask("PATCH", f"/v1.0/subscriptions/{made['id']}", json={"expirationDateTime": soon(120)}).json()
    assert renewed["expirationDateTime"] > made["expirationDateTime"]
    graph.controls.advance(7300)
    assert graph.ask("GET", f"/v1.0/subscriptions/{made['id']}").status_code == 404
    add(graph)
    assert graph.controls.deliveries() == [], "it has ended"
    monkeypatch.setattr(Listener, "answers", False)
    refused = graph.ask("POST", "/v1.0/subscriptions", json=wanted(listener, soon(200)))
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "ValidationError")


def test_notifications_name_the_record_and_the_state_that_was_given(graph: Side) -> None:
    made = add(graph)
    (told,) = graph.told()
    (item,) = told["value"]
    assert (item["changeType"], item["resourceData"]["id"], item["clientState"]) == (
        "created",
        made["id"],
        graph.secrets["webhook"],
    )
    assert item["resourceData"]["@odata.etag"] == made["@odata.etag"]
    asked = graph.controls.handshake()
    assert parse_qs(urlsplit(asked.url).query)["validationToken"] == [(asked.answer or b"").decode()]


def test_codes_with_pkce_refreshes_and_client_credentials(graph: Side) -> None:
    secrets, back = graph.secrets, "http://hub.example/callback"
    verifier = "v" * 50
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"client_id": secrets["client_id"], "redirect_uri": back, "state": "s", "code_challenge": challenge}
    location = graph.ask("GET", "/common/oauth2/v2.0/authorize", params=asked).headers["Location"]
    code = parse_qs(urlsplit(location).query)["code"][0]
    client = {name: secrets[name] for name in ("client_id", "client_secret")}
    url = f"{graph.url}/common/oauth2/v2.0/token"
    form = {**client, "grant_type": "authorization_code", "code": code, "redirect_uri": back}
    told = requests.post(url, data={**form, "code_verifier": verifier}, timeout=5).json()
    form = {**client, "grant_type": "refresh_token", "refresh_token": told["refresh_token"]}
    renewed = requests.post(url, data=form, timeout=5).json()
    assert renewed["refresh_token"] != told["refresh_token"]
    assert requests.post(url, data={**client, "grant_type": "client_credentials"}, timeout=5).json()["access_token"]
    bad = requests.post(url, data={**form, "refresh_token": "old"}, timeout=5)
    assert (bad.status_code, bad.json()["error"]) == (400, "invalid_grant")
    bad = requests.post(url, data={**form, "client_secret": "old"}, timeout=5)
    assert (bad.status_code, bad.json()["error"]) == (401, "invalid_client")


def test_trouble_is_in_its_words(graph: Side) -> None:
    graph.controls.fail("429")
    limited = graph.ask("GET", CONTACTS)
    assert (limited.json()["error"]["code"], limited.headers["Retry-After"]) == ("ApplicationThrottled", "1")
    graph.controls.expire()
    refused = graph.ask("GET", CONTACTS)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
    assert graph.ask("GET", f"{CONTACTS}/none").status_code == 401
