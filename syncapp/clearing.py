"""Emptying a field everywhere: may a person do it, and what it does at each system."""

from __future__ import annotations

from collections.abc import Sequence

from policies.core.diff import is_null
from policies.core.ownership import may_clear, reads
from policies.core.rules import Unit
from policies.core.values import HUB

from .sight import Sight
from .typed import LISTS
from .words import capital


def clearing(sight: Sight, unit: Unit) -> Sequence[str] | None:
    """What clearing does, one sentence for each system; None where the policy lets no person clear the field."""
    lists = all(member.kind in LISTS for member in unit.members)  # a list without an entry is a value
    if not lists and not may_clear(unit, sight.record, HUB):
        return None
    told = [f"{capital(sight.words.role(role))}: {_at(sight, unit, role)}" for role in sight.policy.roles]
    keys = {name for names in sight.policy.match_keys for name in names}
    if keys & {member.name for member in unit.members}:
        told.append("Records are looked up by this field: without it, this one may no longer be found or made anywhere")
    return told


def _at(sight: Sight, unit: Unit, role: str) -> str:
    link = sight.record.links.get(role)
    if link is None or link.remote_id is None or link.gone is not None or link.unlinked:
        return "nothing; the record is not kept in step there"
    if not reads(unit, sight.policy, role):
        return "nothing; the policy does not write it there"
    base = link.bases.get(unit.name)
    if base is None or is_null(base.stored):
        return "nothing; it is empty there"
    return f"“{sight.words.values(base.stored)}” is removed there"
