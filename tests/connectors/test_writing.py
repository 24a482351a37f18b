"""Writes as APIs want them: upserts, replacing updates, updates of several calls, conditions, clearing, batches."""

from __future__ import annotations

from typing import Any

import pytest

from syncapp.connectors.errors import (
    ConnectorError,
    Malformed,
    ManifestError,
    MappingError,
    Rejected,
    Stale,
    Unknown,
)
from syncapp.connectors.many import Change, New
from syncapp.connectors.mapped import Unmappable
from syncapp.connectors.mapping import Mapping
from syncapp.connectors.records import Written
from tests.connectors.server import Asked, Provider, Reply
from tests.connectors.shapes import client, manifest

PEOPLE = "objects.people"
OPS = f"{PEOPLE}.operations"
UPDATE = f"{OPS}.update"
CREATE = f"{OPS}.create"
ANN = {"id": 7, "email": "ann@x.org", "rev": 3}


# Upsert by our own id

UPSERT: dict[str, Any] = {
    f"{PEOPLE}.external_id": "Hub__c",
    f"{OPS}.find": {
        "method": "GET",
        "path": "/people",
        "query": {"{param}": "{value}"},
        "items": "data",
        "by": {"external_id": "hub"},
    },
    f"{OPS}.upsert": {"method": "PATCH", "path": "/people/Hub__c/{external_id}", "body": "{body}", "new_id": "id"},
}


def test_a_create_goes_by_our_own_id_where_that_makes_at_most_one(provider: Provider) -> None:
    provider.on("PATCH", "/people/Hub__c/rec-1", Reply({"id": "003", "created": True}, 201), Reply({"id": "003"}))
    asking = client(provider.url, UPSERT)
    first = asking.create("people", {"email": "a"}, key="k", external_id="rec-1")
    again = asking.create("people", {"email": "a"}, key="k", external_id="rec-1")
    assert (first.id, again.id) == ("003", "003")
    assert [asked.body for asked in provider.asked] == [{"email": "a"}, {"email": "a"}]


def test_an_upsert_that_finds_several_is_refused(provider: Provider) -> None:
    provider.on("PATCH", "/people/Hub__c/rec-1", Reply(["/people/1", "/people/2"], 300))
    with pytest.raises(Rejected, match="several records fit"):
        client(provider.url, UPSERT).create("people", {"email": "a"}, key="k", external_id="rec-1")


def test_an_upsert_in_a_list_of_one(provider: Provider) -> None:
    upsert = {
        "method": "PATCH",
        "path": "/table",
        "body": {
            "performUpsert": {"fieldsToMergeOn": ["Hub"]},
            "records": [{"fields": {"*": "{body}", "Hub": "{external_id}"}}],
        },
        "item": "records[0]",
    }
    provider.on("PATCH", "/table", Reply({"records": [ANN]}))
    made = client(provider.url, {**UPSERT, f"{OPS}.upsert": upsert}).create(
        "people", {"email": "ann@x.org"}, key="k", external_id="r"
    )
    assert made.item is not None
    assert provider.asked[0].body["records"] == [{"fields": {"email": "ann@x.org", "Hub": "r"}}]


# An update that replaces the whole record

WHOLE: dict[str, Any] = {f"{UPDATE}.method": "PUT", f"{UPDATE}.replaces": {"drop": ["at", "meta.seen"]}}
STORED = {**ANN, "at": "2026-11-20T10:00:00Z", "name": "Ann", "meta": {"seen": 1, "tier": "gold"}}


def test_a_replacing_update_sends_the_record_as_it_is_with_the_change(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply(STORED))
    provider.on("PUT", "/people/7", Reply({**STORED, "email": "new", "rev": 4}))
    done = client(provider.url, WHOLE).update(
        "people", "7", {"email": "new", "meta": {"tier": "x"}}, version="3", key="k"
    )
    put = provider.asked[1]
    assert put.body == {"id": 7, "rev": 3, "name": "Ann", "email": "new", "meta": {"tier": "x"}}
    assert put.headers["if-match"] == '"3"'
    assert done.version == "4"


