"""Automations of the provider's own: rules that rewrite what the API writes, at once or a little later."""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from syncapp.sandbox.diary import Author, Change
from syncapp.sandbox.refusals import BadValue, Refused
from syncapp.sandbox.values import KINDS, Json

if TYPE_CHECKING:
    from syncapp.sandbox.book import Book, Shelf
    from syncapp.sandbox.store import Record, Store

ROBOT = Author("workflow", "Workflow")
DEEDS = ("set", "upper", "append")
LONGEST_WAIT = 86_400
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rule:
    """When the API wrote this field and its text fits, the field is set, put in capitals, or something is appended."""

    object: str
    field: str
    match: str
    deed: str
    value: Json
    after_seconds: float = 0.0

    @classmethod
    def read(cls, given: Json, shelf: Shelf) -> Rule:
        known = {"object", "field", "match", "after_seconds", *DEEDS}
        if not isinstance(given, dict) or not set(given) <= known:
            raise BadValue(f"A rule is an object with some of: {', '.join(sorted(known))}.", "rules")
        deeds = [name for name in DEEDS if name in given]
        if len(deeds) != 1:
            raise BadValue("A rule does exactly one of set, upper and append.", "rules")
        book = shelf.book(given.get("object"))
        field = book.sort.field(str(given.get("field")))
        match, wait = given.get("match", ""), given.get("after_seconds", 0)
        if isinstance(wait, bool) or not isinstance(wait, (int, float)) or not 0 <= wait <= LONGEST_WAIT:
            raise BadValue(f"after_seconds must be a number from 0 to {LONGEST_WAIT}, not {wait!r}.", "after_seconds")
        _check_pattern(match)
        if deeds[0] == "append" and not isinstance(given["append"], str):
            raise BadValue("append must be a text.", "append")
        return cls(book.sort.name, field.name, match, deeds[0], given[deeds[0]], float(wait))

    def as_json(self) -> dict[str, Json]:
        return {
            "object": self.object, "field": self.field, "match": self.match, self.deed: self.value,
            "after_seconds": self.after_seconds,
        }  # fmt: skip

    def sentence(self) -> str:
        """For people."""
        deed = {
            "set": f"is set to “{self.value}”",
            "upper": "is put in capitals",
            "append": f"gets “{self.value}” added",
        }
        fits = f" and fits “{self.match}”" if self.match else ""
        later = f", {self.after_seconds:g} s later" if self.after_seconds else ""
        return f"When the API wrote {self.field} of {self.object}{fits}, it {deed[self.deed]}{later}."

    def rewritten(self, book: Book, value: Json) -> Json:
        """What it makes of a value, as it was sent; the value itself where it does not fit."""
        shown = KINDS[book.sort.by_name[self.field].kind].show(value)
        if not re.search(self.match, shown) or (self.deed != "set" and not shown):
            return value
        if self.deed == "set":
            return self.value
        if isinstance(value, list):
            return [one.upper() for one in value] if self.deed == "upper" else [*value, self.value]
        return str(value).upper() if self.deed == "upper" else f"{value}{self.value}"


def _check_pattern(pattern: Json) -> None:
    try:
        if not isinstance(pattern, str):
            raise re.error("it is no text")
        re.compile(pattern)
    except re.error as error:
        raise BadValue(f"match must be a regular expression: {error}.", "match") from None


class Workflow:
    """The rules, and the thread that does what they do later."""

    def __init__(self, store: Store) -> None:
        self._store, self._bell, self._stopping = store, threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._shelf: Shelf | None = None

    @property
    def rules(self) -> list[Rule]:
        return [Rule(**kept) for kept in self._store.setting("rules") or ()]

    def change(self, rules: list[Rule]) -> None:
        self._store.set_setting("rules", [asdict(rule) for rule in rules])

    def react(self, book: Book, change: Change) -> None:
        """Somebody wrote by the API: what the rules say follows, in the same transaction or as a chore for later."""
        if not change.author.is_api or change.action == "delete":
            return
        for rule in self.rules:
            if rule.object != book.sort.name or rule.field not in change.typed:
                continue
            if rule.after_seconds == 0:
                self._do(book, rule, change.after.id)
                continue
            line = {"due": time.time() + rule.after_seconds, "id": change.after.id, "rule": json.dumps(asdict(rule))}
            self._store.append("chores", dict(line))
            self._bell.set()

    def _do(self, book: Book, rule: Rule, identifier: str) -> None:
        """Inside a transaction. A rule that the field's kind refuses does nothing, as a broken automation would."""
        old = book.table.record(identifier)
        if old is None or old.deleted:
            return
        typed = {rule.field: rule.rewritten(book, old.fields[rule.field])}
        try:
            stored = book.sort.store(typed, book.box.now.extra_normalisation)
        except Refused as error:
            log.warning("The rule for %s did nothing to %s: %s", rule.field, identifier, error.message)
            return
        if stored[rule.field] != old.fields[rule.field]:
            new: Record = book.next_of(old, ROBOT, fields=old.fields | stored)
            book.write(Change("update", ROBOT, typed, old.fields, new, True))

    def start(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._thread = threading.Thread(target=self._run, name="sandbox workflow", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._bell.set()
        if self._thread:
            self._thread.join(5)

    def _run(self) -> None:
        while not self._stopping.is_set():
            # Cleared before looking: a ring during the look is not missed.
            self._bell.clear()
            for chore in self._store.rows("SELECT * FROM chores WHERE due <= ? ORDER BY due, seq", [time.time()]):
                self._settle(int(chore["seq"]), Rule(**json.loads(chore["rule"])), chore["id"])
            due = self._store.rows("SELECT MIN(due) FROM chores")[0][0]
            self._bell.wait(60.0 if due is None else max(0.0, min(60.0, due - time.time())))

    def _settle(self, seq: int, rule: Rule, identifier: str) -> None:
        assert self._shelf is not None
        book = self._shelf.books[rule.object]
        with self._store.transaction():
            # A restore may have taken it away meanwhile.
            if self._store.run("DELETE FROM chores WHERE seq = ?", [seq]):
                self._do(book, rule, identifier)
        book.outbox.ring()
