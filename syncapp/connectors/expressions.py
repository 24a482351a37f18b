"""JSONata in provider files: what a path cannot say. Compiled once per thread, pure, and never without limits."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import jsonatapy
import orjson

from syncapp.connectors import paths
from syncapp.connectors.errors import Permanent
from syncapp.connectors.located import Located, Place
from syncapp.connectors.paths import ABSENT

TIMEOUT_MS: Final = 100
TRIES: Final = 3  # the time is the wall's: a busy machine may stop us in the middle, hardly three times in a row
MAX_DEPTH: Final = 100
MAX_SEQUENCE: Final = 10_000
MAX_TEXT: Final = 4_000
MAX_INPUT: Final = 1_000_000
MAX_OUTPUT: Final = 1_000_000
MAX_KEPT: Final = 1_000
EXACT: Final = 2**53 - 1

IMPURE = "it gives another answer each time, and the same record has to mean the same tomorrow"
REFUSED: Final = {
    "now": IMPURE,
    "millis": IMPURE,
    "random": IMPURE,
    "shuffle": IMPURE,
    "eval": "it runs text of the provider as a program",
    "pad": "its length is not limited; use $substring of a longer text, or $formatInteger",
}
CALLED = re.compile(r"\$(" + "|".join(REFUSED) + r")\b")
QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
NUMBER = re.compile(r"(?<![\w.])\d{16,}")
LIMITS = {
    "D1011": f"calls are nested deeper than {MAX_DEPTH}",
    "D1012": f"it took longer than {TIMEOUT_MS} ms",
    "D2015": f"it made a list of more than {MAX_SEQUENCE:,} entries",
}


FREE = ("body", "query", "headers", "by", "auth", "types", "config", "secrets")  # their keys are the author's


class ExpressionError(Permanent, ValueError):
    """Which expression of which file, what was wrong with it, what to do."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression and the place where it stands."""

    text: str
    where: str = field(default="", repr=False, compare=False)

    def __call__(self, value: Any) -> Any:
        """Its result, or ABSENT where it gives nothing. Raises ExpressionError."""
        content = self._content(value)
        result = self._evaluated(content)
        if result is None:
            return ABSENT
        if len(result) > MAX_OUTPUT:
            raise self.wrong(f"its result is larger than {MAX_OUTPUT:,} characters", "a smaller result")
        found = orjson.loads(result)
        if _inexact(found):
            raise self.wrong(
                f"its result holds a number beyond {EXACT:,}, which may have been rounded",
                "such numbers as text; they come in as text, so leave out $number and arithmetic",
            )
        return found

    def true(self, value: Any) -> bool:
        """Its result as a test. Raises ExpressionError if it is neither true, false nor nothing."""
        found = self(value)
        if found is ABSENT or isinstance(found, bool):
            return found is True
        raise self.wrong(f"a test gave {str(found)[:60]!r}", "true or false, such as ok = true or $exists(id)")

    def check(self) -> Expression:
        """Itself, if it can be run. Raises ExpressionError."""
        if len(self.text) > MAX_TEXT:
            raise self.wrong(f"it is longer than {MAX_TEXT:,} characters", "a shorter expression")
        called = CALLED.search(self.text)
        if called:
            raise self.wrong(f"${called[1]} is not available: {REFUSED[called[1]]}", "an expression without it")
        for number in NUMBER.findall(QUOTED.sub("", self.text)):
            if int(number) > EXACT:
                raise self.wrong(f"the number {number} would be rounded", "it as text, in quotes")
        self._compiled()
        return self

    def wrong(self, what: str, accepted: str) -> ExpressionError:
        shown = self.text if len(self.text) <= 80 else self.text[:79] + "…"
        return ExpressionError(f"the expression {shown!r} failed: {what}", self.where, accepted)

    def _compiled(self) -> Any:
        # a compiled expression belongs to the thread that compiled it: used in another one it panics
        kept: dict[str, Any] = _KEPT.__dict__.setdefault("compiled", {})
        found = kept.get(self.text)
        if found is None:
            if len(kept) >= MAX_KEPT:
                kept.clear()
            try:
                found = jsonatapy.compile(
                    self.text, timeout=TIMEOUT_MS, max_stack_depth=MAX_DEPTH, max_sequence_length=MAX_SEQUENCE
                )
            except ValueError as error:
                raise self.wrong(str(error), "JSONata, see docs.jsonata.org") from None
            kept[self.text] = found
        return found

    def _content(self, value: Any) -> str:
        try:
            content = orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER)
        except TypeError:
            content = self._spelled(value)
        if len(content) > MAX_INPUT:
            raise self.wrong(f"it was given more than {MAX_INPUT:,} bytes", "a path to the part that it needs")
        return content.decode()

    def _spelled(self, value: Any) -> bytes:
        try:
            return orjson.dumps(_exact(value), option=orjson.OPT_STRICT_INTEGER)
        except (TypeError, RecursionError) as error:
            raise self.wrong(f"it was given something that is not JSON ({error})", "JSON") from None

    def _evaluated(self, content: str) -> str | None:
        compiled = self._compiled()
        for left in reversed(range(TRIES)):
            try:
                result: str | None = compiled.evaluate_json_or_none(content)
            except ValueError as error:
                if left and "D1012" in str(error):
                    continue
                raise self._told(str(error)) from None
            return result
        raise AssertionError  # the last try returns or raises

    def _told(self, said: str) -> ExpressionError:
        limit = next((words for code, words in LIMITS.items() if code in said), None)
        if limit:
            return self.wrong(f"{limit} ({said})", "an expression without recursion, over a smaller part")
        return self.wrong(said, "try it with the provider's body; $exists(…) guards what may be missing")


