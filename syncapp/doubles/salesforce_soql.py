"""As much of SOQL as lists are asked by: SELECT fields FROM object WHERE … ORDER BY … LIMIT … OFFSET.

From https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/: times without quotes, `\\'` in texts,
null, LIKE with % and _, IN, NOT, AND and OR with parentheses, text compared without regard to case. Left out:
relationships, aggregates but COUNT(), date literals such as TODAY, GROUP BY, USING SCOPE.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from syncapp.doubles.answers import read_iso
from syncapp.doubles.salesforce_values import COMPOUND, FIELDS, SYSTEM, error, long_id

Values = dict[str, Any]
Test = Callable[[Values], bool]
TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<time>\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))?)"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[A-Za-z_][\w.]*(?:\(\w*\))?)|(?P<sign><=|>=|!=|<>|[=<>(),]))"
)
SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<>": operator.ne,
    "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True)
class Query:
    kind: str
    fields: list[str]
    holds: Test
    order: list[tuple[str, bool]]
    limit: int | None
    offset: int

    def rows(self, found: list[Values]) -> list[Values]:
        rows = [values for values in found if self.holds(values)]
        for name, down in reversed(self.order):
            rows.sort(key=lambda values: _sortable(name, self.kind, values[name]), reverse=down)
        return rows[self.offset :][: self.limit]


def _sortable(name: str, kind: str, value: Any) -> tuple[bool, Any]:
    return value is not None, "" if value is None else _comparable(kind, name, value)


def _comparable(kind: str, name: str, value: Any) -> Any:
    field = SYSTEM.get(name) or FIELDS[kind].get(name)
    if field and field.type == "datetime" and isinstance(value, str):
        return read_iso(value)
    if field and field.type == "id" and isinstance(value, str):
        return long_id(value)
    return value.lower() if isinstance(value, str) else value


class Reader:
    def __init__(self, text: str) -> None:
        self._tokens, self._at = self._split(text), 0

    def _split(self, text: str) -> list[tuple[str, str]]:
        found, at = [], 0
        while at < len(text.rstrip()):
            match = TOKEN.match(text, at)
            if match is None:
                raise _malformed(f"unexpected token: '{text[at : at + 12]}'")
            found.append((str(match.lastgroup), match[str(match.lastgroup)]))
            at = match.end()
        return found

    def query(self) -> Query:
        self._want("SELECT")
        names = [self._name()]
        while self._took(","):
            names.append(self._name())
        self._want("FROM")
        self.kind = self._name()
        if self.kind not in FIELDS:
            told = f"sObject type '{self.kind}' is not supported."
            raise error(400, "INVALID_TYPE", told)
        holds = self._either() if self._took("WHERE") else lambda values: True
        order = self._order()
        limit = int(self._next()[1]) if self._took("LIMIT") else None
        offset = int(self._next()[1]) if self._took("OFFSET") else 0
        if self._at != len(self._tokens):
            raise _malformed(f"unexpected token: '{self._tokens[self._at][1]}'")
        return Query(self.kind, self._fields(names, limit), holds, order, limit, offset)

    def _fields(self, names: list[str], limit: int | None) -> list[str]:
        own = [*SYSTEM, *FIELDS[self.kind], *COMPOUND[self.kind]]
        if names == ["COUNT()"]:
            return names
        if any(name.startswith("FIELDS(") for name in names):
            if limit is None or limit > 200:
                raise _malformed("The SOQL FIELDS function must have a LIMIT of at most 200")
            return own
        return [self._known(name) for name in names]

    def _known(self, name: str) -> str:
        own = {field.lower(): field for field in (*SYSTEM, *FIELDS[self.kind], *COMPOUND[self.kind])}
        if name.lower() not in own:
            told = f"No such column '{name}' on entity '{self.kind}'. If you are attempting to use a custom field,"
            raise error(400, "INVALID_FIELD", f"{told} be sure to append the '__c' after the custom field name.")
        return own[name.lower()]

    def _order(self) -> list[tuple[str, bool]]:
        order: list[tuple[str, bool]] = []
        if self._took("ORDER"):
            self._want("BY")
            while True:
                name, down = self._known(self._name()), self._took("DESC")
                order.append((name, down or (self._took("ASC") and False)))
                if self._took("NULLS"):
                    self._next()
                if not self._took(","):
                    break
        return order

    def _either(self) -> Test:
        tests = [self._both()]
        while self._took("OR"):
            tests.append(self._both())
        return lambda values: any(test(values) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._took("AND"):
            tests.append(self._one())
        return lambda values: all(test(values) for test in tests)

    def _one(self) -> Test:
        if self._took("NOT"):
            test = self._one()
            return lambda values: not test(values)
        if self._took("("):
            inner = self._either()
            self._want(")")
            return inner
        name = self._known(self._name())
        if self._took("LIKE"):
            return self._like(name)
        negated = self._took("NOT")
        if negated or self._upper() == "IN":
            self._want("IN")
            return self._among(name, negated)
        sign = self._next()[1]
        if sign not in SIGNS:
            raise _malformed(f"unexpected token: '{sign}'")
        return self._compare(name, sign, self._value())

    def _compare(self, name: str, sign: str, value: Any) -> Test:
        if value is None:
            return lambda values: (values[name] is None) is (sign == "=")
        wanted = _comparable(self.kind, name, value)
        return lambda values: _compared(SIGNS[sign], sign, _comparable(self.kind, name, values[name]), wanted)

    def _like(self, name: str) -> Test:
        text = re.escape(str(self._value()).lower()).replace("%", ".*").replace("_", ".")
        return lambda values: re.fullmatch(text, str(values[name] or "").lower()) is not None

    def _among(self, name: str, negated: bool) -> Test:
        self._want("(")
        wanted = [_comparable(self.kind, name, self._value())]
        while self._took(","):
            wanted.append(_comparable(self.kind, name, self._value()))
        self._want(")")
        return lambda values: (_comparable(self.kind, name, values[name]) in wanted) is not negated

    def _value(self) -> Any:
        type, text = self._next()
        if type == "text":
            return re.sub(r"\\(.)", r"\1", text[1:-1])
        if type == "number":
            return float(text)
        if type == "word" and text.lower() in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[text.lower()]
        if type == "time":
            return text
        raise _malformed(f"unexpected token: '{text}'")

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise _malformed("unexpected token: '<EOF>'")
        self._at += 1
        return self._tokens[self._at - 1]

    def _name(self) -> str:
        type, text = self._next()
        if type != "word":
            raise _malformed(f"unexpected token: '{text}'")
        return text

    def _upper(self) -> str:
        return self._tokens[self._at][1].upper() if self._at < len(self._tokens) else ""

    def _took(self, word: str) -> bool:
        took = self._upper() == word
        self._at += took
        return took

    def _want(self, word: str) -> None:
        if not self._took(word):
            raise _malformed(f"expecting {word} but found '{self._upper() or '<EOF>'}'")


def _compared(test: Callable[[Any, Any], bool], sign: str, have: Any, wanted: Any) -> bool:
    if have is None:
        return sign in ("!=", "<>")
    try:
        return test(have, wanted)
    except TypeError:
        raise error(400, "INVALID_FIELD", "value of filter criterion must be of the type of its field") from None


def _malformed(told: str) -> Exception:
    return error(400, "MALFORMED_QUERY", told)
