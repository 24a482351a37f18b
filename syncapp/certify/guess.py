"""From what was sent and what came back to the normalisers that explain it: the shortest list that explains all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations
from typing import Any

from policies.core.norms import norm
from policies.core.types import same
from syncapp.connectors.spec import Norm

PLAIN: tuple[Norm, ...] = (
    "trim", "lower", "upper", "collapse_spaces", "empty_null", "sort", "unique", "digits", "ascii", "nfc",
    "seconds", "minutes", "date",
)  # fmt: skip
# What only another normaliser before it makes needed: blanks at the end of what was cut, nothing left at all.
LATER = ("trim", "empty_null")
MOST = 3
Pair = tuple[Any, Any]


def explained(norms: Sequence[Norm], pairs: Sequence[Pair], kind: str) -> bool:
    """Whether N of what was sent is what came back, each time. Both in canonical form."""
    try:
        known = norm(norms, kind)
        return all(same(known(sent), found) for sent, found in pairs)
    except ValueError:
        return False


def guess(pairs: Sequence[Pair], kind: str, declared: Sequence[Norm] = ()) -> list[Norm] | None:
    """The normalisers to declare: what is declared with as little as needed beside it, else another list, else None."""
    useful = [one for one in (*PLAIN, *_sized(pairs)) if one in LATER or _moves(one, pairs, kind)]
    for more in range(MOST + 1):
        for some in combinations([one for one in useful if one not in declared], more):
            if explained([*declared, *some], pairs, kind):
                return [*declared, *some]
    for number in range(MOST + 1):
        for order in _orders(useful, number):
            if explained(order, pairs, kind):
                return list(order)
    return None


def _orders(useful: Sequence[Norm], number: int) -> Iterator[tuple[Norm, ...]]:
    return permutations(useful, number)


def _moves(one: Norm, pairs: Sequence[Pair], kind: str) -> bool:
    """Only what changes something that was sent can explain a change."""
    known = norm([one], kind)
    return any(not same(known(sent), sent) for sent, _ in pairs)


def _sized(pairs: Sequence[Pair]) -> list[Norm]:
    """A text that was cut tells where; a number that was cut tells to how many digits."""
    longest = [
        len(found)
        for sent, found in pairs
        if isinstance(sent, str) and isinstance(found, str) and len(sent) > len(found)
    ]
    sizes: list[Norm] = [{"truncate": size} for size in sorted(set(longest), reverse=True)[:3]]
    return [*sizes, *({name: digits} for digits in range(5) for name in ("scale", "scale_half_up"))]