def test_a_replacing_update_is_not_made_of_a_record_that_moved(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply({**STORED, "rev": 9}))
    with pytest.raises(Stale) as caught:
        client(provider.url, WHOLE).update("people", "7", {"email": "new"}, version="3", key="k")
    assert caught.value.current is not None and caught.value.current.version == "9"
    assert [asked.method for asked in provider.asked] == ["GET"]


# A list of which a field is one entry

MERGE = {"path": "mails", "jsonata": "$append(sent, $filter(now, function($v, $i) { $i > 0 }))"}
KEEPS: dict[str, Any] = {f"{UPDATE}.keeps": [MERGE]}
MANY = {**ANN, "mails": [{"at": "a"}, {"at": "b"}]}


def test_other_entries_of_a_list_are_kept_under_the_version_that_was_read(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply(MANY))
    provider.on("PATCH", "/people/7", Reply({**MANY, "rev": 4}))
    body = {"mails": [{"at": "new"}]}
    client(provider.url, KEEPS).update("people", "7", body, version=None, key="k")
    patch = provider.asked[1]
    assert patch.body == {"mails": [{"at": "new"}, {"at": "b"}]} and patch.headers["if-match"] == '"3"'
    assert body == {"mails": [{"at": "new"}]}


def test_a_list_that_moved_since_the_hub_looked_is_not_written(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply({**MANY, "rev": 9}))
    with pytest.raises(Stale):
        client(provider.url, KEEPS).update("people", "7", {"mails": [{"at": "new"}]}, version="3", key="k")
    assert [asked.method for asked in provider.asked] == ["GET"]


def test_an_update_without_the_list_needs_no_look(provider: Provider) -> None:
    provider.on("PATCH", "/people/7", Reply({**MANY, "email": "x", "rev": 4}))
    client(provider.url, KEEPS).update("people", "7", {"email": "x"}, version="3", key="k")
    assert [asked.body for asked in provider.asked] == [{"email": "x"}]


# Conditions


def test_a_version_that_has_to_be_told_is_read_where_it_is_not_known(provider: Provider) -> None:
    changes = {f"{UPDATE}.conditional": {"body": "SyncToken", "required": True}}
    provider.on("GET", "/people/7", Reply(ANN))
    provider.on("PATCH", "/people/7", Reply({**ANN, "rev": 4}))
    client(provider.url, changes).update("people", "7", {"email": "b"}, version=None, key="k")
    assert provider.asked[1].body == {"email": "b", "SyncToken": 3}


def test_a_write_may_be_tied_to_the_clock_of_the_last_look(provider: Provider) -> None:
    condition = {"header": "If-Unmodified-Since", "template": "{updated_at|http}", "status": [412]}
    asking = client(provider.url, {f"{UPDATE}.conditional": condition})
    provider.on("GET", "/people/7", Reply({**ANN, "at": "2026-11-20T10:00:30Z"}))
    provider.on("PATCH", "/people/7", Reply(ANN), Reply({}, 412))
    asking.update("people", "7", {"email": "b"}, version=None, key="k")
    asking.read("people", "7")
    with pytest.raises(Stale):
        asking.update("people", "7", {"email": "b"}, version=None, key="k")
    sent = [asked.headers.get("if-unmodified-since") for asked in provider.asked if asked.method == "PATCH"]
    assert sent == [None, "Fri, 20 Nov 2026 10:00:30 GMT"]
    assert not asking.manifest.objects["people"].conditional  # a clock is never a version


# One update of several calls

MOVE = {
    "take": "status",
    "when": "set",
    "call": {"method": "POST", "path": "/people/{id}/moves", "body": {"to": "{value}"}},
}
PHOTO = {"take": "photo", "when": "cleared", "call": {"method": "DELETE", "path": "/people/{id}/photo"}}
PARTS: dict[str, Any] = {f"{UPDATE}.parts": [MOVE, PHOTO]}


def methods(provider: Provider) -> list[tuple[str, Any]]:
    return [(f"{asked.method} {asked.path}", asked.body) for asked in provider.asked]


