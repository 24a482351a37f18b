"""Merges: what was known of a record that lives on in another one is not lost with it."""

from __future__ import annotations

from policies.core.diff import is_null, same_at
from policies.core.identity import lives_on_in
from policies.core.values import Record, Values

from .findings import Findings
from .world import World


def merges(world: World, findings: Findings) -> None:
    for key, record in world.store.records.items():
        into = _lives_on_in(world, record)
        for unit in world.policy.units if into else ():
            last = _newest(world, key, unit.name)
            known = [value for other in into for value in _on_record(world, other, unit.name)]
            if last is not None and not any(_same(world, last, value) for value in known):
                findings.violations.append(f"I1: {key} lives on in {into}, and its {unit.name} {last} is nowhere")


def _lives_on_in(world: World, record: Record) -> list[str]:
    """The records that it lived on in, one after the other."""
    keys: list[str] = []
    while (into := lives_on_in(record)) and into not in keys:
        keys.append(into)
        record = world.store.records[into]
    return keys


def _on_record(world: World, key: str, unit: str) -> list[Values]:
    return [*world.believed.get((key, unit), {}).values(), *world.asked.get((key, unit), [])]


def _newest(world: World, key: str, unit: str) -> Values | None:
    """The last value that was believed of it, if there was one."""
    known = world.believed.get((key, unit), {})
    value = known[max(known)] if known else None
    return None if value is None or is_null(value) else value


def _same(world: World, one: Values, other: Values) -> bool:
    return any(same_at(role, one, other) for role in world.policy.roles.values())
