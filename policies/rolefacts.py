"""What a role's feed can do, as the clerk tells it to whoever compiles a policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .core.digest import digest
from .scopes import Told


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """What a role's feed can do, as the clerk derived it from the provider's manifest and the feed's mapping."""

    norms: Mapping[str, Sequence[Any]] = field(default_factory=dict)  # canonical field -> normaliser specs
    readable: frozenset[str] = frozenset()  # canonical fields that are read from there
    writable: frozenset[str] = frozenset()  # canonical fields that can be written there
    exact: bool = False
    ordered: bool = False
    conditional: bool = False
    timed: bool = False
    granularity: float = 0.0  # of its times, in seconds
    direction: str = "both"
    creates: bool = True
    scope: tuple[Told, ...] = ()  # what is made there
    needs: Mapping[str, str] = field(default_factory=dict)  # canonical fields that tell what a new record needs there
    lacks: tuple[str, ...] = ()  # what it needs besides, by the provider's names

    def as_json(self) -> dict[str, Any]:
        return {
            "norms": {name: list(specs) for name, specs in self.norms.items()},
            "readable": sorted(self.readable),
            "writable": sorted(self.writable),
            "flags": [self.exact, self.ordered, self.conditional, self.timed, self.creates],
            "granularity": str(self.granularity),
            "direction": self.direction,
            **({"scope": [list(one) for one in self.scope]} if self.scope else {}),
            **({"needs": dict(self.needs), "lacks": list(self.lacks)} if self.needs or self.lacks else {}),
        }


def facts_digest(facts: Mapping[str, RoleFacts]) -> str:
    return digest({name: role.as_json() for name, role in facts.items()})
