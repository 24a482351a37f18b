"""The shapes of requests that APIs want, and what answers mean: forms, GraphQL, JSON-RPC, text, refusals in 200."""

from __future__ import annotations

from typing import Any

import pytest

from syncapp.connectors.errors import (
    ConnectorError,
    Gone,
    Limited,
    Malformed,
    ManifestError,
    Misconfigured,
    Rejected,
    Stale,
    Unauthorised,
    Unavailable,
    Unknown,
)
from syncapp.connectors.templates import fill, fill_body, fill_query
from tests.connectors.server import Provider, Reply
from tests.connectors.shapes import LIST, client, manifest

OPS = "objects.people.operations"
UPDATE = f"{OPS}.update"
CREATE = f"{OPS}.create"
ANN = {"id": 7, "email": "ann@x.org", "rev": 3}


# Forms


@pytest.mark.parametrize(
    ("lists", "sent"),
    [
        ("index", "email=a&meta%5Btier%5D=gold&tags%5B0%5D=x&tags%5B1%5D=y&on=true&rate=0.0000001&note=&none="),
        ("brackets", "email=a&meta%5Btier%5D=gold&tags%5B%5D=x&tags%5B%5D=y&on=true&rate=0.0000001&note=&none="),
        ("repeat", "email=a&meta%5Btier%5D=gold&tags=x&tags=y&on=true&rate=0.0000001&note=&none="),
    ],
)
def test_a_form_has_brackets_and_what_is_cleared_is_empty(provider: Provider, lists: str, sent: str) -> None:
    provider.on("PATCH", "/people/7", Reply(ANN))
    asking = client(provider.url, {f"{UPDATE}.content": "form", f"{UPDATE}.lists": lists})
    body = {"email": "a", "meta": {"tier": "gold"}, "tags": ["x", "y"], "on": True, "rate": 1e-7, "note": None}
    asking.update("people", "7", {**body, "none": []}, version=None, key="k")
    assert provider.asked[0].raw.decode() == sent
    assert provider.asked[0].headers["content-type"] == "application/x-www-form-urlencoded"


def test_a_form_of_objects_in_a_list(provider: Provider) -> None:
    provider.on("POST", "/people", Reply(ANN))
    asking = client(provider.url, {f"{CREATE}.content": "form"})
    asking.create("people", {"mails": [{"a": 1}, {"a": 2}], "address": {}}, key="k")
    assert provider.asked[0].raw.decode() == "mails%5B0%5D%5Ba%5D=1&mails%5B1%5D%5Ba%5D=2&address="


def test_a_post_updates_and_a_post_deletes(provider: Provider) -> None:
    changes = {f"{UPDATE}.method": "POST", f"{OPS}.delete": {"method": "POST", "path": "/people/{id}/remove"}}
    provider.on("POST", "/people/7", Reply(ANN))
    provider.on("POST", "/people/7/remove", Reply(raw=b"", status=204))
    asking = client(provider.url, changes)
    assert asking.update("people", "7", {"email": "b"}, version=None, key="k").item is not None
    asking.delete("people", "7", key="k")
    assert [asked.method for asked in provider.asked] == ["POST", "POST"]


# Text and words of query languages


def test_a_query_as_plain_text_cannot_be_broken_out_of(provider: Provider) -> None:
    find = {
        "method": "POST",
        "path": "/query",
        "content": "text",
        "headers": {"Content-Type": "application/text"},
        "body": "select * from Customer where Email = {value|single}",
        "by": {"email": "Email"},
        "items": "data",
    }
    provider.on("POST", "/query", Reply({"data": [ANN]}))
    assert client(provider.url, {f"{OPS}.find": find}).find("people", "email", "o'neil@x.org")
    assert provider.asked[0].raw == b"select * from Customer where Email = 'o\\'neil@x.org'"
    assert provider.asked[0].headers["content-type"] == "application/text"


@pytest.mark.parametrize(
    ("template", "value", "said"),
    [
        ("{v|single}", "it's \\ here", "'it\\'s \\\\ here'"),
        ("{v|single_csv}", ["a'b", "c"], "'a\\'b','c'"),
        ("{v|sql}", "it's", "'it''s'"),
        ("{v|sql_csv}", ["a'b", "c"], "'a''b','c'"),
        ("{v|json}", 'say "x"', '"say \\"x\\""'),
        ("/me/contacts/{v|url}", "a/b=", "/me/contacts/a%2Fb%3D"),
        ("{v|http}", "2026-11-20T10:00:30.5Z", "Fri, 20 Nov 2026 10:00:30 GMT"),
        ("n={v|number}", "7", "n=7"),
    ],
)
def test_spellings(template: str, value: Any, said: str) -> None:
    assert fill(template, {"v": value}) == said