def test_fields_of_their_own_calls_are_taken_out_of_the_update(provider: Provider) -> None:
    for method, path in (("PATCH", "/people/7"), ("POST", "/people/7/moves"), ("DELETE", "/people/7/photo")):
        provider.on(method, path, Reply(raw=b"", status=204))
    asking = client(provider.url, PARTS)
    done = asking.update("people", "7", {"email": "b", "status": "done", "photo": None}, version=None, key="k")
    assert methods(provider) == [
        ("PATCH /people/7", {"email": "b"}),
        ("POST /people/7/moves", {"to": "done"}),
        ("DELETE /people/7/photo", None),
    ]
    assert (done.item, done.version) == (None, None)  # no single answer shows what is there now


def test_nothing_is_left_for_the_call_itself(provider: Provider) -> None:
    provider.on("POST", "/people/7/moves", Reply(raw=b"", status=204))
    client(provider.url, PARTS).update("people", "7", {"status": "done"}, version="3", key="k")
    assert methods(provider) == [("POST /people/7/moves", {"to": "done"})]


def test_a_part_is_for_what_is_set_or_what_is_cleared(provider: Provider) -> None:
    provider.on("PATCH", "/people/7", Reply(raw=b"", status=204))
    client(provider.url, PARTS).update("people", "7", {"status": None, "photo": "x"}, version=None, key="k")
    assert methods(provider) == [("PATCH /people/7", {"status": None, "photo": "x"})]


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (Reply({"error": {"message": "no such step"}}, 400), Rejected, "no such step"),
        (Reply({}, 429), Unknown, "a part was written, status was not"),
        (Reply({}, 403), Unknown, "a part was written, status was not"),
        (Reply({}, 500), Unknown, "may have landed"),
    ],
)
def test_once_a_part_landed_no_error_says_that_nothing_did(
    provider: Provider, reply: Reply, error: type[ConnectorError], words: str
) -> None:
    provider.on("PATCH", "/people/7", Reply(raw=b"", status=204))
    provider.on("POST", "/people/7/moves", reply)
    with pytest.raises(error, match=words) as caught:
        client(provider.url, PARTS).update("people", "7", {"email": "b", "status": "x"}, version=None, key="k")
    if isinstance(caught.value, Rejected):
        assert caught.value.fields == {"status": "no such step"}


def test_a_new_record_that_is_not_whole_is_looked_up_again(provider: Provider) -> None:
    provider.on("POST", "/people", Reply(ANN, 201))
    provider.on("POST", "/people/7/moves", Reply({"error": {"message": "no such step"}}, 400))
    with pytest.raises(Unknown, match="record 7 was created, but not all of it was written"):
        client(provider.url, {f"{CREATE}.parts": [MOVE]}).create("people", {"email": "a", "status": "x"}, key="k")


# Batches, as answered


def batch(entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "method": "POST",
        "path": "/batch",
        "max_ids": 100,
        "body": {"records": "{entries}"},
        "entries": entries,
        **more,
    }


CHANGES = [Change("1", {"email": "a"}, None, "k1"), Change("2", {"email": "b"}, None, "k2")]


def updated(provider: Provider, entries: dict[str, Any], answer: Any, status: int = 200, **more: Any) -> list[Any]:
    provider.on("POST", "/batch", Reply(answer, status))
    changes = {f"{OPS}.update_many": batch(entries, **more), f"{UPDATE}.conditional": ...}
    return client(provider.url, changes).many.update("people", CHANGES)


def test_results_in_order_that_say_success_or_not(provider: Provider) -> None:
    """A list, 200 even where some failed, and no more than ids."""
    entries = {
        "body": {"*": "{body}", "attributes": {"type": "Person"}, "Id": "{id}"},
        "status": "success",
        "error": {"jsonata": "{'error': {'message': errors[0].message, 'param': errors[0].fields[0]}}"},
    }
    answer = [{"id": "1", "success": True}, {"success": False, "errors": [{"message": "bad", "fields": ["email"]}]}]
    good, bad = updated(provider, entries, answer, body={"allOrNone": False, "records": "{entries}"})
    assert isinstance(good, Written) and (good.id, good.item) == ("1", None)
    assert isinstance(bad, Rejected) and bad.fields == {"email": "bad"}
    assert provider.asked[0].body["records"][0] == {"email": "a", "attributes": {"type": "Person"}, "Id": "1"}


