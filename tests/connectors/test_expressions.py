"""JSONata: what manifests use it for, and what it must never do: hang, fill the memory, change an id, differ tomorrow."""

# ruff: noqa: E501  (tables are read by the line)
from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from syncapp.connectors import webhook
from syncapp.connectors.errors import Malformed, ManifestError, MappingError, Rejected, Unknown
from syncapp.connectors.expressions import Expression, ExpressionError
from syncapp.connectors.mapped import MISSING, Unmappable
from syncapp.connectors.mapping import Mapping
from syncapp.connectors.paths import ABSENT
from syncapp.scope import EVERYTHING, scope_of
from syncapp.translate import Translator, basis_of
from tests.connectors.server import Provider, Reply
from tests.connectors.shapes import LIST, client, manifest

NAME = {
    "jsonata": 'first & " " & last',
    "inverse": '{"first": $substringBefore($, " "), "last": $substringAfter($, " ")}',
}
BIG = 12345678901234567890

KINDS: list[tuple[str, Any, Any]] = [
    ("a.b", {"a": {"b": 1}}, 1), ("a.b", {"a": {}}, ABSENT), ("a", {"a": None}, None), ('a & "-" & b', {"a": "x", "b": "y"}, "x-y"),
    ("emails[primary].value", {"emails": [{"value": "a"}, {"value": "b", "primary": True}]}, "b"),
    ("tags.name[]", {"tags": [{"name": "one"}]}, ["one"]), ('kind = "vip" ? "gold" : "basic"', {"kind": "vip"}, "gold"),
    ("$lowercase($trim(mail))", {"mail": " A@X.ORG "}, "a@x.org"), ("amount / 100", {"amount": 1250}, 12.5), ('$join(l, ";")', {"l": ["a", "b"]}, "a;b"),
    ('$split(l, ";")', {"l": "a;b"}, ["a", "b"]), ("$fromMillis(t)", {"t": 1600000000000}, "2020-09-13T12:26:40.000Z"),
    ("$exists(x)", {}, False), ('$replace(p, /[^0-9]/, "")', {"p": "+49 (30) 1"}, "49301"), ("$", 7, 7),
]  # fmt: skip


@pytest.mark.parametrize(("text", "body", "wanted"), KINDS)
def test_kinds_of_expression(text: str, body: Any, wanted: Any) -> None:
    found = Expression(text).check()(body)
    assert found == wanted and type(found) is type(wanted)


HOSTILE: list[tuple[str, Any, str]] = [
    ("($f := function($n){ $f($n + 1) }; $f(1))", None, "longer than 100 ms"),
    ("($f := function($n){ 1 + $f($n + 1) }; $f(1))", None, "nested deeper than 100"),
    ("[1..10000000]", None, "more than 10,000 entries"),
    ("$reduce([1..60], function($a, $i){ $append($a, $a) }, [1, 2])", None, "more than 10,000 entries"),
    ("($f := function($s){ $f($s & $s) }; $f('xxxxxxxxxx'))", None, "longer than 100 ms"),
    ("$join([1..10000].$$)", "y" * 1000, "larger than 1,000,000"),
    ("$", "y" * 1_000_001, "more than 1,000,000 bytes"),
]


@pytest.mark.parametrize(("text", "value", "words"), HOSTILE)
@pytest.mark.timeout(20)
def test_hostile_expressions_end_soon_with_a_sentence(text: str, value: Any, words: str) -> None:
    started = time.monotonic()
    with pytest.raises(ExpressionError, match=words):
        Expression(text, "acme.yaml at x").check()(value)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("text", [r"$contains($, /^(a+)+$/)", r"$contains($, /(x+x+)+y/)"])
@pytest.mark.timeout(20)
def test_a_regex_cannot_explode(text: str) -> None:
    assert Expression(text).check()("a" * 5000 + "!" + "x" * 5000) is False


