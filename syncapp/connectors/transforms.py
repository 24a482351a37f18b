"""The closed list of transforms between a provider's spelling and ours, each with its way back where there is one.

Forward is reading. None always stays None. A value that does not fit raises ValueError with a reader's reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

import orjson

from syncapp.connectors import times

Change = Callable[[Any], Any]
NET_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")


@dataclass(frozen=True, slots=True)
class Transform:
    """One step; ``back`` is None if the way back does not exist, and ``why`` then says so."""

    name: str
    forward: Change
    back: Change | None
    why: str = ""


def transform(spec: str | dict[str, Any]) -> Transform:
    """The transform that a mapping names: ``cents`` or ``{split: ";"}``. Raises ValueError with what is accepted."""
    name, argument = (spec, None) if isinstance(spec, str) else next(iter(spec.items()))
    maker = REGISTRY.get(name)
    if maker is None:
        raise ValueError(f"there is no transform {name!r}; accepted: {', '.join(sorted(REGISTRY))}")
    return maker(name, argument)


def _moment(form: str) -> Callable[[str, Any], Transform]:
    def make(name: str, argument: Any) -> Transform:
        _none(name, argument)

        def forward(value: Any) -> Any:
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                raise ValueError(f"{value!r} is not a number of {name}")
            return times.write(times.parse(value, form))

        return Transform(name, forward, lambda value: int(times.write(times.parse(value), form)))

    return make


def _cents(name: str, argument: Any) -> Transform:
    places = 2 if argument is None else argument
    if isinstance(places, bool) or not isinstance(places, int) or not 0 <= places <= 9:
        raise ValueError(f"{name} takes the number of decimal places, 0 to 9, not {argument!r}")

    def forward(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"{value!r} is not a whole number of minor units")
        return str(Decimal(value).scaleb(-places))

    def back(value: Any) -> Any:
        minor = _decimal(value).scaleb(places)
        if minor != minor.to_integral_value():
            raise ValueError(f"{value!r} has more than {places} decimal places")
        return int(minor)

    return Transform(name, forward, back)


def _number(name: str, argument: Any) -> Transform:
    _none(name, argument)

    def forward(value: Any) -> Any:
        number = _decimal(value)
        return int(number) if number == number.to_integral_value() and "." not in str(value) else float(number)

    return Transform(name, forward, _plain)


def _text(name: str, argument: Any) -> Transform:
    _none(name, argument)
    return Transform(name, _plain, _number(name, None).forward)


def _plain(value: Any) -> str:
    """A number as text without an exponent; text as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    if isinstance(value, int | str):
        return str(value)
    raise ValueError(f"{value!r} is neither number nor text")


