"""As much of Airtable's formulas as lists are filtered by.

From https://support.airtable.com/docs/formula-field-reference: IS_AFTER, IS_BEFORE, IS_SAME, AND, OR, NOT,
LAST_MODIFIED_TIME(), CREATED_TIME(), RECORD_ID(), FIND(), DATETIME_PARSE(), {Field}, texts, numbers, = != < > <= >=.
Times of records are cut to seconds (unverified, as public connectors remark).
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from syncapp.doubles.answers import read_iso

TOKEN = re.compile(r"""\s*(?:(?P<name>[A-Z_]+)(?=\()|\{(?P<field>[^}]+)\}|'(?P<one>[^']*)'|"(?P<two>[^"]*)"|"""
                   r"""(?P<number>-?\d+(?:\.\d+)?)|(?P<sign>!=|<=|>=|[=<>(),]))""")  # fmt: skip
SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip
Token = tuple[str, str]


class BadFormula(Exception):
    """It cannot be read; the text says why."""


class Formula:
    def __init__(self, text: str) -> None:
        self._tokens, self._at = list(_tokens(text)), 0
        self._holds = self._expression()
        if self._at != len(self._tokens):
            raise BadFormula(f"unexpected {self._tokens[self._at][1]!r}")

    def holds(self, record: dict[str, Any]) -> bool:
        """`record`: cells by name, and beside them `id`, `created` and `updated`."""
        return bool(self._holds(record))

    def _next(self) -> Token:
        if self._at >= len(self._tokens):
            raise BadFormula("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expression(self) -> Callable[[dict[str, Any]], Any]:
        left = self._term()
        if self._at < len(self._tokens) and self._tokens[self._at][1] in SIGNS:
            sign, right = SIGNS[self._next()[1]], self._term()
            return lambda record: _compare(sign, left(record), right(record))
        return left

    def _term(self) -> Callable[[dict[str, Any]], Any]:
        kind, text = self._next()
        if kind == "name":
            return self._call(text)
        if kind == "field":
            return lambda record: record.get(text, "")
        if kind == "number":
            return lambda record: float(text)
        if kind == "text":
            return lambda record: text
        raise BadFormula(f"unexpected {text!r}")

    def _call(self, name: str) -> Callable[[dict[str, Any]], Any]:
        if name not in FUNCTIONS:
            raise BadFormula(f"unknown function {name}; here are {', '.join(FUNCTIONS)}")
        self._next()
        given: list[Callable[[dict[str, Any]], Any]] = []
        while self._tokens[self._at : self._at + 1] != [("sign", ")")]:
            given.append(self._expression())
            if self._tokens[self._at : self._at + 1] == [("sign", ",")]:
                self._at += 1
        self._next()
        return lambda record: FUNCTIONS[name](record, *[one(record) for one in given])


def _tokens(text: str) -> list[Token]:
    found, at = [], 0
    while at < len(text.rstrip()):
        match = TOKEN.match(text, at)
        if match is None:
            raise BadFormula(f"it cannot be read from {text[at : at + 20]!r} on")
        kind = str(match.lastgroup)
        found.append(("text" if kind in ("one", "two") else kind, match[kind]))
        at = match.end()
    return found


def _compare(sign: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    if isinstance(left, datetime) or isinstance(right, datetime):
        left, right = _moment(left), _moment(right)
    try:
        return sign(left, right)
    except TypeError:
        return False


def _moment(value: Any) -> datetime:
    try:
        return value if isinstance(value, datetime) else read_iso(value if "T" in value else f"{value}T00:00:00Z")
    except (TypeError, ValueError):
        raise BadFormula(f"{value!r} is no time") from None


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "LAST_MODIFIED_TIME": lambda record, *_: record["updated"].replace(microsecond=0),
    "CREATED_TIME": lambda record: record["created"].replace(microsecond=0),
    "FIND": lambda record, what, text, *_: str(text).find(str(what)) + 1,
    "RECORD_ID": lambda record: record["id"],
    "DATETIME_PARSE": lambda record, text, *_: _moment(text),
    "IS_AFTER": lambda record, left, right: _moment(left) > _moment(right),
    "IS_BEFORE": lambda record, left, right: _moment(left) < _moment(right),
    "IS_SAME": lambda record, left, right, *_: _moment(left) == _moment(right),
    "AND": lambda record, *given: all(given),
    "OR": lambda record, *given: any(given),
    "NOT": lambda record, given: not given,
    "TRUE": lambda record: True,
}
