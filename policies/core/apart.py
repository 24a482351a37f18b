"""Two records that a person keeps apart although they share a match key: remembered until their match keys move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .digest import digest
from .identity import keys_digest, known
from .rules import Policy
from .seen import Observation
from .values import Record


def keep_apart(record: Record, others: Sequence[Record], policy: Policy) -> Record:
    """`record`, remembering it. One of the two is enough: both are asked."""
    told = {other.key: _keys(record, other, policy) for other in others if other.key != record.key}
    return replace(record, apart={**record.apart, **told}) if told else record


def are_apart(one: Record, other: Record, policy: Policy) -> bool:
    """Did a person keep them apart, and are the match keys of both what they were then?"""
    told = one.apart.get(other.key) or other.apart.get(one.key)
    return told is not None and told == _keys(one, other, policy)


def _keys(one: Record, other: Record, policy: Policy) -> str:
    first, second = sorted((one, other), key=lambda record: record.key)
    return digest([keys_digest(known(first, policy), policy), keys_digest(known(second, policy), policy)])


def not_apart(
    record: Record, hits: Sequence[Observation], owners: Sequence[Record | None], policy: Policy
) -> list[Observation]:
    """What a look-up found, without what belongs to records that a person keeps apart from this one."""
    return [
        hit
        for hit, owner in zip(hits, owners, strict=True)
        if owner is None or owner.key == record.key or not are_apart(record, owner, policy)
    ]