TRACED = {
    "body": {"id": "{id}", "properties": "{body}", "objectWriteTraceId": "{id}"},
    "items": {
        "jsonata": "$append(results.{'trace': objectWriteTraceId, 'status': 200, 'record': $},"
        " errors.{'trace': context.objectWriteTraceId[0], 'status': 400, 'error': {'error': {'message': message}}})"
    },
    "mark": "trace",
    "status": "status",
    "record": "record",
    "error": "error",
}


def test_a_multi_status_answer_with_errors_apart_and_in_no_order(provider: Provider) -> None:
    answer = {
        "results": [{"id": "2", "rev": 4, "email": "b", "objectWriteTraceId": "2"}],
        "errors": [{"message": "no such property", "context": {"objectWriteTraceId": ["1"]}}],
    }
    bad, good = updated(provider, TRACED, answer, 207)
    assert isinstance(bad, Rejected) and "no such property" in bad.message
    assert isinstance(good, Written) and good.item is not None and good.version == "4"


def test_an_entry_that_is_not_mentioned_is_unknown(provider: Provider) -> None:
    first, second = updated(provider, TRACED, {"results": [], "errors": []}, 207)
    assert isinstance(first, Unknown) and isinstance(second, Unknown)


GRAPH = {
    "body": {
        "id": "{id}",
        "method": "PATCH",
        "url": "/me/contacts/{id|url}",
        "headers": {"Content-Type": "application/json"},
        "body": "{body}",
    },
    "items": "responses",
    "mark": "id",
    "status": "status",
    "record": "body",
    "error": "body",
}


def test_requests_in_a_request_each_with_a_version_and_a_status_of_its_own(provider: Provider) -> None:
    answer = {
        "responses": [
            {"id": "2", "status": 412, "body": {"error": {"message": "changed"}}},
            {"id": "1", "status": 200, "body": {"id": "1", "rev": 5, "email": "a"}},
        ]
    }
    provider.on("POST", "/batch", Reply(answer))
    condition = {"body": "headers.If-Match", "template": "{version|quoted}"}
    asking = client(
        provider.url,
        {
            f"{OPS}.update_many": batch(GRAPH, body={"requests": "{entries}"}, conditional=condition),
            f"{UPDATE}.conditional.header": "If-Match",
        },
    )
    changes = [Change("1", {"email": "a"}, "4", "k1"), Change("2", {"email": "b"}, "7", "k2")]
    good, moved = asking.many.update("people", changes)
    assert isinstance(good, Written) and good.version == "5"
    assert isinstance(moved, Stale)
    sent = provider.asked[0].body["requests"]
    assert [entry["headers"]["If-Match"] for entry in sent] == ['"4"', '"7"']
    assert sent[0]["url"] == "/me/contacts/1"


def test_many_are_read_by_requests_in_a_request(provider: Provider) -> None:
    read_many = {
        "method": "POST",
        "path": "/batch",
        "max_ids": 20,
        "body": {"requests": "{entries}"},
        "entries": {"body": {"id": "{id}", "method": "GET", "url": "/people/{id|url}"}},
        "items": {"jsonata": "responses[status=200].body"},
    }
    answer = {"responses": [{"id": "7", "status": 200, "body": ANN}, {"id": "8", "status": 404, "body": {}}]}
    provider.on("POST", "/batch", Reply(answer), Reply({"responses": [{"id": "8", "status": 404}]}))
    asking = client(provider.url, {f"{OPS}.read_many": read_many})
    assert list(asking.read_many("people", ["7", "8"])) == ["7"]
    assert asking.read_many("people", ["8"]) == {}
    assert provider.asked[0].body["requests"][1] == {"id": "8", "method": "GET", "url": "/people/8"}


