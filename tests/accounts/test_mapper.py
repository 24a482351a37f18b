"""Suggestions and previews of a mapping: table by table, on the shipped providers' own files."""

from __future__ import annotations

from typing import Any

import pytest

from policies.core.types import field_type
from syncapp.connectors import registry
from syncapp.connectors.spec import ObjectSpec
from syncapp.mapper.choices import Choice, choices_of
from syncapp.mapper.entries import BadEntry, Typed, entry_of, shown
from syncapp.mapper.preview import bodies, previewed
from syncapp.mapper.suggest import Wanted, suggestions

CRM = registry.load("sandbox").objects["contacts"]
OPEN = registry.load("kinto").objects["records"]
BODY = {
    "id": "17", "version": 3, "updatedAt": "2026-01-01T00:00:00Z",
    "properties": {
        "email": "ada@example.org", "firstname": "Ada", "lastname": "Lovelace", "phone": "+49 30 901820",
        "tags": "vip;press", "newsletter": "true", "credit_limit": "12.50", "lifecycle": "customer", "street": " A 1 ",
    },
}  # fmt: skip
FREE = {"id": "a", "last_modified": 5, "mail": "ada@example.org", "given_name": "Ada", "address": {"town": "Ulm"}}


def fields(*told: str) -> list[Wanted]:
    return [Wanted(name, "", kind) for name, kind in (one.split(":") for one in told)]


@pytest.mark.parametrize(
    ("field", "choice", "why"),
    [
        ("first_name:text", "firstname", "the same name"),
        ("given_name:text", "firstname", "another word for it"),
        ("surname:text", "lastname", "another word for it"),
        ("contact:email", "email", "the only e-mail address there"),
        ("telephone:phone", "phone", "another word for it, and the only phone number there"),
        ("labels:set", "tags", "another word for it"),
        ("postcode:text", "zip", "another word for it"),
        ("credit:decimal", "credit_limit", "both say “credit”"),
    ],
)
def test_a_field_is_recognised_by_name_and_type(field: str, choice: str, why: str) -> None:
    found = suggestions(fields(field), choices_of(CRM, BODY))
    [one] = found.values()
    assert (one.choice.name, one.why) == (choice, why)


def test_nothing_is_guessed_without_a_reason() -> None:
    assert suggestions(fields("shoe_size:integer", "x:text"), choices_of(CRM, BODY)) == {}


def test_no_two_fields_get_one_and_what_is_taken_stays_taken() -> None:
    choices = choices_of(CRM, None)
    found = suggestions(fields("first_name:text", "given_name:text"), choices)
    assert {name: one.choice.name for name, one in found.items()} == {"first_name": "firstname"}
    assert suggestions(fields("first_name:text"), choices, taken=["firstname"]) == {}


def test_what_a_record_shows_can_be_chosen_where_the_object_is_open() -> None:
    found = {one.name: one for one in choices_of(OPEN, FREE)}
    assert set(found) == {"id", "last_modified", "mail", "given_name", "address.town"}
    assert (found["mail"].type, found["mail"].shown) == ("email", "ada@example.org")
    assert not any(one.name.startswith("properties") for one in choices_of(CRM, BODY))


def test_a_key_that_is_no_word_is_quoted() -> None:
    [_, _, odd] = choices_of(OPEN, {"First name": "Ada"})
    assert odd.path == '["First name"]' and odd.shown == "Ada"


def told(name: str, entry: Any, kind: str, spec: ObjectSpec = CRM, body: Any = BODY, **params: Any) -> Any:
    choice = next((one for one in choices_of(spec, body) if entry in (one.name, one.path)), None)
    return previewed(name, entry, field_type(kind, **params), spec, body, choice)


def remarks(one: Any) -> str:
    return " ".join(f"{each.tone}: {each.said}" for each in one.remarks)


def test_a_real_record_is_shown_both_ways() -> None:
    one = told("labels", "tags", "set")
    assert (one.here, one.back, one.bad) == ("press, vip", "press;vip", False)
    assert "form of its own (trim, empty_null)" in remarks(one)


@pytest.mark.parametrize(
    ("entry", "kind", "told_why"),
    [
        ({"field": "firstname", "transforms": ["lower"], "direction": "both"}, "text", "no way back: the case is lost"),
        ({"field": "firstname", "jsonata": "$uppercase($)", "direction": "both"}, "text", "has no inverse"),
        ({"field": "firstname", "jsonata": "$uppercase($)", "inverse": "$", "direction": "both"}, "text",
         "will not read back the same: “Ada O’Neill-Größe 7” becomes Ada O’Neill-Größe 7 and reads “ADA"),
        ({"field": "lifecycle", "values": {"a": "x", "b": "x"}}, "text", "Several provider values mean 'x'"),
        ({"field": "lifecycle", "values": {"lead": "new"}}, "text", "is not one of the mapped values (lead)"),
        ({"field": "email"}, "integer", "does not fit"),
        ({"path": "a..b"}, "text", "is not a path"),
        ("nothing_there[", "text", "is not a path"),
        ({"path": "a[99999999]"}, "text", "the index 99999999 is too large"),
        ({"field": "firstname", "jsonata": "$$$("}, "text", "expression"),
    ],
)  # fmt: skip
def test_what_does_not_work_is_a_sentence_by_the_field(entry: Any, kind: str, told_why: str) -> None:
    one = told("x", entry, kind)
    assert one.bad and told_why in remarks(one)


