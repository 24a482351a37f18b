"""The double of Slack speaks as its documentation says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from slack_sdk.signature import SignatureVerifier

from syncapp.doubles.slack import Slack
from syncapp.doubles.slack_events import signed
from tests.doubles.side import Side, running


@pytest.fixture
def slack() -> Iterator[Side]:
    with running(Slack()) as side:
        yield side


def call(slack: Side, method: str, **given: Any) -> dict[str, Any]:
    return dict(slack.post(f"/api/{method}", given))


def test_pages_may_be_short_and_are_complete(slack: Side) -> None:
    seen, cursor, sizes = [], "", []
    while True:
        page = slack.get("/api/users.list", limit=3, cursor=cursor)
        seen += [one["id"] for one in page["members"]]
        sizes.append(len(page["members"]))
        cursor = page["response_metadata"]["next_cursor"]
        if not cursor:
            break
    assert (seen, sizes[0]) == (slack.controls.ids("users"), 2)
    assert slack.get("/api/users.list", cursor="nonsense") == {"ok": False, "error": "invalid_cursor"}


def test_a_cursor_keeps_its_place_when_its_channel_is_gone(slack: Side) -> None:
    made = [call(slack, "conversations.create", name=f"c{number}")["channel"]["id"] for number in range(5)]
    first = slack.get("/api/conversations.list", limit=2)
    slack.controls.erase("conversations", made[2])
    cursor = first["response_metadata"]["next_cursor"]
    rest = slack.get("/api/conversations.list", limit=10, cursor=cursor)
    assert [one["id"] for one in first["channels"] + rest["channels"]] == made[:2] + made[3:]


def test_who_is_deactivated_is_still_listed(slack: Side) -> None:
    id = slack.controls.ids("users")[0]
    slack.controls.erase("users", id)
    told = {one["id"]: one["deleted"] for one in slack.get("/api/users.list")["members"]}
    assert told[id] is True
    assert sum(told.values()) == 1


def test_a_refusal_is_a_200(slack: Side) -> None:
    answer = slack.ask("GET", "/api/users.info", params={"user": "U0"})
    assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": "user_not_found"})
    bare = requests.get(f"{slack.url}/api/auth.test", timeout=5)
    assert (bare.status_code, bare.json()["error"]) == (200, "not_authed")
    slack.controls.fail("403")
    assert slack.get("/api/auth.test")["error"] == "missing_scope"
    slack.controls.fail("429")
    limited = slack.ask("GET", "/api/auth.test")
    assert (limited.status_code, limited.json()["error"], limited.headers["Retry-After"]) == (429, "ratelimited", "1")


def test_names_follow_entities_are_escaped_and_an_email_waits(slack: Side) -> None:
    id = slack.controls.ids("users")[0]
    given = {"first_name": "Anna", "status_text": "R&D <3 &amp; more", "email": "new@example.org"}
    profile = call(slack, "users.profile.set", user=id, profile=given)["profile"]
    assert (profile["real_name"], profile["email"]) == ("Anna Lee", "ann@example.org")
    assert profile["status_text"] == "R&amp;D &lt;3 &amp; more"
    again = call(slack, "users.profile.set", user=id, profile={"status_text": profile["status_text"]})["profile"]
    assert again["status_text"] == profile["status_text"]
    one = slack.ask("POST", "/api/users.profile.set", data={"user": id, "name": "real_name", "value": "Jo Ann Low"})
    assert (one.json()["profile"]["first_name"], one.json()["profile"]["last_name"]) == ("Jo", "Ann Low")
    custom = {"fields": {"Xf01": {"value": "Barista", "alt": ""}, "Xf02": {"value": "", "alt": ""}}}
    assert set(call(slack, "users.profile.set", user=id, profile=custom)["profile"]["fields"]) == {"Xf01"}
    long = call(slack, "users.profile.set", user=id, profile={"status_text": "x" * 101})
    assert (long["ok"], long["error"]) == (False, "too_long")
    slack.controls.edit("users", id, {"profile": {"email": "new@example.org"}})
    assert slack.get("/api/users.lookupByEmail", email="NEW@example.org")["user"]["id"] == id


def test_channel_names_are_made_to_fit(slack: Side) -> None:
    made = call(slack, "conversations.create", name="Big Deals & More!")["channel"]
    assert made["name"] == "big-deals--more"
    assert call(slack, "conversations.create", name="big deals & more")["error"] == "name_taken"
    told = call(slack, "conversations.setTopic", channel=made["id"], topic="a > b")["channel"]
    assert told["topic"]["value"] == "a &gt; b"
    assert call(slack, "conversations.setTopic", channel=made["id"], topic="x" * 251)["error"] == "too_long"
    assert call(slack, "conversations.archive", channel=made["id"]) == {"ok": True}
    assert call(slack, "conversations.rename", channel=made["id"], name="x")["error"] == "is_archived"
    assert slack.get("/api/conversations.list", exclude_archived="true")["channels"] == []


def test_messages_and_the_incoming_webhook(slack: Side) -> None:
    channel = call(slack, "conversations.create", name="alerts")["channel"]["id"]
    told = call(slack, "chat.postMessage", channel=channel, text="a & b")
    assert (told["message"]["text"], "." in told["ts"]) == ("a &amp; b", True)
    assert call(slack, "chat.postMessage", channel=channel)["error"] == "no_text"
    hook = slack.controls.account()[0]["incoming_webhook"]
    good, bad = (requests.post(hook, json=body, timeout=5) for body in ({"text": "hi"}, {}))
    assert ((good.status_code, good.text), (bad.status_code, bad.text)) == ((200, "ok"), (400, "no_text"))
    gone = requests.post(f"{slack.url}/services/T0/B0/x", json={"text": "hi"}, timeout=5)
    assert (gone.status_code, gone.text) == (404, "no_service")


def test_events_and_their_signature(slack: Side) -> None:
    id = slack.controls.ids("users")[0]
    slack.controls.edit("users", id, {"profile": {"title": "Boss"}})
    (delivery,) = slack.controls.deliveries()
    secret = slack.secrets["webhook"]
    verifier = SignatureVerifier(secret)
    assert verifier.is_valid_request(delivery.body, dict(delivery.headers))
    assert not verifier.is_valid_request(delivery.body + b" ", dict(delivery.headers))
    channel = call(slack, "conversations.create", name="alerts")["channel"]["id"]
    call(slack, "conversations.setTopic", channel=channel, topic="T")
    created, topic = slack.told()
    assert (created["type"], created["event"]["type"]) == ("event_callback", "channel_created")
    assert (topic["event"]["subtype"], topic["event"]["user"]) == ("channel_topic", "U0HUB00001")
    assert topic["event_id"] != created["event_id"]
    asked = slack.controls.handshake()
    assert verifier.is_valid_request(asked.body, dict(asked.headers))
    assert (asked.answer or b"") in asked.body


def test_the_signature_is_the_one_that_the_documentation_prints() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
        b"%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = signed("8f742231b10e8888abcd99yyyzzz85a5", body, datetime.fromtimestamp(1531420618, UTC))
    wanted = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert headers["X-Slack-Signature"] == wanted


def test_tokens_rotate_and_end_after_twelve_hours(slack: Side) -> None:
    secrets, url = slack.secrets, f"{slack.url}/api/oauth.v2.access"
    client = {name: secrets[name] for name in ("client_id", "client_secret")}
    form = {**client, "grant_type": "refresh_token", "refresh_token": secrets["refresh_token"]}
    told = requests.post(url, data=form, timeout=5).json()
    assert (told["ok"], told["expires_in"]) == (True, 43_200)
    assert requests.post(url, data=form, timeout=5).json() == {"ok": False, "error": "invalid_refresh_token"}
    slack.session.headers["Authorization"] = f"Bearer {told['access_token']}"
    assert slack.get("/api/auth.test")["ok"]
    slack.controls.advance(43_201)
    assert slack.get("/api/auth.test")["error"] == "token_expired"