REFUSED = [
    "$now()",
    "$millis()",
    "$random()",
    "$shuffle(a)",
    '$eval("1")',
    '$pad("x", 1000000000)',
    "((",
    "a = 12345678901234567",
    "a" * 4001,
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_may_not_be_said_is_refused_before_it_runs(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        Expression(text, "acme.yaml at x.jsonata").check()
    assert "acme.yaml at x.jsonata" in str(caught.value) and caught.value.accepted


@pytest.mark.parametrize("big", [2**53, -(2**53) - 1, BIG, 2**70])
def test_an_id_is_never_another_one(big: int) -> None:
    assert Expression("id").check()({"id": big, "l": [1, 2.5]}) == str(big)
    assert Expression('"id-" & l[0]').check()({"l": [big]}) == f"id-{big}"
    with pytest.raises(ExpressionError, match="rounded"):
        Expression("$number(id)").check()({"id": big})
    assert Expression("id").check()({"id": 2**53 - 1}) == 2**53 - 1


@pytest.mark.filterwarnings("error")
def test_threads_share_an_expression() -> None:
    shared, found = Expression("a + 1").check(), []
    threads = [threading.Thread(target=lambda n=n: found.append(shared({"a": n}))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(found) == list(range(1, 9)) and shared({"a": 1}) == 2


def test_a_field_both_ways_over_the_whole_body() -> None:
    mapping = Mapping.parse({"name": NAME, "mail": "email"})
    assert mapping.read({"first": "Ann", "last": "van Dyk", "email": "a"}) == {"name": "Ann van Dyk", "mail": "a"}
    assert mapping.write({"name": "Ann van Dyk", "mail": "a"}) == {"first": "Ann", "last": "van Dyk", "email": "a"}


def test_a_field_both_ways_at_a_path_with_values_on_top() -> None:
    entry = {"path": "p.k", "jsonata": "$uppercase($)", "inverse": "$lowercase($)", "values": {"V": "vip", "N": "new"}}
    mapping = Mapping.parse({"kind": entry})
    assert mapping.read({"p": {"k": "v"}}) == {"kind": "vip"} and mapping.write({"kind": "new"}) == {"p": {"k": "n"}}
    assert mapping.read({}) == {"kind": MISSING} and mapping.write({"kind": None}) == {"p": {"k": None}}


def test_without_an_inverse_it_is_one_way() -> None:
    mapping = Mapping.parse({"name": {"jsonata": "a & b"}})
    assert mapping.read({"a": "x", "b": "y"}) == {"name": "xy"}
    with pytest.raises(MappingError, match="not mapped for writing"):
        mapping.write({"name": "xy"})
    with pytest.raises(MappingError, match="no inverse"):
        Mapping.parse({"name": {"jsonata": "a & b", "direction": "both"}})
    with pytest.raises(MappingError, match="inverse without an expression"):
        Mapping.parse({"name": {"path": "a", "inverse": "$"}})


def test_an_expression_that_fails_costs_its_field_only() -> None:
    found = Mapping.parse({"n": {"jsonata": "a + 1"}, "g": "b"}, "people").read({"a": "x", "b": 1})
    assert isinstance(found["n"], Unmappable) and "people.n.jsonata" in found["n"].reason and found["g"] == 1
    nothing = Mapping.parse({"n": {"path": "a", "jsonata": "$", "inverse": "$.never"}, "g": "b"})
    body, failed = nothing.encode({"n": "x", "g": 2})
    assert body == {"b": 2} and "gives nothing" in failed["n"]


def hook(**events: Any) -> Any:
    types = {"made": {"object": "people", "kind": "created"}, "changed": {"object": "people", "kind": "updated"}}
    told = {"types": types, "record_id": "id", "id": "event", **events}
    return manifest({"webhook": {"signature": {"scheme": "standard"}, "events": told}}).webhook


def told(spec: Any, body: Any) -> list[webhook.Event]:
    return webhook.events(spec, json.dumps(body).encode())


def test_a_slack_shaped_event() -> None:
    spec = hook(
        id="event_id", type={"jsonata": 'event.type = "user_change" ? "changed" : "made"'}, record_id="event.user.id",
        origin={"jsonata": '$exists(event.bot_id) ? "app" : "user"'}, time="event_time", time_format="unix",
    )  # fmt: skip
    body = {"event_id": "Ev1", "event_time": 1600000000, "event": {"type": "user_change", "user": {"id": "U1"}}}
    assert [(e.id, e.record_id, e.kind, e.origin) for e in told(spec, body)] == [("Ev1", "U1", "updated", "user")]
    body["event"]["bot_id"] = "B1"  # type: ignore[index]
    assert told(spec, body)[0].origin == "app"


def test_a_stripe_shaped_event_and_the_first_that_tells() -> None:
    spec = hook(
        id="id", record_id="data.object.id", record="data.object", type={"jsonata": '$contains(type, ".created") ? "made" : "changed"'},
        origin=["request.app", {"jsonata": 'request.idempotency_key ~> /^hub-/ ? "hub" : "other"'}],
    )  # fmt: skip
    body = {
        "id": "evt_1",
        "type": "customer.created",
        "request": {"idempotency_key": "hub-7"},
        "data": {"object": {"id": "cus_1"}},
    }
    (event,) = told(spec, body)
    assert (event.kind, event.origin, event.record_id, event.fields) == ("created", "hub", "cus_1", {"id": "cus_1"})


def test_a_salesforce_shaped_event_is_split_and_keeps_its_long_id() -> None:
    items = """ChangeEventHeader.recordIds.{
        "event": %.transactionKey & ":" & %.sequenceNumber & ":" & $, "id": $, "at": $string(%.commitNumber),
        "type": %.changeType = "CREATE" ? "made" : "changed", "app": $substringAfter(%.changeOrigin, "client=") }[]"""
    spec = hook(items={"jsonata": items}, origin="app", version="at")
    header = {
        "transactionKey": "t",
        "sequenceNumber": 1,
        "recordIds": ["003A", "003B"],
        "commitNumber": BIG,
        "changeType": "CREATE",
        "changeOrigin": "com/api;client=hub",
    }
    found = told(spec, {"ChangeEventHeader": header})
    assert [(e.id, e.record_id, e.origin, e.version) for e in found] == [
        ("t:1:003A", "003A", "hub", str(BIG)),
        ("t:1:003B", "003B", "hub", str(BIG)),
    ]


def test_a_body_that_an_expression_cannot_read_is_malformed_and_names_the_expression() -> None:
    spec = hook(origin={"jsonata": "a + 1"})
    with pytest.raises(Malformed, match=r"acme\.yaml at webhook\.events\.origin\.jsonata"):
        told(spec, {"type": "made", "id": 1, "a": "x"})


def test_the_clerk_takes_a_feed_whose_field_is_made_of_the_whole_body() -> None:
    spec = manifest({"objects.people.fields.name": {"path": "", **NAME}}).objects["people"]
    feed = Translator("acme", spec, Mapping.parse({"name": "name", "email": "email"}, spec=spec), {})
    refused = feed.in_our_words(Rejected("no", fields={"email": "odd", "first": "long"}))
    assert refused.fields == {"email": "odd"} and feed.provider_field("name") == "name"


def test_a_scope_reads_an_expression_and_never_asks_the_provider_for_it() -> None:
    changes = {
        "objects.people.fields.tier": {"path": "tier", "jsonata": "$uppercase($)", "writable": False},
        f"{LIST}.filters": [{"field": "tier", "op": "is", "query": {"tier": "{value}"}}],
    }
    spec = manifest(changes).objects["people"]
    scope = scope_of([{"field": "tier", "is": "VIP"}], Mapping.parse({"email": "email"}, spec=spec), spec, {})
    assert scope.takes({}, {"tier": "vip"}, partial=False) and not scope.takes({}, {"tier": "new"}, partial=False)
    assert not scope.filters


def test_an_inverse_alone_does_not_change_what_is_read() -> None:
    one, other = (Mapping.parse({"n": {"path": "a", "jsonata": "$", "inverse": back}}) for back in ("$", '$ & ""'))
    third = Mapping.parse({"n": {"path": "a", "jsonata": "$$", "inverse": "$"}})
    assert basis_of(one, {}, EVERYTHING) == basis_of(other, {}, EVERYTHING) != basis_of(third, {}, EVERYTHING)


OK = {f"{LIST}.ok": {"jsonata": "ok = true and $count(errors) = 0"}}


def test_a_success_test_over_http(provider: Provider) -> None:
    provider.on(
        "GET",
        "/people",
        Reply({"ok": True, "data": [{"id": 1}]}),
        Reply({"ok": False, "error": {"message": "no such team"}}),
    )
    asking = client(provider.url, OK)
    assert [item.id for page in asking.pages("people") for item in page.items] == ["1"]
    with pytest.raises(Rejected, match="no such team"):
        list(asking.pages("people"))


def test_a_test_that_cannot_be_told_leaves_a_write_unknown(provider: Provider) -> None:
    provider.on("POST", "/people", Reply({"id": 1, "state": "odd"}))
    changes = {"objects.people.operations.create.ok": {"jsonata": "state"}}
    with pytest.raises(Unknown, match="nobody can tell whether the write landed"):
        client(provider.url, changes).create("people", {}, key="k")


def test_a_field_of_the_file_is_read_and_written_over_http(provider: Provider) -> None:
    asking = client(provider.url, {"objects.people.fields.name": {"path": "", **NAME}})
    mapping = Mapping.parse({"name": "name"}, spec=asking.manifest.objects["people"])
    provider.on("GET", "/people/1", Reply({"id": 1, "first": "Ann", "last": "Lee"}))
    provider.on("PATCH", "/people/1", Reply({"id": 1, "rev": 2}))
    assert mapping.read(asking.read("people", "1").body) == {"name": "Ann Lee"}
    asking.update("people", "1", mapping.write({"name": "Ann Ray"}), version=None, key="k")
    assert provider.asked[-1].body == {"first": "Ann", "last": "Ray"}


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({f"{LIST}.ok": {"jsonata": "ok ="}}, "ok.jsonata", "JSONata"), ({f"{LIST}.ok": {"jsonata": "$now() = at"}}, "ok.jsonata", "another answer each time"),
    ({f"{LIST}.ok": {"jsonata": "ok", "path": "ok"}}, "ok", ""), ({f"{LIST}.ok": {"value": 1}}, "ok", ""),
    ({"objects.people.fields.email.jsonata": "(("}, "fields.email.jsonata", "failed"), ({"objects.people.fields.email.jsonata": 7}, "fields.email.jsonata", "string"),
    ({"objects.people.fields.email.inverse": "$"}, "fields.email", "inverse without an expression"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "place", "words"), WRONG)
def test_wrong_expressions_are_found_when_the_file_is_read(changes: dict[str, Any], place: str, words: str) -> None:
    with pytest.raises(ManifestError) as caught:
        manifest(changes)
    assert place in caught.value.path and words in str(caught.value) and caught.value.line
