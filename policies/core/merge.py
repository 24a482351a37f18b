"""Named three-way merges: what theirs changed since the base, applied to what the hub believes. A closed registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import SequenceMatcher

from .scalars import fit
from .types import same
from .values import Json

Hunk = tuple[int, int, list[str]]  # base lines [from, to) become these lines
_NONE: frozenset[str] = frozenset()


class Overlap(Exception):
    """Both sides changed the same part; the message is a sentence for a reader."""


class Unbased(Exception):
    """There is nothing to compare with, so what changed cannot be told; the message is a sentence for a reader."""


def merge(kind: str, base: Json, hub: Json, theirs: Json, readded: frozenset[str] = _NONE) -> Json:
    """Apply base → theirs to hub. Elements in `readded` survive a removal. Raises Overlap or Unbased."""
    if kind not in MERGES:
        raise ValueError(f"fields of type {kind!r} cannot be merged; mergeable: {', '.join(sorted(MERGES))}")
    if base is None or theirs is None:
        raise Unbased("one side holds no value, so what it changed cannot be told")
    if same(theirs, base):
        return hub
    if same(hub, base) and not (kind == "set" and readded):
        return theirs
    if hub is None:
        raise Overlap("one side emptied the value while the other changed it")
    return _set(base, hub, theirs, readded) if kind == "set" else MERGES[kind](base, hub, theirs)


def _set(base: Json, hub: Json, theirs: Json, readded: frozenset[str] = _NONE) -> Json:
    removed = set(base) - set(theirs) - readded
    added = set(theirs) - set(base)
    return sorted((set(hub) - removed) | added)


def _counter(base: Json, hub: Json, theirs: Json) -> Json:
    return fit(int(hub) + int(theirs) - int(base))


def _map(base: Json, hub: Json, theirs: Json) -> Json:
    merged = dict(hub)
    for key in sorted(base.keys() | theirs.keys()):  # sorted: the same overlap is named on every machine
        if _holds_same(base, theirs, key):
            continue
        if not (_holds_same(base, hub, key) or _holds_same(hub, theirs, key)):
            raise Overlap(f"both sides changed {key!r} differently")
        if key in theirs:
            merged[key] = theirs[key]
        else:
            merged.pop(key, None)
    return merged


def _holds_same(left: Mapping[str, Json], right: Mapping[str, Json], key: str) -> bool:
    if key in left and key in right:
        return same(left[key], right[key])
    return key not in left and key not in right


def _list(base: Json, hub: Json, theirs: Json) -> Json:
    if same(hub, theirs):
        return hub
    raise Overlap("both sides changed the list, and its order leaves no room for both changes")


def _long_text(base: Json, hub: Json, theirs: Json) -> Json:
    lines = base.split("\n")
    merged = "\n".join(_apply(lines, _combined(_hunks(lines, hub), _hunks(lines, theirs)))).strip()
    if not merged:
        raise Overlap("the two changes together would leave no text")
    return merged


def _hunks(lines: list[str], changed: str) -> list[Hunk]:
    after = changed.split("\n")
    codes = SequenceMatcher(None, lines, after, autojunk=False).get_opcodes()
    return [(i1, i2, after[j1:j2]) for tag, i1, i2, j1, j2 in codes if tag != "equal"]


def _combined(mine: list[Hunk], theirs: list[Hunk]) -> list[Hunk]:
    for left in mine:
        for right in theirs:
            if left != right and left[0] <= right[1] and right[0] <= left[1]:
                raise Overlap(f"both sides changed the text around line {max(left[0], right[0]) + 1}")
    return sorted(mine + [hunk for hunk in theirs if hunk not in mine])


def _apply(lines: list[str], hunks: list[Hunk]) -> list[str]:
    merged, at = [], 0
    for start, end, replacement in hunks:
        merged += lines[at:start] + replacement
        at = end
    return merged + lines[at:]


def lift_text(stored: Json, x: Json, meant: Json) -> Json:
    """Read x through what the account made of the hub's text: its change since `stored`, applied to `meant`."""
    if same(x, stored):
        return meant
    if not (isinstance(stored, str) and isinstance(x, str) and isinstance(meant, str)):
        return x
    try:
        return merge("long_text", stored, meant, x)
    except Overlap:
        return x  # the change cannot be told apart from what the account cut: take what it shows


MERGES: Mapping[str, Callable[[Json, Json, Json], Json]] = {
    "set": _set,
    "counter": _counter,
    "map": _map,
    "long_text": _long_text,
    "list": _list,
}
MERGEABLE = frozenset(MERGES)


def is_counter(kind: str) -> bool:
    """Counters are the one kind whose equal totals prove nothing."""
    return kind == "counter"
