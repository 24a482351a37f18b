"""The digests that records are matched by: one per complete match key, in rank order."""

from __future__ import annotations

from collections.abc import Iterable

from policies.core.digest import digest
from policies.core.identity import known, match_values
from policies.core.rules import Policy
from policies.core.values import Json, Record, Values

# Advisory locks come from one table of limited size for the whole server: digests share this many slots per sync.
SLOTS = 1024


def match_digests(fields: Values, policy: Policy) -> list[tuple[str, str]]:
    """(name of the key, digest of its values), best key first."""
    kinds = _kinds(policy)
    out = []
    for rank, values in match_values(fields, policy):
        names = policy.match_keys[rank]
        folded = [_folded(kinds.get(name, ""), value) for name, value in zip(names, values, strict=True)]
        out.append(("+".join(names), digest(folded)))
    return out


def _kinds(policy: Policy) -> dict[str, str]:
    return {member.name: member.kind for unit in policy.units for member in unit.members}


def _folded(kind: str, value: Json) -> Json:
    """Accounts disagree on the case of one and the same e-mail address, and no two people share one but for case."""
    return value.casefold() if kind == "email" and isinstance(value, str) else value


def record_digests(record: Record, policy: Policy) -> list[tuple[str, str]]:
    return match_digests(known(record, policy), policy)


def may_differ(before: Record, after: Record) -> bool:
    """Could the two have other match keys? What accounts hold counts too, where nothing is believed."""
    if before.beliefs is not after.beliefs:
        return True
    old, new = before.links, after.links
    return old is not new and (
        old.keys() != new.keys()
        or any(old[role].bases is not new[role].bases or old[role].gone != new[role].gone for role in new)
    )


def lock_slots(sync_id: int, names: Iterable[str]) -> list[int]:
    """Sorted advisory lock numbers: two workers that could make the same record meet in at least one of them."""
    return sorted({(sync_id << 16) | (int(digest(name)[:8], 16) % SLOTS) for name in names})