def test_numbers_stay_numbers_in_a_body() -> None:
    made = fill_body({"id": "{id|number}", "ids": "{ids|number}", "{k}": 1}, {"id": "7", "ids": ["1", "2"], "k": "x"})
    assert made == {"id": 7, "ids": [1, 2], "x": 1}
    with pytest.raises(Misconfigured, match="cannot say 'abc'"):
        fill_body("{id|number}", {"id": "abc"})


def test_a_parameter_for_each_of_a_list(provider: Provider) -> None:
    assert fill_query("{ids|each}", {"ids": ["1", "2"]}) == ["1", "2"]
    read_many = {"method": "GET", "path": "/people", "query": {"id": "{ids|each}"}, "items": "data", "max_ids": 9}
    provider.on("GET", "/people", Reply({"data": [ANN]}))
    client(provider.url, {f"{OPS}.read_many": read_many}).read_many("people", ["7", "8"])
    assert provider.asked[0].line == "/people?id=7&id=8"


# GraphQL

DOCUMENT = """mutation($id: ID!, $input: In!) {
  done: personUpdate(id: $id, input: $input) { person {id} userErrors {field message code} }
}"""
QL: dict[str, Any] = {
    "errors": {
        "message": ["errors[0].message", "data.done.userErrors[0].message"],
        "code": ["errors[0].extensions.code", "data.done.userErrors[0].code"],
        "items": "data.done.userErrors",
        "item_field": "field[0]",
        "item_message": "message",
        "limited_codes": ["THROTTLED"],
    },
    UPDATE: {
        "method": "POST",
        "path": "/graphql",
        "graphql": DOCUMENT,
        "body": {"id": "{id}", "input": "{body}"},
        "ok": {"path": "data.done.userErrors", "value": []},
        "item": "data.done.person",
    },
}


def test_graphql_sends_its_document_as_it_is_with_variables(provider: Provider) -> None:
    provider.on("POST", "/graphql", Reply({"data": {"done": {"person": ANN, "userErrors": []}}}))
    written = client(provider.url, QL).update("people", "7", {"email": "ann@x.org"}, version=None, key="k")
    assert provider.asked[0].body == {"query": DOCUMENT, "variables": {"id": "7", "input": {"email": "ann@x.org"}}}
    assert written.item is not None and written.version == "3"


GRAPHQL: list[tuple[dict[str, Any], type[ConnectorError], str]] = [
    ({"errors": [{"message": "no such field"}]}, Rejected, "no such field"),
    ({"errors": [{"message": "half"}], "data": {"done": {"person": ANN, "userErrors": []}}}, Rejected, "half"),
    ({"errors": [{"message": "slow", "extensions": {"code": "THROTTLED"}}]}, Limited, "slow"),
]


@pytest.mark.parametrize(("answer", "error", "words"), GRAPHQL)
def test_graphql_errors_come_with_200(
    provider: Provider, answer: dict[str, Any], error: type[ConnectorError], words: str
) -> None:
    provider.on("POST", "/graphql", Reply(answer))
    with pytest.raises(error, match=words) as caught:
        client(provider.url, QL).update("people", "7", {"email": "b"}, version=None, key="k")
    assert type(caught.value) is error


def test_user_errors_name_their_fields(provider: Provider) -> None:
    told = {"done": {"person": None, "userErrors": [{"field": ["email"], "message": "taken"}]}}
    provider.on("POST", "/graphql", Reply({"data": told}))
    with pytest.raises(Rejected, match="taken") as caught:
        client(provider.url, QL).update("people", "7", {"email": "b"}, version=None, key="k")
    assert caught.value.fields == {"email": "taken"}