def test_new_records_of_which_the_answer_says_only_ids(provider: Provider) -> None:
    entries = {"body": {"*": "{body}", "Hub": "{external_id}"}, "status": "ok", "id": "id"}
    provider.on("POST", "/batch", Reply([{"id": "11", "ok": True}, {"ok": True}]))
    asking = client(provider.url, {f"{OPS}.create_many": batch(entries)})
    made, lost = asking.many.create("people", [New({"email": "a"}, "k1", "r1"), New({"email": "b"}, "k2", "r2")])
    assert isinstance(made, Written) and made.id == "11"
    assert isinstance(lost, Unknown) and "does not say its id" in lost.what
    assert provider.asked[0].body["records"][0] == {"email": "a", "Hub": "r1"}


def test_a_table_that_takes_all_or_nothing_refuses_as_a_whole(provider: Provider) -> None:
    """Which the steps take as: each of them alone."""
    with pytest.raises(Rejected):
        updated(provider, GRAPH, {"error": {"message": "one of them is wrong"}}, 422)


# Clearing, and fields that are read here and written there


def test_every_way_to_clear(provider: Provider) -> None:
    spec = manifest(
        {
            f"{PEOPLE}.fields.born": {
                "path": "born",
                "clear": {"value": "0000-00-00"},
                "transforms": [{"null_if": "0000-00-00"}],
            },
            f"{PEOPLE}.fields.tags": {"path": "tags", "clear": "list"},
            f"{PEOPLE}.fields.note": {"path": "note", "clear": "empty"},
            f"{PEOPLE}.fields.kept": {"path": "kept", "clear": "omit"},
            f"{PEOPLE}.fields.owner": {"path": "owner", "clear": "refuse"},
        }
    ).objects["people"]
    mapping = Mapping.parse({name: name for name in ("email", "born", "tags", "note", "kept")}, spec=spec)
    body = mapping.write(dict.fromkeys(mapping.fields))
    assert body == {"email": None, "born": "0000-00-00", "tags": [], "note": ""}
    assert mapping.read({**body, "kept": 1})["born"] is None
    with pytest.raises(MappingError, match="no way to clear"):
        Mapping.parse({"owner": "owner"}, spec=spec).write({"owner": None})


def test_a_field_that_is_read_here_and_written_there(provider: Provider) -> None:
    status = {"path": "status.id", "writes_to": "status_id"}
    spec = manifest({f"{PEOPLE}.fields.status": status}).objects["people"]
    mapping = Mapping.parse({"status": "status"}, spec=spec)
    assert mapping.read({"status": {"id": 4, "name": "open"}}) == {"status": 4}
    assert mapping.write({"status": 5}) == {"status_id": 5}
    provider.on("PATCH", "/people/7", Reply({**ANN, "status": {"id": 5}}))
    asking = client(provider.url, {f"{PEOPLE}.fields.status": status})
    assert asking.update("people", "7", {"status_id": 5}, version=None, key="k").item is not None


def test_fields_that_share_a_list() -> None:
    def numbered(number: int) -> dict[str, Any]:
        return {
            "path": "",
            "jsonata": f"custom_fields[id={number}].value",
            "inverse": f"{{'custom_fields': [{{'id': {number}, 'value': $}}]}}",
        }

    mapping = Mapping.parse({"tier": numbered(3), "zone": numbered(4)})
    made = mapping.write({"tier": "gold", "zone": None})
    assert made == {"custom_fields": [{"id": 3, "value": "gold"}, {"id": 4, "value": None}]}
    assert mapping.read(made)["tier"] == "gold"


@pytest.mark.parametrize(
    ("transforms", "theirs", "ours"),
    [
        ([{"times": 1000}], 1500, "1.5"),
        ([{"times": "0.01"}], "12.5", "1250"),
        (["net_date"], "/Date(1439434356790+0000)/", "2015-08-13T02:52:36.790Z"),
        ([{"null_if": ["", "n/a"]}], "x", "x"),
    ],
)
def test_units_and_spellings_both_ways(transforms: list[Any], theirs: Any, ours: Any) -> None:
    mapping = Mapping.parse({"f": {"path": "f", "transforms": transforms}})
    assert mapping.read({"f": theirs}) == {"f": ours}
    assert mapping.read(mapping.write({"f": ours})) == {"f": ours}


