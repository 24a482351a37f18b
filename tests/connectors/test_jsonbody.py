"""Numbers of a body reach the judge as they were told."""

from __future__ import annotations

import orjson
import pytest

from policies.core.types import field_type
from syncapp.connectors.jsonbody import parse


@pytest.mark.parametrize(
    ("told", "read"),
    [
        (b"9007199254740993", 9007199254740993),
        (b"9223372036854775807", 9223372036854775807),
        (b"12345678901234567890123", "12345678901234567890123"),
        (b"-12345678901234567890123", "-12345678901234567890123"),
        (b'"12345678901234567890123"', "12345678901234567890123"),
        (b"1.5", 1.5),
    ],
)
def test_no_integer_loses_digits(told: bytes, read: object) -> None:
    body = parse(b'{"id": ' + told + b', "list": [' + told + b"]}")
    assert body == {"id": read, "list": [read]}
    assert type(body["id"]) is type(read)
    assert parse(orjson.dumps(body)) == body, "it can be kept"


def test_the_judge_holds_the_very_number() -> None:
    assert field_type("integer").normalise(parse(b"12345678901234567890123")) == "12345678901234567890123"


DEEP = b"[" * 1010 + b"12345678901234567890123" + b"]" * 1010


@pytest.mark.parametrize(
    "body", [DEEP, b"", b"{", b"NaN", b'{"id": 1e400, "n": Infinity}', b"12345678901234567890123 x"]
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        parse(body)