def test_partial_data_is_no_listing(provider: Provider) -> None:
    changes = {
        f"{LIST}.method": "POST",
        f"{LIST}.path": "/graphql",
        f"{LIST}.graphql": "query($first: Int, $after: String) { people(first: $first, after: $after) {id} }",
        f"{LIST}.body": {"first": "{size}"},
        f"{LIST}.query": ...,
        f"{LIST}.items": "data.people.nodes",
        f"{LIST}.paging": {"kind": "cursor", "path": "data.people.end", "param": "after", "in": "body"},
        "errors.message": "errors[0].message",
    }
    first = {"data": {"people": {"nodes": [ANN], "end": "c1"}}}
    broken = {"errors": [{"message": "too deep"}], "data": {"people": {"nodes": [], "end": None}}}
    provider.on("POST", "/graphql", Reply(first), Reply(broken))
    walk = client(provider.url, changes).pages("people")
    assert next(walk).cursor == "c1"
    with pytest.raises(Rejected, match="too deep"):
        next(walk)
    assert provider.asked[1].body["variables"] == {"first": 100, "after": "c1"}


# JSON-RPC: one address, the method and the ids in the body, numbers as ids, an answer that says only the id


def rpc(method: str, *params: Any) -> dict[str, Any]:
    return {
        "method": "POST",
        "path": "/{config.server_db}/",
        "body": {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)},
        "ok": {"path": "error", "absent": True},
    }


RPC: dict[str, Any] = {
    "config": {"server": {"label": "Server"}, "server_db": {"label": "Database", "default": "shop"}},
    "errors": {
        "message": ["error[1][0]", "error[1]"],
        "code": "error[0]",
        "gone_codes": ["AccessError"],
        "unauthorised_codes": ["401"],
        "forbidden_codes": ["403"],
    },
    f"{OPS}.read": {**rpc("party.read", ["{id|number}"], ["id", "email"]), "item": "result[0]"},
    CREATE: {**rpc("party.create", ["{body}"]), "new_id": "result[0]"},
    UPDATE: rpc("party.write", ["{id|number}"], "{body}"),
    f"{OPS}.delete": rpc("party.delete", ["{id|number}"]),
}


def test_json_rpc_has_everything_in_the_body(provider: Provider) -> None:
    provider.on("POST", "/shop/", Reply({"id": 1, "result": [12]}), Reply({"id": 1, "result": None}))
    asking = client(provider.url, RPC)
    made = asking.create("people", {"email": "a"}, key="k")
    assert (made.id, made.item) == ("12", None)
    assert asking.update("people", "12", {"email": "b"}, version=None, key="k").id == "12"
    assert [asked.body["params"] for asked in provider.asked] == [[[{"email": "a"}]], [[12], {"email": "b"}]]


RPC_ERRORS: list[tuple[Any, type[ConnectorError], str]] = [
    (["UserError", ["The e-mail is taken", ""]], Rejected, "The e-mail is taken"),
    (["AccessError", ["no such record", ""]], Gone, "no such record"),
    (["401", "Unauthorized"], Unauthorised, "does not accept"),
    (["403", "Forbidden"], Unauthorised, "may not do this: Forbidden"),
]


@pytest.mark.parametrize(("told", "error", "words"), RPC_ERRORS)
def test_json_rpc_errors_are_told_in_200(
    provider: Provider, told: Any, error: type[ConnectorError], words: str
) -> None:
    provider.on("POST", "/shop/", Reply({"id": 1, "error": told}))
    with pytest.raises(error, match=words):
        client(provider.url, RPC).update("people", "12", {"email": "b"}, version=None, key="k")


# What an answer of 200 means for a write

SLACK = {
    f"{UPDATE}.ok": {"path": "ok", "value": True},
    "errors": {
        "message": "error",
        "code": "error",
        "limited_codes": ["ratelimited"],
        "busy_codes": ["service_unavailable"],
        "unauthorised_codes": ["invalid_auth", "token_revoked"],
        "forbidden_codes": ["missing_scope"],
        "gone_codes": ["user_not_found"],
    },
}
IN_200: list[tuple[str, type[ConnectorError], str]] = [
    ("invalid_profile", Rejected, "invalid_profile"),
    ("ratelimited", Limited, "wait"),
    ("service_unavailable", Unavailable, "service_unavailable"),
    ("invalid_auth", Unauthorised, "does not accept"),
    ("missing_scope", Unauthorised, "may not do this"),
    ("user_not_found", Gone, "no such record"),
]


