"""Ledger lines: what a plan changed, written so that folding the lines gives the state again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from policies.core.codec import to_json
from policies.core.types import same
from policies.core.values import Belief, Link, Record

Json = dict[str, Any]
# Moves with every read, and is told once per page of a feed: not part of what a record is believed to be.
READ_MARKS = ("read_at", "version", "digest")
MOVED = "moved"  # the verdict of a line that only carries changes


class Spelling:
    """The JSON of frozen values, each spelled once per page however often it is written."""

    def __init__(self) -> None:
        self._told: dict[int, tuple[Any, Any]] = {}  # with the value, so that its id stays its own

    def belief(self, belief: Belief) -> Json:
        return self._once(belief, to_json)

    def link(self, link: Link) -> tuple[Json, Json]:
        return self._once(link, link_json)

    def _once(self, value: Any, spell: Callable[[Any], Any]) -> Any:
        known = self._told.get(id(value))
        if known is None:
            known = self._told[id(value)] = (value, spell(value))
        return known[1]


def link_json(link: Link) -> tuple[Json, Json]:
    """(head, bases) of a link; without the read marks, which have columns of their own."""
    head = to_json(link)
    bases = head.pop("bases", {})
    for name in ("role", "remote_id", *READ_MARKS):
        head.pop(name, None)
    return head, bases


def only_read(old: Link, new: Link) -> bool:
    """Nothing moved but when, and at which version, the link was read."""
    if old.bases is new.bases:  # the common case, without encoding anything
        return replace(new, read_at=old.read_at, version=old.version, digest=old.digest) == old
    if old.bases != new.bases:
        return False
    return old.remote_id == new.remote_id and same(list(link_json(old)), list(link_json(new)))


def changes_of(before: Record | None, after: Record, spelling: Spelling | None = None) -> Json:
    """What became, by part: {} if nothing did. A part that ended is null."""
    spelling = spelling or Spelling()
    old = before or Record(after.key)
    out: Json = {}
    if before is None or _record_part(old) != _record_part(after):
        out["record"] = _record_part(after)
    beliefs = _changed_beliefs(old.beliefs, after.beliefs, spelling)
    links: Json = {role: _changed_link(old.links.get(role), link, spelling) for role, link in after.links.items()}
    links = {role: change for role, change in links.items() if change}
    links |= {role: None for role in old.links if role not in after.links}
    if beliefs:
        out["beliefs"] = beliefs
    if links:
        out["links"] = links
    if old.questions is not after.questions and old.questions != after.questions:
        out["questions"] = [to_json(question) for question in after.questions]
    return out


def _record_part(record: Record) -> Json:
    part: Json = {"version": record.version, "creator": record.creator}
    return {**part, "apart": dict(record.apart)} if record.apart else part


def _changed_beliefs(old: Mapping[str, Belief], new: Mapping[str, Belief], spelling: Spelling) -> Json:
    if old is new:
        return {}
    out: Json = {name: spelling.belief(belief) for name, belief in new.items() if not _same(old.get(name), belief)}
    return out | {name: None for name in old if name not in new}


def _same(a: Any, b: Any) -> bool:
    return a is b or (a is not None and a == b and same(to_json(a), to_json(b)))


def _changed_link(old: Link | None, new: Link, spelling: Spelling) -> Json:
    if old is new or (old is not None and only_read(old, new)):
        return {}
    head, bases = spelling.link(new)
    old_head, old_bases = spelling.link(old) if old is not None else ({}, {})
    out: Json = {}
    head = head | {"remote_id": new.remote_id}
    if old is None or not same(old_head | {"remote_id": old.remote_id}, head):
        out["head"] = head
    moved: Json = {name: base for name, base in bases.items() if not same(old_bases.get(name), base)}
    moved |= {name: None for name in old_bases if name not in bases}
    if moved:
        out["bases"] = moved
    return out


def empty_state() -> Json:
    return {"record": {"version": 0, "creator": ""}, "beliefs": {}, "links": {}, "questions": []}


def fold(state: Json, changes: Json) -> Json:
    """The state after one line's changes; `state` is changed in place and returned."""
    if "record" in changes:
        state["record"] = changes["record"]
    _fold_parts(state["beliefs"], changes.get("beliefs", {}))
    for role, change in changes.get("links", {}).items():
        if change is None:
            state["links"].pop(role, None)
            continue
        link = state["links"].setdefault(role, {"head": {}, "bases": {}})
        link["head"] = change.get("head", link["head"])
        _fold_parts(link["bases"], change.get("bases", {}))
    if "questions" in changes:
        state["questions"] = changes["questions"]
    return state


def _fold_parts(parts: Json, changes: Json) -> None:
    for name, value in changes.items():
        if value is None:
            parts.pop(name, None)
        else:
            parts[name] = value


def fold_all(lines: Iterable[Json | None]) -> Json:
    state = empty_state()
    for changes in lines:
        if changes:
            fold(state, changes)
    return state


def state_json(record: Record) -> Json:
    """A record as `fold_all` would give it."""
    return fold(empty_state(), changes_of(None, record))