_KEPT = threading.local()
Source = str | Expression


def reads(source: Source) -> Callable[[Any], Any]:
    """A function that reads a path or an expression, or gives ABSENT."""
    return paths.getter(source) if isinstance(source, str) else source.check()


def listed(source: Source, body: Any) -> list[Any] | None:
    """A list in a body, None if there is none. An expression gives a list of one as that one, and none as nothing."""
    found = reads(source)(body)
    if isinstance(source, str) or isinstance(found, list):
        return found if isinstance(found, list) else None
    return [] if found is ABSENT else [found]


def first(sources: Iterable[Source]) -> Callable[[Any], Any]:
    """A function that gives the first of several that is present and not null, else ABSENT."""
    readers = [reads(source) for source in sources]

    def read(body: Any) -> Any:
        for reader in readers:
            value = reader(body)
            if value is not ABSENT and value is not None:
                return value
        return ABSENT

    return read


def told(source: Source) -> str:
    return source if isinstance(source, str) else source.text


def check_expressions(found: Located, place: Place, raw: Any) -> None:
    """Every expression in the file can be run, and an inverse has something to be the inverse of."""
    if isinstance(raw, list):
        for index, entry in enumerate(raw):
            check_expressions(found, (*place, index), entry)
    if not isinstance(raw, Mapping):
        return
    if "inverse" in raw and "jsonata" not in raw and len(place) > 1 and place[-2] == "fields":
        raise found.wrong(place, "an inverse without an expression", "jsonata beside inverse, or neither")
    for key, value in raw.items():
        if key in ("jsonata", "inverse") and isinstance(value, str):
            try:
                Expression(value).check()
            except ExpressionError as error:
                raise found.wrong((*place, key), error.what, error.accepted) from None
        elif key not in FREE:
            check_expressions(found, (*place, key), value)


def _exact(value: Any) -> Any:
    """The same with integers that JSONata would round as text: an id is never silently another one."""
    if isinstance(value, dict):
        return {key: _exact(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > EXACT:
        return str(value)
    return value


def _inexact(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_inexact, value.values()))
    if isinstance(value, list):
        return any(map(_inexact, value))
    return isinstance(value, int | float) and abs(value) > EXACT
