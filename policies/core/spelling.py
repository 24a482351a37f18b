"""How each kind of field of a frozen value is written to JSON and read back; the codec puts them together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from .reasons import Reason, Verdict
from .seen import How
from .values import Kind

Spelling = tuple[Callable[[Any], Any], Callable[[Any], Any]]  # (to JSON, from JSON)


def _same(value: Any) -> Any:
    return value


@lru_cache(maxsize=4096)  # a page has few moments, and each of its lines repeats them
def _moment(value: datetime) -> str:
    if value.utcoffset() is None:
        raise ValueError(f"{value} has no offset; every time the judge keeps needs one")
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def _seconds(value: timedelta) -> int | float:
    """Whole seconds as such; a fraction has at most six digits, which a double keeps for 285 years."""
    whole, rest = divmod(value, timedelta(seconds=1))
    return whole if not rest else value.total_seconds()


def _past(entry: tuple[int, Any]) -> list[Any]:
    return [entry[0], dict(entry[1])]


def _past_back(entry: list[Any]) -> tuple[int, Any]:
    return (entry[0], entry[1])


def optional(spelling: Spelling) -> Spelling:
    """None is null."""
    encode, decode = spelling
    if encode is _same and decode is _same:
        return spelling
    return (
        lambda value: None if value is None else encode(value),
        lambda value: None if value is None else decode(value),
    )


def listed(spelling: Spelling) -> Spelling:
    """A tuple is a list."""
    encode, decode = spelling
    return (lambda value: [encode(part) for part in value], lambda value: tuple([decode(part) for part in value]))


def mapped(spelling: Spelling) -> Spelling:
    """A mapping from text is an object."""
    encode, decode = spelling
    return (
        lambda value: {key: encode(part) for key, part in value.items()},
        lambda value: {key: decode(part) for key, part in value.items()},
    )


def _counts(value: Mapping[datetime, int]) -> dict[str, int]:
    return {_moment(at): count for at, count in value.items()}


def _counts_back(value: Mapping[str, int]) -> dict[datetime, int]:
    return {datetime.fromisoformat(at): count for at, count in value.items()}


PLAIN: Mapping[str, Spelling] = {
    "str": (_same, _same),
    "int": (_same, _same),
    "bool": (_same, _same),
    "Json": (_same, _same),
    "Values": (dict, _same),
    "datetime": (_moment, datetime.fromisoformat),
    "timedelta": (_seconds, lambda seconds: timedelta(seconds=seconds)),
    "frozenset[str]": (sorted, frozenset),
    "tuple[int, Values]": (_past, _past_back),
    "Mapping[datetime, int]": (_counts, _counts_back),
    "How": (str, How),
    "Kind": (str, Kind),
    "Verdict": (str, Verdict),
    "Reason": (lambda reason: reason.code, Reason.of),
}
