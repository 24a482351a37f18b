"""What a simulated sync is made of: fields with policies drawn at random, and the values that people type into them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

from policies.core.rules import (
    CREATOR,
    SHARED,
    Field,
    Guards,
    OnDelete,
    OnMerge,
    Policy,
    Role,
    Strategy,
    Unauthorised,
    Unit,
)
from policies.core.scope import Condition
from policies.core.types import field_type
from policies.core.values import Json

from .scenario import Scenario, drawn

HOW = (Unauthorised.REVERT, Unauthorised.REVERT, Unauthorised.KEEP, Unauthorised.PROPOSE)
KINDS = {
    "email": "email",
    "name": "text",
    "phone": "text",
    "tags": "set",
    "points": "counter",
    "stage": "text",
    "score": "integer",
    "floor": "integer",
    "street": "text",
    "zip": "text",
    "plan": "text",
    "notes": "long_text",
    "extra": "map",
}
DRAWN = ("name", "phone", "tags", "stage", "score", "floor", "address", "plan", "notes", "points", "extra")
MEMBERS = {"address": ("street", "zip")}


def members(unit: str) -> tuple[str, ...]:
    return MEMBERS.get(unit, (unit,))


def draw_policy(scenario: Scenario, version: int, roles: frozenset[str]) -> Policy:
    """One policy version over the roles that have joined. Fields and their kinds stay, rights and rules are drawn."""
    names = ["email", *_fields(scenario)]
    units = tuple(_unit(drawn(scenario.seed, f"{name} in {version}"), name, scenario, roles) for name in names)
    known = {role: _role(role, scenario, role in roles) for role in scenario.roles}
    random = drawn(scenario.seed, f"policy {version}")
    guards = Guards(bulk=20, ping_pong=random.choice((2, 4, 8)), window=timedelta(minutes=10))
    on_delete = random.choice((OnDelete.ASK, OnDelete.ASK, *OnDelete))
    by_name = {unit.name: unit for unit in units}
    return Policy(version, units, known, (("email",),), on_delete, guards, by_name, random.choice((*OnMerge,)))


def draw_scope(scenario: Scenario, role: str) -> tuple[Condition, ...]:
    """Which records a feed takes: by a number that people change, or by a text."""
    if role not in scenario.scoped:
        return ()
    fields = _fields(scenario)
    numbers = [name for name in fields if KINDS.get(name) == "integer"]
    random = drawn(scenario.seed, f"scope of {role}")
    if numbers:
        return (Condition(random.choice(numbers), random.choice(("from", "to")), 5000, "integer"),)
    texts = [name for name in fields if KINDS.get(name) == "text"]
    return (Condition(random.choice(texts), "contains", random.choice("1234"), "text"),) if texts else ()


def _fields(scenario: Scenario) -> list[str]:
    random = drawn(scenario.seed, "fields")
    names = [name for name in DRAWN if name != "points" or scenario.all_conditional]
    return random.sample(names, random.randint(4, 6))


def _role(name: str, scenario: Scenario, joined: bool) -> Role:
    """A role that has not joined yet is known but silent, as a role without a feed is."""
    traits = scenario.traits[name]
    return Role(
        name,
        scenario.norms[name],
        exact=traits.exact,
        ordered=traits.exact,
        conditional=traits.conditional,
        timed=joined,
        reads=joined and name in scenario.written,
        writes=joined and name in scenario.listened,
        creates=joined and name in scenario.creating,
        scope=draw_scope(scenario, name),
    )


def _unit(random: Random, name: str, scenario: Scenario, joined: frozenset[str]) -> Unit:
    """Drawn for all roles, so that a role that joins finds what was meant for it; then, as in a compiled policy, only
    what the hub listens to writes, and only where it may write reads.
    """
    fields = tuple(Field(m, field_type(KINDS[m]).normalise, KINDS[m]) for m in members(name))
    heard = [role for role in scenario.roles if role in scenario.listened]
    early = [role for role in heard if role != scenario.late]
    writers = frozenset(heard if random.random() < 0.6 else random.sample(heard, min(2, len(heard))))
    writers |= {random.choice(early)} if name == "email" or not writers & set(early) else set()
    owner = random.choice(sorted(writers))
    strategy = _STRATEGY.get(name, Strategy.OWNER_WINS)
    if strategy is not Strategy.OWNER_WINS and random.random() < 0.5:
        owner = SHARED
    elif random.random() < 0.2 and name != "email":
        owner = CREATOR
    everybody = frozenset(scenario.roles)
    readers = everybody if random.random() < 0.8 or name == "email" else everybody - {random.choice(scenario.roles)}
    may_clear = frozenset(role for role in sorted(writers) if random.random() < 0.5)
    how = Unauthorised.REVERT if name == "email" else random.choice(HOW)
    first = random.choice(("", "", "owner", "ask", scenario.roles[0]))
    reflect = name == "phone" and random.random() < 0.3
    listened, written = joined & scenario.listened, joined & scenario.written
    return Unit(
        name, fields, owner, (writers & listened) | {"hub"}, readers & written, strategy, how, may_clear, first, reflect
    )


_STRATEGY = {
    "phone": Strategy.REVIEW,
    "tags": Strategy.MERGE,
    "points": Strategy.MERGE,
    "notes": Strategy.MERGE,
    "extra": Strategy.MERGE,
    "stage": Strategy.LATEST,
    "score": Strategy.MAX,
    "floor": Strategy.MIN,
}


def type_value(random: Random, name: str, number: int, before: Json) -> Json:
    """What a person types: never the same text twice, unless they type on purpose what stood there before."""
    return _TYPED.get(name, _text)(random, number, before)


def _text(random: Random, number: int, before: Json) -> Json:
    return f"{number} Greene Street East"


def _email(random: Random, number: int, before: Json) -> Json:
    return f"New{number}@example.com"


def _tags(random: Random, number: int, before: Json) -> Json:
    tags = set(before or ())
    if tags and random.random() < 0.4:
        tags.discard(random.choice(sorted(tags)))
    else:
        tags.add(random.choice((f"Tag{number}", "Gold", "blue")))
    return sorted(tags)


def _points(random: Random, number: int, before: Json) -> Json:
    return (before or 0) + random.choice((1, 2, 2, 5))


def _number(random: Random, number: int, before: Json) -> Json:
    return random.randint(0, 10_000)


def _notes(random: Random, number: int, before: Json) -> Json:
    lines = (before or "first\nsecond\nthird\nfourth").split("\n")
    lines[random.randrange(len(lines))] = f"line {number}"
    return "\n".join(lines)


def _map(random: Random, number: int, before: Json) -> Json:
    return {**(before or {}), random.choice("abc"): f"v{number}"}


_TYPED: dict[str, Callable[[Random, int, Json], Json]] = {
    "email": _email,
    "tags": _tags,
    "points": _points,
    "score": _number,
    "floor": _number,
    "notes": _notes,
    "extra": _map,
}