def _flag(true: Any, false: Any) -> Callable[[str, Any], Transform]:
    words = dict.fromkeys((str(true), "True", "true", "1"), True)
    words |= dict.fromkeys((str(false), "False", "false", "0"), False)

    def make(name: str, argument: Any) -> Transform:
        _none(name, argument)

        def forward(value: Any) -> Any:
            known = words.get(str(value))
            if known is None:
                raise ValueError(f"{value!r} is neither {true!r} nor {false!r}")
            return known

        return Transform(name, forward, lambda value: true if _truth(value) else false)

    return make


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def _split(name: str, argument: Any) -> Transform:
    if not isinstance(argument, str) or not argument:
        raise ValueError(f'{name} takes the separator, such as {{{name}: ";"}}, not {argument!r}')

    def forward(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is not text to be split")
        return [part for part in value.split(argument) if part != ""]

    def back(value: Any) -> Any:
        parts = [_plain(entry) for entry in _list(value)]
        wrong = next((part for part in parts if argument in part or part == ""), None)
        if wrong is not None:
            raise ValueError(f"the entry {wrong!r} is empty or holds the separator {argument!r}")
        return argument.join(parts)

    return Transform(name, forward, back)


def _pluck(name: str, argument: Any) -> Transform:
    if not isinstance(argument, str) or not argument:
        raise ValueError(f"{name} takes a key, such as {{{name}: name}}, not {argument!r}")

    def forward(value: Any) -> Any:
        entries = _list(value)
        if not all(isinstance(entry, dict) and argument in entry for entry in entries):
            raise ValueError(f"not every entry has the key {argument!r}")
        return [entry[argument] for entry in entries]

    return Transform(name, forward, lambda value: [{argument: entry} for entry in _list(value)])


def _prefix(name: str, argument: Any) -> Transform:
    if not isinstance(argument, str) or not argument:
        raise ValueError(f'{name} takes the text in front, such as {{{name}: "tel:"}}, not {argument!r}')
    return Transform(name, lambda value: str(value).removeprefix(argument), lambda value: argument + str(value))


def _json(name: str, argument: Any) -> Transform:
    _none(name, argument)
    return Transform(name, lambda value: orjson.loads(value), lambda value: orjson.dumps(value).decode())


def _crlf(name: str, argument: Any) -> Transform:
    """Text whose lines end as the web's forms send them; here they end as everywhere else."""
    _none(name, argument)
    return Transform(name, lambda value: str(value).replace("\r\n", "\n"), _lines)


def _lines(value: Any) -> str:
    return str(value).replace("\r\n", "\n").replace("\n", "\r\n")


def _empty_null(name: str, argument: Any) -> Transform:
    _none(name, argument)
    return Transform(name, lambda value: None if value in ("", [], {}) else value, lambda value: value)


def _times(name: str, argument: Any) -> Transform:
    """Another unit: theirs is so many times ours, told exactly, so that nothing is lost on the way back."""
    try:
        factor = _decimal(argument)
    except ValueError:
        factor = Decimal(0)
    if not factor:
        raise ValueError(f"{name} takes how many of theirs are one of ours, such as {{{name}: 1000}}, not {argument!r}")

    def forward(value: Any) -> Any:
        ours = _decimal(value) / factor
        if ours * factor != _decimal(value):
            raise ValueError(f"{value!r} cannot be divided by {factor} without a rest")
        return format(ours.normalize(), "f")

    def back(value: Any) -> Any:
        theirs = _decimal(value) * factor
        return int(theirs) if theirs == theirs.to_integral_value() else float(theirs)

    return Transform(name, forward, back)


def _net_date(name: str, argument: Any) -> Transform:
    _none(name, argument)

    def forward(value: Any) -> Any:
        found = NET_DATE.fullmatch(str(value))
        if found is None:
            raise ValueError(f"{value!r} is not a time such as /Date(1439434356790+0000)/")
        return times.write(times.parse(found.group(1), "unix_ms"))

    return Transform(name, forward, lambda value: f"/Date({times.write(times.parse(value), 'unix_ms')}+0000)/")


def _null_if(name: str, argument: Any) -> Transform:
    if argument is None:
        raise ValueError(f'{name} takes the value that stands for none, such as {{{name}: "0000-00-00"}}')
    spellings = argument if isinstance(argument, list) else [argument]
    return Transform(name, lambda value: None if value in spellings else value, lambda value: value)


def _one_way(change: Callable[[str], Any], why: str) -> Callable[[str, Any], Transform]:
    def make(name: str, argument: Any) -> Transform:
        _none(name, argument)

        def forward(value: Any) -> Any:
            if not isinstance(value, str):
                raise ValueError(f"{value!r} is not text")
            return change(value)

        return Transform(name, forward, None, why)

    return make


def _none(name: str, argument: Any) -> None:
    if argument is not None:
        raise ValueError(f"{name} takes no argument, got {argument!r}")


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is not a list")
    return value


def _decimal(value: Any) -> Decimal:
    try:
        if isinstance(value, bool):
            raise InvalidOperation
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, TypeError, ValueError):
        raise ValueError(f"{value!r} is not a number") from None
    if not number.is_finite():
        raise ValueError(f"{value!r} is not a finite number")
    return number


def _rounded(name: str, argument: Any) -> Transform:
    if isinstance(argument, bool) or not isinstance(argument, int) or not 0 <= argument <= 9:
        raise ValueError(f"{name} takes the number of decimal places, 0 to 9, not {argument!r}")
    step = Decimal(1).scaleb(-argument)
    return Transform(
        name, lambda value: str(_decimal(value).quantize(step, ROUND_HALF_EVEN)), None, "digits are cut off"
    )


PARTS = "a part of a text does not say the rest of it"
REGISTRY: dict[str, Callable[[str, Any], Transform]] = {
    "unix_seconds": _moment("unix"),
    "unix_ms": _moment("unix_ms"),
    "cents": _cents,
    "number": _number,
    "text": _text,
    "bool_text": _flag("true", "false"),
    "bool_int": _flag(1, 0),
    "yes_no": _flag("yes", "no"),
    "split": _split,
    "pluck": _pluck,
    "prefix": _prefix,
    "json": _json,
    "empty_null": _empty_null,
    "times": _times,
    "net_date": _net_date,
    "null_if": _null_if,
    "crlf": _crlf,
    "round": _rounded,
    "first_word": _one_way(lambda text: text.split(maxsplit=1)[0] if text.split() else None, PARTS),
    "after_first_word": _one_way(lambda text: [*text.split(maxsplit=1), None, None][1], PARTS),
    "last_word": _one_way(lambda text: text.split()[-1] if text.split() else None, PARTS),
    "lower": _one_way(str.lower, "the case is lost"),
    "upper": _one_way(str.upper, "the case is lost"),
    "trim": _one_way(str.strip, "the blanks are lost"),
}