@pytest.mark.parametrize(("code", "error", "words"), IN_200)
def test_a_write_refused_in_200_is_what_its_code_says(
    provider: Provider, code: str, error: type[ConnectorError], words: str
) -> None:
    provider.on("PATCH", "/people/7", Reply({"ok": False, "error": code}))
    with pytest.raises(error, match=words) as caught:
        client(provider.url, SLACK).update("people", "7", {"email": "b"}, version=None, key="k")
    assert type(caught.value) is error


def test_several_tests_all_have_to_hold(provider: Provider) -> None:
    tests = [{"path": "Fault", "absent": True}, {"jsonata": "$exists(Customer.Id)"}]
    changes = {f"{UPDATE}.ok": tests, f"{UPDATE}.item": "Customer", "errors.message": "Fault.Error[0].Message"}
    fault = {"Fault": {"Error": [{"Message": "Duplicate Name"}], "type": "ValidationFault"}}
    provider.on("PATCH", "/people/7", Reply(fault), Reply({"Customer": {}}), Reply({"Customer": {"Id": 1, **ANN}}))
    asking = client(provider.url, changes)
    with pytest.raises(Rejected, match="Duplicate Name"):
        asking.update("people", "7", {"email": "b"}, version=None, key="k")
    with pytest.raises(Rejected):
        asking.update("people", "7", {"email": "b"}, version=None, key="k")
    assert asking.update("people", "7", {"email": "b"}, version=None, key="k").version == "3"


PAGE_OF_A_PROXY = b"<!DOCTYPE html><html><body>Please sign in</body></html>"
UNSURE: list[tuple[Reply, type[ConnectorError], str]] = [
    (Reply(raw=PAGE_OF_A_PROXY, headers={"Content-Type": "text/html; charset=utf-8"}), Unknown, "a web page came"),
    (Reply(raw=PAGE_OF_A_PROXY), Unknown, "a web page came"),
    (Reply({"job": 4}, 202), Unknown, "unexpected answer 202"),
    (Reply(["/a/1", "/a/2"], 300), Rejected, "several records fit"),
    (Reply({"error": {"message": "stop"}}, 304), Malformed, "unexpected answer 304"),
]


@pytest.mark.parametrize(("reply", "error", "words"), UNSURE)
def test_a_write_that_may_not_have_landed_is_not_taken_for_done(
    provider: Provider, reply: Reply, error: type[ConnectorError], words: str
) -> None:
    provider.on("PATCH", "/people/7", reply)
    with pytest.raises(error, match=words):
        client(provider.url, {f"{UPDATE}.success": [200, 204]}).update("people", "7", {}, version=None, key="k")


# What a receipt tells


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(raw=b"", status=201, headers={"Location": "/api/people/42.json?x=1"}), {"header": "Location"}),
        (
            Reply(None, 201, {"Location": "https://x.org/a/42/edit"}),
            {"header": "Location", "match": "/a/([0-9]+)/"},
        ),
        (Reply({"id": "42", "success": True, "errors": []}, 201), "id"),
        (Reply({"data": [{"details": {"id": "42"}}]}), {"jsonata": "data[0].details.id"}),
    ],
)
def test_a_create_that_answers_only_an_id(provider: Provider, reply: Reply, told: Any) -> None:
    provider.on("POST", "/people", reply)
    written = client(provider.url, {f"{CREATE}.new_id": told, f"{CREATE}.item": ...}).create("people", {}, key="k")
    assert (written.id, written.item) == ("42", None)


def test_a_location_that_says_no_id_is_unknown(provider: Provider) -> None:
    provider.on("POST", "/people", Reply(raw=b"", status=201, headers={"Location": "/people/"}))
    told = {"header": "Location", "match": "/people/([0-9]+)"}
    with pytest.raises(Unknown, match="look the record up by its key"):
        client(provider.url, {f"{CREATE}.new_id": told}).create("people", {}, key="k")


def test_what_was_dropped_in_silence_is_read_back(provider: Provider) -> None:
    """Without the field in the answer nobody knows what is stored; with it, the answer itself tells."""
    provider.on("PATCH", "/people/7", Reply({"id": 7, "rev": 4}), Reply({"id": 7, "rev": 5, "email": "old@x.org"}))
    asking = client(provider.url)
    first = asking.update("people", "7", {"email": "new@x.org"}, version=None, key="k")
    assert (first.version, first.item) == ("4", None)
    second = asking.update("people", "7", {"email": "new@x.org"}, version=None, key="k")
    assert second.item is not None and second.item.body["email"] == "old@x.org"


