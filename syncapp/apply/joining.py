"""A role that joins a sync while people look: the policy takes it in as a file that leaves its writers out would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from policies.core.rules import CREATOR, SHARED
from policies.core.values import HUB
from policies.models import Role, SyncField
from policies.rolefacts import RoleFacts

from .amending import Rules, amend
from .changes import Changes
from .file import Complains
from .policy import full_rule

LISTS = ("readers", "writers", "clear")


def admit(found: Complains, changes: Changes, role: Role, by: str) -> None:
    """Publish a policy version in which the role reads what can be written there, and may write what nobody owns.

    Rules that name the role already stay as they are; a sync without a policy gets one that asks people. Raises
    ApplyError.
    """

    def taken_in(rules: Rules, fields: Sequence[SyncField], facts: Mapping[str, RoleFacts]) -> Rules:
        return {unit: _rule(rules.get(unit), unit, role.name, fields, facts) for unit in units_of(fields)}

    amend(found, changes, role.sync, taken_in, f"{role.label or role.name} joined", by)


def units_of(fields: Sequence[SyncField]) -> list[str]:
    return list(dict.fromkeys(item.unit for item in fields))


def _rule(
    rule: Mapping[str, Any] | None, unit: str, role: str, fields: Sequence[SyncField], facts: Mapping[str, RoleFacts]
) -> dict[str, Any]:
    if rule is None:
        return full_rule(unit, {}, fields, facts)
    out = dict(rule)
    if any(role in rule[name] for name in LISTS) or rule["owner"] == role:
        return out
    usual = full_rule(unit, {"owner": rule["owner"]}, fields, facts)
    joins = ["readers"] if rule["owner"] not in (SHARED, CREATOR) else list(LISTS)
    for name in joins:
        if role in usual[name]:
            out[name] = _with(rule[name], role)
    return out


def _with(names: Sequence[str], role: str) -> list[str]:
    """The hub stays last, as where the whole list was made up."""
    roles = [name for name in names if name != HUB]
    return [*roles, role, *(name for name in names if name == HUB)]
