"""Who may change what: the owner of a unit for one record, and whether a role may write or empty it."""

from __future__ import annotations

import re

from .diff import is_null
from .rules import CREATOR, Policy, Unit
from .types import is_invalid
from .values import Record, Values

KEY = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # how the clerk names records


def owner_of(unit: Unit, record: Record) -> str:
    """The owning role, `hub` or `shared`; `creator` is the role that made the record."""
    return record.creator if unit.owner == CREATOR else unit.owner


def may_write(unit: Unit, record: Record, role: str) -> bool:
    return role in unit.writers or role == owner_of(unit, record)


def may_clear(unit: Unit, record: Record, role: str) -> bool:
    return role in unit.may_clear and may_write(unit, record, role)


def reads(unit: Unit, policy: Policy, role: str) -> bool:
    """Does the hub write this unit to that role? The narrowest of policy and direction."""
    return role in unit.readers and role in policy.roles and policy.roles[role].reads


def problem(unit: Unit, values: Values) -> str | None:
    """Why a value is not valid, as a sentence, or None. An empty value is a matter of the clear rule, not of this."""
    if is_null(values):
        return None
    for member in unit.members:
        value = values.get(member.name)
        if is_invalid(value):
            return str(value["reason"])
        if member.refers and value is not None and not KEY.fullmatch(value):
            return f"{value!r} is not the key of a record of {member.refers}, as the address of its page shows it"
        for validate in member.validators:
            wrong = validate(value)
            if wrong:
                return wrong
    return None