def test_a_field_that_is_left_out_when_empty_may_be_missing_in_the_answer(provider: Provider) -> None:
    provider.on("PATCH", "/people/7", Reply({"id": 7, "rev": 4}))
    asking = client(provider.url, {"objects.people.fields.email.omitted": "null"})
    assert asking.update("people", "7", {"email": None}, version=None, key="k").item is not None


def test_an_answer_about_another_record_is_no_receipt(provider: Provider) -> None:
    provider.on("PATCH", "/people/7", Reply({**ANN, "id": 8}))
    written = client(provider.url).update("people", "7", {"email": "b"}, version=None, key="k")
    assert (written.id, written.version, written.item) == ("7", None, None)


# Another version

CONDITION = {"header": "If-Match", "status": [409, 412], "code_status": [400], "codes": ["5010"]}


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply({}, 412), Stale),
        (Reply({}, 409), Stale),
        (Reply({"error": {"code": 5010}}, 400), Stale),
        (Reply({"error": {"code": 6000}}, 400), Rejected),
    ],
)
def test_conflicts_by_status_and_by_code(provider: Provider, reply: Reply, error: type[ConnectorError]) -> None:
    provider.on("PATCH", "/people/7", reply)
    with pytest.raises(error):
        client(provider.url, {f"{UPDATE}.conditional": CONDITION}).update("people", "7", {}, version="3", key="k")


# Who is asked as nobody


def test_a_wrong_key_that_is_answered_200(provider: Provider) -> None:
    provider.on("GET", "/people", Reply({"data": []}))
    provider.on("GET", "/hello", Reply({"project": "x"}), Reply({"project": "x", "user": {"id": "me"}}))
    asking = client(provider.url, {"check": {"path": "/hello", "actor": "user.id"}})
    found = asking.check()
    assert not found.authenticated and not found.ok and "does not know these credentials" in found.problems[0]
    assert asking.check().ok


def test_a_web_page_at_the_address_is_no_matter_of_the_credentials(provider: Provider) -> None:
    provider.on("GET", "/people", Reply({"data": []}))
    provider.on("GET", "/hello", Reply(raw=b"<h1>Welcome</h1>"))
    found = client(provider.url, {"check": {"path": "/hello", "actor": "user.id"}}).check()
    assert not found.ok and "check the address" in found.problems[0] and "credentials" not in found.problems[0]


def test_what_only_a_user_is_told(provider: Provider) -> None:
    provider.on("GET", "/people", Reply({"data": []}))
    provider.on("GET", "/hello", Reply({"anonymous": True}), Reply({"anonymous": False}))
    asking = client(provider.url, {"check": {"path": "/hello", "ok": {"path": "anonymous", "value": False}}})
    assert "not as to somebody who is signed in" in asking.check().problems[0]
    assert asking.check().ok


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({f"{UPDATE}.content": "xml"}, ["'xml' is not accepted", "json, form, text, graphql"]),
    ({f"{UPDATE}.content": "graphql"}, ["GraphQL is a document and its variables"]),
    ({f"{UPDATE}.graphql": "{x}", f"{UPDATE}.content": "form"}, ["GraphQL is a document"]),
    ({f"{UPDATE}.content": "text", f"{UPDATE}.body": {"a": 1}}, ["a body of plain text is one template"]),
    ({f"{UPDATE}.lists": "brackets"}, ["only a form names the entries of a list", "content: form"]),
    ({f"{CREATE}.new_id": {"header": "Location", "match": "/p/[0-9]+"}}, ["nothing in it is in brackets"]),
    ({f"{CREATE}.new_id": {"header": "Location", "match": "/p/("}}, ["it is no regular expression"]),
    ({f"{CREATE}.new_id": "a..b"}, ["is not a path"]),
    ({f"{UPDATE}.ok": {"absent": True}}, ["ok"]),
    ({f"{UPDATE}.errors": {"codes": []}}, ["unknown key 'codes'"]),
]


@pytest.mark.parametrize(("changes", "words"), WRONG)
def test_wrong_files(changes: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ManifestError) as caught:
        manifest(changes)
    for word in ["acme.yaml", *words]:
        assert word in str(caught.value)
