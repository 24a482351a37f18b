"""Reading and writing one account over real HTTP: what is sent, what is made of the answers."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from syncapp.connectors.errors import (
    ConnectorError,
    Gone,
    Limited,
    Malformed,
    Misconfigured,
    Rejected,
    Stale,
    TooLarge,
    Unauthorised,
    Unavailable,
    Unknown,
)
from syncapp.connectors.transport import Timeouts
from tests.connectors.server import Provider, Reply
from tests.connectors.shapes import LIST, client

ANN = {"id": 7, "rev": 3, "at": "2026-11-20T10:00:00Z", "by": "kim", "email": "ann@x.org"}
UPDATE = "objects.people.operations.update"


def test_read_gives_the_item(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply(ANN))
    item = client(provider.url, clock=lambda: 12.5).read("people", "7")
    assert (item.id, item.version, item.actor, item.deleted, item.asked_at) == ("7", "3", "kim", False, 12.5)
    assert item.updated_at is not None and item.updated_at.isoformat() == "2026-11-20T10:00:00+00:00"
    assert item.body == ANN
    assert provider.asked[0].headers["authorization"] == "Bearer tok-secret"


def test_raw_is_the_same_for_another_key_order(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply(ANN), Reply(dict(reversed(ANN.items()))))
    asking = client(provider.url)
    assert asking.read("people", "7").raw == asking.read("people", "7").raw


def test_the_version_may_come_from_an_etag(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply({"id": 7}, headers={"ETag": 'W/"abc"'}))
    assert client(provider.url).read("people", "7").version == "abc"


def test_an_id_cannot_leave_its_place_in_the_address(provider: Provider) -> None:
    provider.on("GET", "/people/a%2F..%2Fb", Reply({**ANN, "id": "a/../b"}))
    client(provider.url).read("people", "a/../b")
    assert provider.asked[0].path == "/people/a%2F..%2Fb"
    with pytest.raises(Misconfigured):
        client(provider.url).read("people", "..")


@pytest.mark.parametrize("status", [404, 410])
def test_gone(provider: Provider, status: int) -> None:
    provider.on("GET", "/people/7", Reply({"error": {"message": "no"}}, status))
    with pytest.raises(Gone):
        client(provider.url).read("people", "7")


def test_a_tombstone_is_gone_and_is_shown(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply({**ANN, "gone": True}))
    with pytest.raises(Gone) as caught:
        client(provider.url).read("people", "7")
    assert caught.value.item is not None and caught.value.item.deleted


REFUSALS: list[tuple[Reply, type[ConnectorError], str]] = [
    (Reply({"error": {"message": "bad key tok-secret"}}, 401), Unauthorised, "bad key •••"),
    (Reply({}, 403), Unauthorised, "may not do this"),
    (Reply({}, 500), Unavailable, "500"),
    (Reply({}, 502), Unavailable, "502"),
    (Reply(raw=b"<html>", status=503), Unavailable, "503"),
    (Reply({}, 408), Unavailable, "408"),
    (Reply({"error": {"message": "no such filter"}}, 400), Rejected, "no such filter"),
    (Reply(raw=b"<html>hello</html>", headers={"Content-Type": "text/html"}), Malformed, "text/html"),
    (Reply(raw=b"\xff\xfe"), Malformed, "not JSON"),
    (Reply({}, 304), Malformed, "304"),
]


@pytest.mark.parametrize(("reply", "error", "words"), REFUSALS)
def test_what_a_read_makes_of_an_answer(
    provider: Provider, reply: Reply, error: type[ConnectorError], words: str
) -> None:
    provider.on("GET", "/people", reply)
    with pytest.raises(error, match=words) as caught:
        list(client(provider.url).pages("people"))
    assert type(caught.value) is error
    assert "tok-secret" not in str(caught.value)
    assert provider.url in str(caught.value)


@pytest.mark.parametrize(("status", "error"), [(500, Unknown), (502, Unknown), (504, Unknown), (503, Unavailable)])
def test_a_failing_write_is_unknown_unless_the_provider_said_it_did_nothing(
    provider: Provider, status: int, error: type[ConnectorError]
) -> None:
    provider.on("PATCH", "/people/7", Reply({}, status))
    with pytest.raises(error):
        client(provider.url).update("people", "7", {"email": "b"}, version=None, key="k")


def test_named_fields_of_a_refusal(provider: Provider) -> None:
    provider.on("PATCH", "/people/7", Reply({"error": {"message": "no e-mail", "param": "email"}}, 422))
    with pytest.raises(Rejected) as caught:
        client(provider.url).update("people", "7", {"email": "b"}, version=None, key="k")
    assert (caught.value.fields, caught.value.message) == ({"email": "no e-mail"}, "no e-mail")


def test_listed_fields_of_a_refusal(provider: Provider) -> None:
    provider.on("PATCH", "/people/7", Reply({"errors": [{"f": "email", "m": "bad"}, {"f": "zip", "m": "short"}]}, 400))
    changes = {"errors": {"items": "errors", "item_field": "f", "item_message": "m"}}
    with pytest.raises(Rejected) as caught:
        client(provider.url, changes).update("people", "7", {}, version=None, key="k")
    assert caught.value.fields == {"email": "bad", "zip": "short"}


def test_a_refusal_inside_a_200(provider: Provider) -> None:
    provider.on("GET", "/people", Reply({"ok": False, "error": {"code": "slow_down", "message": "later"}}))
    changes = {f"{LIST}.ok": {"path": "ok", "value": True}, "errors.limited_codes": ["slow_down"], "limits.wait": 7}
    with pytest.raises(Limited) as caught:
        list(client(provider.url, changes).pages("people"))
    assert caught.value.retry_after == 7


@pytest.mark.parametrize(
    ("headers", "limits", "wait"),
    [
        ({"Retry-After": "12"}, {}, 12),
        ({"Retry-After": "Fri, 20 Nov 2026 10:00:30 GMT", "Date": "Fri, 20 Nov 2026 10:00:00 GMT"}, {}, 30),
        ({"X-Reset": "9"}, {"reset": "X-Reset"}, 9),
        ({"X-Reset": "1500"}, {"reset": "X-Reset", "reset_format": "ms"}, 1.5),
        (
            {"X-Reset": "1795168820", "Date": "Fri, 20 Nov 2026 10:00:00 GMT"},
            {"reset": "X-Reset", "reset_format": "unix"},
            20,
        ),
        ({"Retry-After": "soon"}, {"wait": 3}, 3),
        ({"Retry-After": "-5"}, {}, 0),
        ({}, {"wait": 4}, 4),
    ],
)
def test_limited_tells_how_long(
    provider: Provider, headers: dict[str, str], limits: dict[str, Any], wait: float
) -> None:
    provider.on("GET", "/people", Reply({}, 429, headers))
    with pytest.raises(Limited) as caught:
        list(client(provider.url, {"limits": limits}).pages("people"))
    assert caught.value.retry_after == wait


def test_after_a_refusal_nobody_asks_until_the_time_is_over(provider: Provider) -> None:
    provider.on("GET", "/people", Reply({}, 429, {"Retry-After": "60"}))
    asking = client(provider.url)
    for _ in range(3):
        with pytest.raises(Limited):
            list(asking.pages("people"))
    assert len(provider.asked) == 1


def test_an_exhausted_window_is_waited_for(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply(ANN, headers={"X-Left": "0", "X-Reset": "0.2"}), Reply(ANN))
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        provider.released.wait(seconds)

    asking = client(provider.url, {"limits": {"remaining": "X-Left", "reset": "X-Reset"}}, sleep=sleep)
    asking.read("people", "7")
    asking.read("people", "7")
    assert sum(slept) > 0.1


def test_no_server_there_is_unavailable_also_for_a_write() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unavailable, match="no connection"):
            client(url).update("people", "7", {}, version=None, key="k")


def test_a_name_that_does_not_exist_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="could not be resolved"):
        client("http://nowhere.invalid").create("people", {}, key="k")


@pytest.mark.parametrize(
    "reply", [Reply(drop=True), Reply(ANN, wait=2), Reply(raw=b"{", headers={"Content-Length": "99"})]
)
def test_a_lost_answer_is_unknown_for_a_write_and_unavailable_for_a_read(provider: Provider, reply: Reply) -> None:
    provider.on("PATCH", "/people/7", reply)
    provider.on("GET", "/people/7", reply)
    asking = client(provider.url)
    with pytest.raises(Unknown, match="may have landed"):
        asking.update("people", "7", {"email": "b"}, version=None, key="k")
    with pytest.raises(Unavailable):
        asking.read("people", "7")
    assert [asked.method for asked in provider.asked] == ["PATCH", "GET"]


def test_a_drip_of_bytes_does_not_hold_us_for_ever(provider: Provider) -> None:
    provider.on("GET", "/people", Reply(raw=b"[" + b" " * 400_000 + b"]"))
    with pytest.raises(Unavailable, match="whole answer within"):
        list(client(provider.url, timeouts=Timeouts(1, 1, -1)).pages("people"))


def test_size_cap(provider: Provider) -> None:
    provider.on("GET", "/people", Reply({"data": ["x" * 5000]}))
    with pytest.raises(TooLarge, match="larger than 4,000 bytes"):
        list(client(provider.url, max_bytes=4000).pages("people"))


def test_size_cap_counts_what_comes_out_of_a_compressed_answer(provider: Provider) -> None:
    import gzip

    provider.on("GET", "/people", Reply(raw=gzip.compress(b" " * 9_000_000), headers={"Content-Encoding": "gzip"}))
    with pytest.raises(TooLarge):
        list(client(provider.url, max_bytes=1_000_000).pages("people"))


def test_update_sends_only_what_changed_with_condition_and_key(provider: Provider) -> None:
    provider.on("PATCH", "/people/7", Reply({**ANN, "rev": 4, "email": "b@x.org"}))
    written = client(provider.url).update("people", "7", {"email": "b@x.org"}, version="3", key="key-1")
    (asked,) = provider.asked
    assert asked.body == {"email": "b@x.org"}
    assert (asked.headers["if-match"], asked.headers["idempotency-key"]) == ('"3"', "key-1")
    assert (written.id, written.version) == ("7", "4")
    assert written.item is not None and written.item.body["email"] == "b@x.org"


def test_update_without_version_is_unconditional(provider: Provider) -> None:
    provider.on("PATCH", "/people/7", Reply(ANN))
    client(provider.url).update("people", "7", {}, version=None, key="k")
    assert "if-match" not in provider.asked[0].headers


def test_stale_carries_the_current_record(provider: Provider) -> None:
    provider.on("PATCH", "/people/7", Reply({"current": {**ANN, "rev": 9}}, 412))
    with pytest.raises(Stale) as caught:
        client(provider.url).update("people", "7", {}, version="3", key="k")
    assert caught.value.current is not None and caught.value.current.version == "9"


def test_a_version_in_the_body_and_a_conflict_known_by_its_code(provider: Provider) -> None:
    changes = {
        f"{UPDATE}.conditional": {"body": "meta.rev", "status": [409], "code_path": "error.code", "codes": ["moved"]}
    }
    provider.on(
        "PATCH", "/people/7", Reply({"error": {"code": "moved"}}, 409), Reply({"error": {"code": "taken"}}, 409)
    )
    asking = client(provider.url, changes)
    with pytest.raises(Stale):
        asking.update("people", "7", {"email": "b"}, version="3", key="k")
    with pytest.raises(Rejected):
        asking.update("people", "7", {"email": "b"}, version="3", key="k")
    assert provider.asked[0].body == {"email": "b", "meta": {"rev": 3}}


@pytest.mark.parametrize("reply", [Reply(raw=b""), Reply(raw=b"<ok/>"), Reply({"done": True})])
def test_a_write_that_succeeded_is_never_an_error_because_of_its_body(provider: Provider, reply: Reply) -> None:
    provider.on("PATCH", "/people/7", reply)
    written = client(provider.url).update("people", "7", {}, version=None, key="k")
    assert (written.id, written.version, written.item) == ("7", None, None)


def test_create_wraps_the_body_and_sends_key_and_external_id(provider: Provider) -> None:
    provider.on("POST", "/people", Reply(ANN, 201))
    changes = {"objects.people.external_id": "meta.ours", "objects.people.operations.create.body": {"person": "{body}"}}
    written = client(provider.url, changes).create("people", {"email": "a"}, key="key-1", external_id="hub-1")
    assert (written.id, written.existed) == ("7", False)
    assert provider.asked[0].body == {"person": {"email": "a", "meta": {"ours": "hub-1"}}}
    assert provider.asked[0].headers["idempotency-key"] == "key-1"


def test_a_create_without_an_id_in_its_answer_is_unknown(provider: Provider) -> None:
    provider.on("POST", "/people", Reply({"ok": 1}, 201))
    with pytest.raises(Unknown, match="does not say its id"):
        client(provider.url).create("people", {}, key="k")


def test_a_create_under_our_own_id_is_idempotent(provider: Provider) -> None:
    create = {
        "method": "PUT",
        "path": "/people/{own_id}",
        "item": "",
        "exists": [412],
        "headers": {"If-None-Match": "*"},
    }
    asking = client(provider.url, {"objects.people.operations.create": create})
    with pytest.raises(Rejected):
        asking.create("people", {}, key="k")
    path = provider.asked[0].path
    provider.on("PUT", path, Reply({**ANN, "id": path[8:]}, 201), Reply({}, 412))
    first = asking.create("people", {"email": "a"}, key="k")
    again = asking.create("people", {"email": "a"}, key="k")
    assert (first.id, first.existed) == (again.id, False) == (path[8:], again.item is not None)
    assert again.existed


def test_delete(provider: Provider) -> None:
    provider.on("DELETE", "/people/7", Reply(raw=b"", status=204), Reply({}, 404))
    asking = client(provider.url)
    asking.delete("people", "7", key="k")
    with pytest.raises(Gone):
        asking.delete("people", "7", key="k")


def test_read_many_in_batches_and_missing_ones_are_absent(provider: Provider) -> None:
    operation = {"method": "POST", "path": "/batch", "body": {"ids": "{ids}"}, "max_ids": 2, "items": "data"}
    provider.on("POST", "/batch", lambda asked: Reply({"data": [{"id": id} for id in asked.body["ids"] if id != "3"]}))
    found = client(provider.url, {"objects.people.operations.read_many": operation}).read_many("people", "12345")
    assert sorted(found) == ["1", "2", "4", "5"]
    assert [asked.body["ids"] for asked in provider.asked] == [["1", "2"], ["3", "4"], ["5"]]


def test_a_lost_answer_to_a_batch_read_is_no_write(provider: Provider) -> None:
    operation = {"method": "POST", "path": "/batch", "body": {"ids": "{ids}"}, "max_ids": 2, "items": "data"}
    provider.on("POST", "/batch", Reply(drop=True))
    with pytest.raises(Unavailable):
        client(provider.url, {"objects.people.operations.read_many": operation}).read_many("people", ["1"])


def test_read_many_one_by_one_where_there_is_no_batch(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply(ANN))
    provider.on("GET", "/people/8", Reply({"id": 8, "gone": True}))
    found = client(provider.url).read_many("people", ["7", "8", "9", "7"])
    assert {id: item.deleted for id, item in found.items()} == {"7": False, "8": True}
    assert len(provider.asked) == 3


def test_find(provider: Provider) -> None:
    find = {
        "method": "GET",
        "path": "/find",
        "query": {"{param}": "{value|json}"},
        "by": {"email": "mail"},
        "items": "data",
    }
    provider.on("GET", "/find", Reply({"data": [ANN, {"id": 8, "gone": True}]}))
    asking = client(provider.url, {"objects.people.operations.find": find})
    assert [item.id for item in asking.find("people", "email", "ann@x.org")] == ["7"]
    assert provider.asked[0].query == {"mail": '"ann@x.org"'}
    with pytest.raises(Misconfigured, match="email"):
        asking.find("people", "phone", "1")


def test_what_is_not_there_is_named(provider: Provider) -> None:
    with pytest.raises(Misconfigured, match=r"no object 'pets'.*people"):
        client(provider.url).read("pets", "1")
    with pytest.raises(Misconfigured, match=r"no operation 'find'.*create, delete, list, read, update"):
        client(provider.url).find("people", "email", "x")


@pytest.mark.parametrize(
    ("config", "secrets", "words"),
    [
        ({}, {"token": "t"}, "'server' .Server. is missing"),
        ({"server": "http://x", "sever": "y"}, {"token": "t"}, "unknown config: sever"),
        ({"server": "ftp://x"}, {"token": "t"}, "http:// or https://"),
        ({"server": "http://kim:pw@x"}, {"token": "t"}, "user name or password"),
        ({"server": "http://x"}, {"token": "a\nb"}, "line break"),
    ],
)
def test_wrong_settings(config: dict[str, str], secrets: dict[str, str], words: str) -> None:
    from syncapp.connectors.client import Client
    from tests.connectors.shapes import manifest

    with pytest.raises(Misconfigured, match=words) as caught:
        Client(manifest(), config, secrets)
    assert "a\nb" not in str(caught.value) and "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        (
            {"type": "basic", "user": "kim/token", "password": "{secret.token}"},
            "authorization",
            "Basic a2ltL3Rva2VuOnRvay1zZWNyZXQ=",
        ),
        ({"type": "headers", "headers": {"X-Key": "Zoho {secret.token}"}}, "x-key", "Zoho tok-secret"),
    ],
)
def test_other_ways_to_say_who_we_are(provider: Provider, auth: dict[str, Any], header: str, value: str) -> None:
    provider.on("GET", "/people/7", Reply(ANN))
    client(provider.url, {"auth": auth}).read("people", "7")
    assert provider.asked[0].headers[header] == value


def test_check_shows_who_we_are_and_what_answers(provider: Provider) -> None:
    provider.on("GET", "/me", Reply({"me": {"id": "bot"}}, headers={"X-RateLimit-Remaining": "9"}))
    provider.on("GET", "/people", Reply({"data": []}))
    check = client(provider.url, {"check": {"path": "/me", "actor": "me.id"}}).check()
    assert (check.ok, check.actor, check.objects) == (True, "bot", {"people": "ok"})
    assert check.limits == {"X-RateLimit-Remaining": "9"}


def test_a_check_may_be_a_posted_query(provider: Provider) -> None:
    provider.on("POST", "/graphql", Reply({"data": {"viewer": {"id": "u1"}}}))
    provider.on("GET", "/people", Reply({"data": []}))
    query = {"query": "{ viewer { id } }"}
    spec = {"path": "/graphql", "method": "POST", "body": query, "actor": "data.viewer.id"}
    assert client(provider.url, {"check": spec}).check().actor == "u1"
    assert provider.asked[0].body == query


def test_a_header_that_nothing_was_given_for_is_not_sent(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply({"id": 7}))
    changes = {
        "config": {"server": {"label": "S"}, "region": {"label": "R", "required": False}},
        "base_url": "{config.server}{config.region}", "headers": {"X-Account": "{config.region}", "X-Version": "3"},
    }  # fmt: skip
    client(provider.url, changes).read("people", "7")
    assert "x-account" not in provider.asked[0].headers and provider.asked[0].headers["x-version"] == "3"


def test_check_of_a_wrong_token_and_of_no_server(provider: Provider) -> None:
    provider.on("GET", "/people", Reply({}, 401))
    check = client(provider.url).check()
    assert (check.reachable, check.authenticated, check.ok) == (True, False, False)
    assert "renew the account's secret" in check.problems[0]
    gone = client("http://nowhere.invalid").check()
    assert (gone.reachable, gone.ok) == (False, False)


@pytest.mark.parametrize("email", [2**70, "\ud800"])
def test_what_is_no_json_is_refused_before_it_is_sent(provider: Provider, email: Any) -> None:
    with pytest.raises(Rejected, match="cannot be written as JSON"):
        client(provider.url).update("people", "7", {"email": email}, version=None, key="k")
    assert provider.asked == []


def test_a_key_that_fits_no_header_is_refused_before_it_is_sent(provider: Provider) -> None:
    with pytest.raises(Misconfigured, match="cannot be sent"):
        client(provider.url).update("people", "7", {}, version=None, key="kłącz")
    assert provider.asked == []


def test_a_tired_provider_may_say_when_to_come_again(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply({}, 503, {"Retry-After": "30"}))
    with pytest.raises(Unavailable) as caught:
        client(provider.url).read("people", "7")
    assert caught.value.retry_after == 30