def test_an_enum_value_never_seen_is_named() -> None:
    mapping = Mapping.parse({"stage": {"path": "stage", "values": {"1": "open", "2": "won"}}})
    told = mapping.read({"stage": "9"})["stage"]
    assert isinstance(told, Unmappable) and (told.value, told.reason) == (
        "9",
        "'9' is not one of the mapped values (1, 2)",
    )


# Records that answer oddly


def test_an_id_that_changed_in_the_answer(provider: Provider) -> None:
    provider.on("GET", "/people/7", Reply({**ANN, "id": 8}))
    with pytest.raises(Malformed, match="asked for record 7, the answer is about record 8"):
        client(provider.url).read("people", "7")


def test_a_field_that_disappeared_is_no_value() -> None:
    spec = manifest({f"{PEOPLE}.fields.email.omitted": "never"}).objects["people"]
    told = Mapping.parse({"email": "email"}, spec=spec).read({"id": 7})["email"]
    assert isinstance(told, Unmappable) and "no longer tells this field" in told.reason


def test_a_record_is_read_by_a_post(provider: Provider) -> None:
    def answer(asked: Asked) -> Reply:
        return Reply({"result": [{**ANN, "id": asked.body["params"][0][0]}]})

    provider.on("POST", "/rpc", answer)
    read = {"method": "POST", "path": "/rpc", "body": {"params": [["{id|number}"]]}, "item": "result[0]"}
    assert client(provider.url, {f"{OPS}.read": read}).read("people", "7").id == "7"


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({f"{OPS}.upsert": UPSERT[f"{OPS}.upsert"]}, ["an upsert goes by our own id"]),
    ({**UPSERT, f"{OPS}.find": ...}, ["an upsert needs 'find'"]),
    ({f"{CREATE}.replaces": {}}, ["only an update can replace a record"]),
    ({f"{UPDATE}.replaces": {"drop": ["a..b"]}}, ["replaces.drop[0]", "is not a path"]),
    ({f"{OPS}.columns": {"method": "GET", "path": "/schema"}}, ["operations.columns", "which columns are there?"]),
    ({f"{CREATE}.keeps": [MERGE]}, ["only an update keeps what was there"]),
    ({f"{UPDATE}.keeps": [{**MERGE, "path": "a..b"}]}, ["keeps[0].path", "is not a path"]),
    ({f"{UPDATE}.keeps": [{**MERGE, "jsonata": "$eval(now)"}]}, ["keeps[0].jsonata", "not available"]),
    ({**KEEPS, f"{OPS}.update_many": batch(GRAPH)}, ["what was there is read one by one"]),
    ({**PARTS, f"{OPS}.update_many": batch(GRAPH)}, ["many records are written in one call, parts in several"]),
    (
        {f"{UPDATE}.parts": [{**MOVE, "call": {"method": "POST", "path": "/{body}"}}]},
        ["{body} means nothing here", "id, key, value"],
    ),
    ({f"{UPDATE}.parts": [{**MOVE, "when": "never"}]}, ["'never' is not accepted"]),
    ({f"{OPS}.update_many": batch({"body": "{body}"}), f"{UPDATE}.conditional": ...}, ["what became of one record?"]),
    (
        {f"{PEOPLE}.updated_at": ..., f"{UPDATE}.conditional": {"header": "X", "template": "{updated_at|http}"}},
        ["tied to a clock"],
    ),
    ({f"{PEOPLE}.fields.email.omitted": "sometimes"}, ["'sometimes' is not accepted", "never"]),
]


@pytest.mark.parametrize(("changes", "words"), WRONG)
def test_wrong_files(changes: dict[str, Any], words: list[str]) -> None:
    if changes.get(f"{OPS}.find") is ...:
        changes = {name: value for name, value in changes.items() if name != f"{OPS}.find"}
    with pytest.raises(ManifestError) as caught:
        manifest(changes)
    for word in ["acme.yaml", *words]:
        assert word in str(caught.value)
