"""Whose value wins where sides that differ are first linked: chosen per field, published as a new policy version."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from policies.core.rules import SHARED
from policies.models import FieldRule, PolicySet, Sync

from .changes import Changes
from .locks import hold_set_up
from .policy import as_written, publish

OWNER, ASK, BY_POLICY = "owner", "ask", ""


class NotAccepted(ValueError):
    """What was chosen, and what is accepted; one sentence."""


def accepted(rule: FieldRule) -> list[str]:
    """What may be chosen for a field: its policy, its owner, a person, or a side that may write it."""
    own = [OWNER] if rule.owner != SHARED else []
    return [BY_POLICY, *own, ASK, *(role for role in rule.writers if role != "hub")]


def choose_precedence(sync: Sync, chosen: Mapping[str, str], by: str) -> bool:
    """True if that made a new version. Raises NotAccepted; nothing is changed then."""
    with transaction.atomic():
        hold_set_up()
        current = PolicySet.objects.filter(sync=sync, state=PolicySet.State.PUBLISHED).first()
        if current is None:
            raise NotAccepted("no policy is published; apply a file that has one")
        old, new = as_written(current), as_written(current)
        rules = {rule.unit: rule for rule in current.rules.all()}
        for unit, choice in chosen.items():
            _check(rules, unit, choice)
            new["rules"][unit]["first_link"] = choice
        if new == old:
            return False
        publish(Changes(), sync, current, new, old, current.note, by)
    return True


def _check(rules: Mapping[str, FieldRule], unit: str, choice: str) -> None:
    if unit not in rules:
        raise NotAccepted(f"there is no field {unit!r}; accepted: {', '.join(rules)}")
    if choice not in accepted(rules[unit]):
        told = ", ".join(name or "nothing (the policy decides)" for name in accepted(rules[unit]))
        raise NotAccepted(f"{unit}: {choice!r} cannot be chosen; accepted: {told}")
