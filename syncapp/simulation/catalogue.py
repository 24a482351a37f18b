"""What a simulated sync is made of: fields with policies drawn at random, and the values that people type into them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

from policies.core.norms import norm
from policies.core.rules import CREATOR, SHARED, Field, Guards, OnDelete, Policy, Role, Strategy, Unauthorised, Unit
from policies.core.types import field_type
from policies.core.values import Json

from .account import Form, Traits

ROLES = ("crm", "billing", "app")
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


def draw_traits(random: Random, all_conditional: bool) -> Traits:
    if all_conditional:
        return Traits(conditional=True, body=random.random() < 0.5)
    kind = random.choice(("etag", "version", "version with body", "clock"))
    skew = timedelta(seconds=random.choice((0, 0, 3, -7)))
    if kind == "etag":
        return Traits(conditional=True, body=random.random() < 0.5, skew=skew)
    if kind == "clock":
        return Traits(exact=False, granularity=timedelta(seconds=1), skew=skew, body=random.random() < 0.5)
    lagging, dated = random.random() < 0.4, random.random() < 0.6
    return Traits(body=kind == "version with body", skew=skew, lagging=lagging, dated=dated)


def draw_norms(random: Random) -> dict[str, Form]:
    norms: dict[str, Form] = {"email": norm(["lower"])}
    for name, specs in (
        ("name", ["lower"]),
        ("street", [{"truncate": 9}]),
        ("tags", ["lower"]),
        ("plan", ["trim", "upper"]),
    ):
        if random.random() < 0.4:
            norms[name] = norm(specs, KINDS[name])
    return norms


def draw_hidden(random: Random, traits: Traits) -> dict[str, Form]:
    """Something undeclared that a provider does to what the hub writes: a near miss."""
    if not traits.exact or random.random() < 0.6:
        return {}
    return {random.choice(("name", "phone", "street")): lambda value: value.replace("e", "3")}


def draw_policy(random: Random, traits: dict[str, Traits], norms: dict[str, dict[str, Form]]) -> Policy:
    all_conditional = all(t.conditional for t in traits.values())
    drawn = [name for name in DRAWN if name != "points" or all_conditional]
    names = ["email", *random.sample(drawn, random.randint(4, 6))]
    units = tuple(_unit(random, name) for name in names)
    roles = {
        name: Role(name, norms[name], exact=t.exact, ordered=t.exact, conditional=t.conditional)
        for name, t in traits.items()
    }
    guards = Guards(bulk=20, ping_pong=random.choice((2, 4, 8)), window=timedelta(minutes=10))
    return Policy(1, units, roles, (("email",),), OnDelete.ASK, guards, {unit.name: unit for unit in units})


def _unit(random: Random, name: str) -> Unit:
    fields = tuple(Field(m, field_type(KINDS[m]).normalise, KINDS[m]) for m in members(name))
    everybody = frozenset(ROLES)
    writers = everybody if random.random() < 0.6 else frozenset(random.sample(ROLES, 2))
    owner = random.choice(sorted(writers))
    strategy = _STRATEGY.get(name, Strategy.OWNER_WINS)
    if strategy is not Strategy.OWNER_WINS and random.random() < 0.5:
        owner = SHARED
    elif random.random() < 0.2 and name != "email":
        owner = CREATOR
    readers = everybody if random.random() < 0.8 or name == "email" else everybody - {random.choice(ROLES)}
    may_clear = frozenset(r for r in sorted(writers) if random.random() < 0.5)
    how = Unauthorised.REVERT if name == "email" else random.choice(HOW)
    first = random.choice(("", "", "owner", "ask", "crm"))
    reflect = name == "phone" and random.random() < 0.3
    return Unit(name, fields, owner, writers | {"hub"}, readers, strategy, how, may_clear, first, reflect)


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
