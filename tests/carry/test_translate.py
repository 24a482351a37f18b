"""Bodies into canonical values and back: what is invalid, what is missing, what cannot be taken in at all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from policies.core.seen import How
from policies.core.types import field_type, is_invalid
from syncapp.connectors import registry
from syncapp.connectors.errors import MappingError, Rejected
from syncapp.connectors.mapping import Mapping
from syncapp.connectors.records import Item, Page
from syncapp.skew import measure
from syncapp.translate import Seen, Translator, Unreadable
from syncapp.watermark import Watermark, began

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SPEC = registry.load("sandbox").objects["customers"]
MAPPING = {
    "email": "email",
    "street": "address_line",
    "stage": {"field": "plan", "values": {"free": "subscriber", "pro": "opportunity"}},
    "labels": "labels",
    "credit": "credit_cents",
    "note": {"path": "note", "direction": "read"},
}
KINDS = {
    "email": field_type("email"),
    "street": field_type("text"),
    "stage": field_type("choice", options=["subscriber", "opportunity", "former"]),
    "labels": field_type("set"),
    "credit": field_type("decimal", scale=2),
    "note": field_type("text"),
}


@pytest.fixture
def translator() -> Translator:
    return Translator("billing", SPEC, Mapping.parse(MAPPING, spec=SPEC), KINDS, "hub")


def item(**more: Any) -> Item:
    parts: dict[str, Any] = {"id": "cus_1", "version": "3", "deleted": False, "actor": "ada", "body": {}} | more
    return Item(updated_at=NOON, asked_at=0.0, **parts)


def read(translator: Translator, **body: Any) -> Any:
    return translator.observation(Seen.of(item(body=body)), NOON, How.LIST).fields


def test_values_become_canonical(translator: Translator) -> None:
    fields = read(translator, email=" Ann@X.org ", plan="pro", labels=["b", "a"], credit_cents=120050)
    assert fields["email"] == "Ann@x.org"
    assert fields["stage"] == "opportunity"
    assert fields["labels"] == ["a", "b"]
    assert fields["credit"] == "1200.50"


def test_missing_is_not_null(translator: Translator) -> None:
    fields = read(translator, email=None)
    assert fields["email"] is None
    assert fields["street"] is None, "the manifest says that this provider leaves out what is null"
    assert "note" not in fields, "of a path that the manifest does not know, nothing is told"


def test_a_value_that_no_map_knows_is_invalid_by_name_and_the_rest_is_read(translator: Translator) -> None:
    fields = read(translator, email="ann@x.org", plan="platinum")
    assert is_invalid(fields["stage"])
    assert "platinum" in fields["stage"]["reason"]
    assert fields["email"] == "ann@x.org"


@pytest.mark.parametrize(("part", "text"), [("id", "x" * 256), ("id", "a\0b"), ("version", "9" * 256)])
def test_what_no_column_can_hold_is_set_aside_by_name(translator: Translator, part: str, text: str) -> None:
    with pytest.raises(Unreadable, match=f"billing record .*{part}"):
        translator.observation(Seen.of(item(**{part: text})), NOON, How.LIST)


def test_our_own_name_is_known(translator: Translator) -> None:
    assert translator.observation(Seen.of(item(actor="hub")), NOON, How.BY_ID).ours
    assert not translator.observation(Seen.of(item()), NOON, How.BY_ID).ours


def test_equal_bodies_have_equal_digests_whatever_the_order_of_keys() -> None:
    one, other = Seen.of(item(body={"a": 1, "b": 2})), Seen.of(item(body={"b": 2, "a": 1}))
    assert one.digest == other.digest != Seen.of(item(body={"a": 1, "b": 3})).digest


def test_values_are_said_in_the_providers_words(translator: Translator) -> None:
    body = translator.body({"email": "ann@x.org", "stage": "opportunity", "credit": "1200.50", "labels": None})
    assert body == {"email": "ann@x.org", "plan": "pro", "credit_cents": 120050, "labels": []}


def test_a_value_without_a_word_there_names_our_field(translator: Translator) -> None:
    with pytest.raises(MappingError) as refusal:
        translator.body({"email": "ann@x.org", "stage": "former"})
    assert list(refusal.value.fields) == ["stage"]


def test_a_member_that_is_not_held_there_is_left_out_but_nothing_at_all_is_an_error(translator: Translator) -> None:
    assert translator.body({"street": "High St 1", "country": "DE"}) == {"address_line": "High St 1"}
    with pytest.raises(MappingError):
        translator.body({"note": "read only"})


def test_a_refusal_names_our_fields(translator: Translator) -> None:
    refused = Rejected("no", fields={"address_line": "too long", "planet": "unknown"}, message="no", status=400)
    assert translator.in_our_words(refused).fields == {"street": "too long"}


def page(*, date: datetime | None, last: bool = True, cursor: str | None = None) -> Page:
    return Page([item()], cursor, last, 0.0, date, 2.0)


def test_the_next_delta_begins_when_the_first_page_was_asked_for_by_the_providers_clock() -> None:
    first = Watermark().after(page(date=NOON, last=False, cursor="p2"))
    assert first.in_full
    assert Watermark.read(first.text()) == first
    then = first.after(page(date=NOON.replace(hour=13)))
    assert then == Watermark(NOON.replace(hour=11, minute=59, second=58))


def test_without_a_date_the_newest_time_shown_is_the_watermark() -> None:
    assert began(page(date=None)) == NOON


def test_an_empty_page_without_a_date_moves_nothing() -> None:
    empty = Page([], None, True, 0.0, None, 0.1)
    assert Watermark(NOON).after(empty) == Watermark(NOON)
    assert Watermark().after(empty).text() == ""


def test_a_skew_is_known_within_a_second_and_half_the_way() -> None:
    assert measure(NOON.replace(minute=1), NOON, 2.0) == (59.0, 2.0)
