"""What one seed is made of: roles and what they may do, how their providers behave, and what happens beside edits.

Every feature has a generator of its own, named after it: a new feature leaves what older ones draw for a seed alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from policies.core.norms import norm

from .holdings import Form
from .rows import Traits

ALL = ("crm", "billing", "app", "crm2")  # crm2 is a second portal of crm's provider


def drawn(seed: int, feature: str) -> Random:
    return Random(f"{seed}:{feature}")


@dataclass(frozen=True, slots=True)
class Scenario:
    """The circumstances of a seed; what happens in it is drawn while it runs."""

    seed: int
    all_conditional: bool
    roles: tuple[str, ...]
    listened: frozenset[str]  # direction: the hub listens there
    written: frozenset[str]  # direction: the hub may write there
    creating: frozenset[str]  # the hub may make records there
    late: str  # a role that joins later; "" for none
    traits: Mapping[str, Traits]
    norms: Mapping[str, Mapping[str, Form]]
    hidden: Mapping[str, Mapping[str, Form]]
    unknown_skew: frozenset[str]
    records: int
    twins: float  # how often a record stands twice in one account at first sync
    deletes: int  # how often people delete, as a weight
    restores: bool  # an account is set back to an older state
    shortened: float  # how often a listing is emptied or cut short without saying so
    revisions: int  # policy versions published while everything runs
    brakes: bool  # writing is stopped and released
    settling: Mapping[str, timedelta]  # changes are judged only after a while
    jumps: bool  # clocks jump
    merges: int  # how often people merge two records of an account, as a weight
    scoped: frozenset[str]  # roles whose feed takes a part of the records only


def draw(seed: int) -> Scenario:
    conditional = drawn(seed, "conditional").random() < 1 / 3
    roles = _roles(drawn(seed, "roles"))
    traits = {role: _traits(drawn(seed, f"traits {_kind(role)}"), conditional) for role in roles}
    asking = {role: drawn(seed, f"filters {_kind(role)}").random() < 0.5 for role in roles}
    traits = {role: replace(told, filters=asking[role]) for role, told in traits.items()}
    listened, written = _directions(drawn(seed, "directions"), roles)
    rare = drawn(seed, "events")
    return Scenario(
        seed,
        conditional,
        roles,
        listened,
        written,
        frozenset(role for role in roles if drawn(seed, f"creates {role}").random() < 0.85) & written,
        _late(drawn(seed, "late"), roles, listened),
        traits,
        {role: _norms(drawn(seed, f"norms {_kind(role)}")) for role in roles},
        {role: _hidden(drawn(seed, f"hidden {_kind(role)}"), traits[role]) for role in roles},
        frozenset(role for role in roles if drawn(seed, f"skew {role}").random() < 0.2),
        drawn(seed, "records").randint(5, 10),
        rare.choice((0.0, 0.0, 0.15)),
        rare.choice((0, 2, 4)),
        rare.random() < 0.25,
        rare.choice((0.0, 0.1, 0.3)),
        rare.choice((0, 0, 1, 2)),
        rare.random() < 0.3,
        {role: timedelta(seconds=drawn(seed, f"settling {role}").choice((0, 0, 0, 2))) for role in roles},
        rare.random() < 0.2,
        drawn(seed, "merges").choice((0, 0, 2)),
        frozenset(role for role in roles if drawn(seed, f"scope {role}").random() < 0.15),
    )


def _kind(role: str) -> str:
    return role.removesuffix("2")


def _roles(random: Random) -> tuple[str, ...]:
    number = random.choice((2, 3, 3, 4))
    roles = ALL if number == 4 else tuple(sorted(random.sample(ALL, number), key=ALL.index))
    return tuple(random.sample(roles, len(roles)))  # their order decides who is asked first


def _directions(random: Random, roles: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """At least one account is listened to, and it is not the one that joins late; mostly all go both ways."""
    ways = {role: random.choice(("both",) * 8 + ("in", "out")) for role in roles}
    listened = frozenset(role for role, way in ways.items() if way != "out") or frozenset(roles)
    return listened, frozenset(role for role, way in ways.items() if way != "in")


def _late(random: Random, roles: tuple[str, ...], listened: frozenset[str]) -> str:
    if random.random() > 0.25 or len(roles) < 3:
        return ""
    may = [role for role in roles if listened - {role}]
    return random.choice(may) if may else ""


def _traits(random: Random, all_conditional: bool) -> Traits:
    reports = random.choice(("events", "events", "list", "never"))
    if all_conditional:
        return Traits(conditional=True, body=random.random() < 0.5, reports=reports)
    kind = random.choice(("etag", "version", "version with body", "clock"))
    skew = timedelta(seconds=random.choice((0, 0, 3, -7)))
    if kind == "etag":
        return Traits(conditional=True, body=random.random() < 0.5, skew=skew, reports=reports)
    if kind == "clock":
        coarse = timedelta(seconds=1)
        return Traits(exact=False, granularity=coarse, skew=skew, body=random.random() < 0.5, reports=reports)
    lagging, dated = random.random() < 0.4, random.random() < 0.6
    return Traits(body=kind == "version with body", skew=skew, lagging=lagging, dated=dated, reports=reports)


def _norms(random: Random) -> dict[str, Form]:
    norms: dict[str, Form] = {"email": norm(["lower"])}
    for name, specs, kind in (
        ("name", ["lower"], "text"),
        ("street", [{"truncate": 9}], "text"),
        ("tags", ["lower"], "set"),
        ("plan", ["trim", "upper"], "text"),
    ):
        if random.random() < 0.4:
            norms[name] = norm(specs, kind)
    return norms


def _hidden(random: Random, traits: Traits) -> dict[str, Form]:
    """Something undeclared that a provider does to what the hub writes: a near miss."""
    if not traits.exact or random.random() < 0.6:
        return {}
    return {random.choice(("name", "phone", "street")): lambda value: value.replace("e", "3")}