@pytest.mark.parametrize(
    "entry",
    [
        {"field": "firstname", "jsonata": '$error("no")', "inverse": "$", "direction": "both"},
        {"field": "firstname", "jsonata": "$", "inverse": '$error("no")', "direction": "both"},
        {"field": "firstname", "jsonata": "$", "inverse": "$number($)", "direction": "both"},
        {"path": "", "jsonata": "properties.firstname", "inverse": '"no object"', "direction": "both"},
        {"field": "firstname", "jsonata": "($f := function($n) { $f($n + 1) }; $f(1))", "direction": "read"},
        {"field": "firstname", "jsonata": "[1..10000000]", "direction": "read"},
        {"path": "properties.firstname[0]"},
        {"field": "firstname", "transforms": ["number"]},
        {"field": "tags", "transforms": [{"split": 3}]},
        {"field": "tags", "transforms": [{"nothing": 3}]},
        {"field": "firstname", "values": {}},
    ],
)
def test_a_hostile_mapping_is_told_and_never_raised(entry: Any) -> None:
    for kind in ("text", "integer", "set", "json", "datetime"):
        assert told("x", entry, kind).remarks, kind


def test_a_probe_finds_what_the_sample_does_not_show() -> None:
    """The sample is upper case already; other values would not come back."""
    body = {**BODY, "properties": {**BODY["properties"], "city": "ULM"}}  # type: ignore[dict-item]
    entry = {"field": "city", "jsonata": "$uppercase($)", "inverse": "$", "direction": "both"}
    assert "what you write will not read back the same" in remarks(told("city", entry, "text", body=body)).lower()


def test_a_declared_form_is_no_difference() -> None:
    """Addresses are kept in lower case there, and the provider's file says so."""
    assert not told("email", "email", "email").bad


def test_every_word_of_a_value_map_is_tried() -> None:
    words = {"customer": "client", "lead": "prospect"}
    fine = told("stage", {"field": "lifecycle", "values": words}, "choice", options=["client", "prospect"])
    assert (fine.here, fine.back, fine.bad) == ("client", "customer", False)
    wrong = told("stage", {"field": "lifecycle", "values": words}, "choice", options=["prospect"])
    assert wrong.bad and "does not fit" in remarks(wrong)


def test_what_the_provider_lets_nobody_write_is_told() -> None:
    only = told("id", "id", "text", OPEN, FREE)
    assert not only.bad and "only read" in remarks(only).lower()
    both = {"field": "id", "direction": "both"}
    choice = next(one for one in choices_of(OPEN, FREE) if one.name == "id")
    refused = previewed("id", both, field_type("text"), OPEN, FREE, choice)
    assert refused.bad and "cannot be written at the provider" in remarks(refused)


def test_a_record_that_does_not_tell_a_field_says_so() -> None:
    assert (
        "this record does not tell it" in remarks(told("x", {"path": "absent", "omitted": "missing"}, "text")).lower()
    )


def test_the_whole_record_both_ways() -> None:
    kinds = {"name": field_type("text"), "town": field_type("text")}
    some = [told("name", "given_name", "text", OPEN, FREE), told("town", "address.town", "text", OPEN, FREE)]
    held, sent = bodies(some, kinds, FREE)
    assert '"name": "Ada"' in held and '"town": "Ulm"' in held
    assert '"given_name": "Ada"' in sent and '"address": {' in sent


@pytest.mark.parametrize(
    "entry",
    [
        "firstname",
        {"field": "lifecycle", "values": {"lead": "new", "customer": "won"}, "direction": "read"},
        {"field": "tags", "transforms": [{"split": ";"}, "trim"]},
        {"path": "properties.deep[0].x", "normalises": ["trim"]},
        {"path": "", "jsonata": "a & b", "inverse": '{"a": $}'},
        {"field": "firstname", "clear": "empty", "omitted": "null"},
    ],
)
def test_an_entry_survives_the_form(entry: Any) -> None:
    assert entry_of(shown(entry, CRM), entry, CRM) == entry


def test_what_the_form_does_not_show_goes_with_another_field() -> None:
    old = {"field": "firstname", "clear": "empty"}
    assert entry_of(Typed(map="f:lastname"), old, CRM) == "lastname"
    assert entry_of(Typed(), old, CRM) is None


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (Typed(map="f:nothing"), "has no field 'nothing'"),
        (Typed(map="="), "say which field is meant"),
        (Typed(map="f:email", direction="sideways"), "accepted: both, read, write"),
        (Typed(map="f:email", values="lead"), "provider's word = word here"),
        (Typed(map="f:email", values="a = b\na = c"), "given twice"),
        (Typed(map="f:email", transforms="reverse"), "there is no transform 'reverse'"),
        (Typed(map="f:email", transforms="reverse: --5"), "there is no transform 'reverse'"),
    ],
)
def test_what_cannot_be_understood_says_what_is_accepted(given: Typed, why: str) -> None:
    with pytest.raises(BadEntry, match=why):
        entry_of(given, None, CRM)


def test_a_choice_shows_a_long_value_in_short() -> None:
    assert len(Choice("x", "x", "x", "text", True, False, "y" * 500).shown) == 60
