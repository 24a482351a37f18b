"""Rows into the judge's policy: the only bridge from database to judge, and the checks that no policy may fail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .core.merge import is_counter
from .core.norms import norm
from .core.rules import CREATOR, SHARED, Field, Guards, OnDelete, OnMerge, Policy, Strategy, Unauthorised, Unit
from .core.rules import Role as CoreRole
from .core.types import field_type
from .core.validators import validator
from .core.values import HUB
from .limits import LIMITS, limits_of
from .models import FieldRule, PolicySet, SyncField
from .rolefacts import RoleFacts, facts_digest
from .scopes import conditions

WRITABLE = ("both", "out")
READABLE = ("both", "in")
# Published sets are frozen, so what was compiled from one stays right for as long as the facts do.
REMEMBERED = 64
_remembered: dict[tuple[int, int, str], Policy] = {}
GUARDS = ("bulk", "ping_pong", "window", *LIMITS)


class PolicyError(ValueError):
    """A policy that cannot act; every problem in one list, each a sentence."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything a compilation reads, so that it can be cached and tried without rows."""

    version: int
    fields: tuple[SyncField, ...]
    rules: Mapping[str, FieldRule]
    roles: tuple[str, ...]
    match_keys: tuple[tuple[str, ...], ...]
    on_delete: str
    guards: Mapping[str, Any]
    on_merge: str = OnMerge.ASK.value


def compile_policy(policy_set: PolicySet, role_facts: Mapping[str, RoleFacts]) -> Policy:
    """The judge's policy of one set over these feeds. Raises PolicyError. Remembered while neither changes."""
    if policy_set.state == PolicySet.State.DRAFT:
        return compile_sheet(sheet_of(policy_set), role_facts)
    key = (policy_set.pk, policy_set.version, facts_digest(role_facts))
    if key not in _remembered:
        policy = compile_sheet(sheet_of(policy_set), role_facts)
        if len(_remembered) >= REMEMBERED:
            _remembered.clear()
        _remembered[key] = policy
    return _remembered[key]


def sheet_of(policy_set: PolicySet) -> Sheet:
    sync = policy_set.sync
    return Sheet(
        policy_set.version,
        tuple(sync.fields.all()),
        {rule.unit: rule for rule in policy_set.rules.all()},
        tuple(sync.roles.order_by("order", "name").values_list("name", flat=True)),
        tuple(tuple(key) for key in sync.match_keys),
        policy_set.on_delete,
        policy_set.guards,
        policy_set.on_merge,
    )


def compile_sheet(sheet: Sheet, facts: Mapping[str, RoleFacts]) -> Policy:
    """Raises PolicyError with every problem found."""
    problems: list[str] = []
    units = [_unit(sheet, name, members, facts, problems) for name, members in _members(sheet.fields).items()]
    problems += _sheet_problems(sheet, {unit.name for unit in units if unit})
    roles = {name: _role(name, sheet.fields, facts.get(name), problems) for name in sheet.roles}
    if problems:
        raise PolicyError(problems)
    known = tuple(unit for unit in units if unit)
    return Policy(
        sheet.version,
        known,
        roles,
        sheet.match_keys,
        OnDelete(sheet.on_delete),
        _guards(sheet.guards),
        {unit.name: unit for unit in known},
        OnMerge(sheet.on_merge),
    )


def _members(fields: Iterable[SyncField]) -> dict[str, list[SyncField]]:
    out: dict[str, list[SyncField]] = {}
    for item in fields:
        out.setdefault(item.unit, []).append(item)
    return out


def _sheet_problems(sheet: Sheet, units: set[str]) -> Iterable[str]:
    names = {item.name for item in sheet.fields}
    bundled = {item.name: item.bundle for item in sheet.fields if item.bundle}
    for unit in sheet.rules:
        if unit in bundled:
            yield f"{unit}: the members of the bundle {bundled[unit]!r} share one rule; put the rule on the bundle"
        elif unit not in units and unit not in names:
            yield f"{unit}: no such field or bundle; accepted: {', '.join(sorted(units))}"
    for key in sheet.match_keys:
        for name in (name for name in key if name not in names):
            yield f"match key {' + '.join(key)}: no field {name!r}; accepted: {', '.join(sorted(names))}"
    for name in (name for name in sheet.guards if name not in GUARDS):
        yield f"guards: unknown {name!r}; accepted: {', '.join(GUARDS)} (window in seconds)"


def _unit(
    sheet: Sheet, name: str, members: Sequence[SyncField], facts: Mapping[str, RoleFacts], problems: list[str]
) -> Unit | None:
    rule = sheet.rules.get(name)
    if rule is None:
        problems.append(f"{name}: has no rule; give it an owner, writers and readers")
        return None
    problems += rule_problems(rule, sheet, members, facts)
    compiled = [made for member in members if (made := _field(member, rule, problems)) is not None]
    able = {role: _able(facts.get(role), members) for role in sheet.roles}
    return Unit(
        name,
        tuple(compiled),
        rule.owner,
        frozenset(w for w in rule.writers if w == HUB or able.get(w, (False, False))[0]),
        frozenset(r for r in rule.readers if able.get(r, (False, False))[1]),
        Strategy(rule.strategy),
        Unauthorised(rule.unauthorised),
        frozenset(rule.clear),
        rule.first_link,
        rule.reflect,
    )


def _able(facts: RoleFacts | None, members: Sequence[SyncField]) -> tuple[bool, bool]:
    """(the hub listens to it, the hub may write there): where rule, mapping and direction differ, the narrowest."""
    if facts is None:
        return (False, False)
    names = {member.name for member in members}
    return (
        facts.direction in READABLE and bool(names & facts.readable),
        facts.direction in WRITABLE and bool(names & facts.writable),
    )


def rule_problems(
    rule: FieldRule, sheet: Sheet, members: Sequence[SyncField], facts: Mapping[str, RoleFacts]
) -> Iterable[str]:
    """What a rule may not say, each as a sentence that names the field."""
    yield from _role_problems(rule, sheet.roles)
    if rule.strategy == Strategy.OWNER_WINS and rule.owner == SHARED:
        yield f"{rule.unit}: owner_wins needs one owner, and it is shared; name the owner or choose another strategy"
    if rule.owner in sheet.roles and rule.owner not in rule.writers:
        yield f"{rule.unit}: its owner {rule.owner!r} is not among its writers; add it"
    yield from _clock_problems(rule, sheet.roles, facts)
    yield from _counter_problems(rule, sheet.roles, members, facts)
    yield from _ability_problems(rule, members, facts)


def _role_problems(rule: FieldRule, roles: Sequence[str]) -> Iterable[str]:
    accepted: dict[str, tuple[Sequence[str], Sequence[str]]] = {
        "owner": ([rule.owner], (*roles, HUB, SHARED, CREATOR)),
        "writers": (rule.writers, (*roles, HUB)),
        "readers": (rule.readers, tuple(roles)),
        "clear": (rule.clear, (*roles, HUB)),
        "first_link": ([rule.first_link] if rule.first_link else [], ("owner", "ask", *roles)),
    }
    for what, (given, known) in accepted.items():
        for name in given:
            if name not in known:
                yield f"{rule.unit}: {what} names {name!r}, which is no role; accepted: {', '.join(known)}"


def _clock_problems(rule: FieldRule, roles: Sequence[str], facts: Mapping[str, RoleFacts]) -> Iterable[str]:
    if rule.strategy != Strategy.LATEST:
        return
    blind = [role for role in roles if role in rule.writers and role in facts and not facts[role].timed]
    if blind:
        yield (
            f"{rule.unit}: latest_valid_change needs trustworthy times, and {', '.join(blind)} has none; "
            "choose another strategy"
        )


def _counter_problems(
    rule: FieldRule, roles: Sequence[str], members: Sequence[SyncField], facts: Mapping[str, RoleFacts]
) -> Iterable[str]:
    if rule.strategy != Strategy.MERGE or rule.review_on_unknown_outcome:
        return
    if any(is_counter(member.type) for member in members):
        unsafe = [role for role in roles if role in rule.readers and role in facts and not facts[role].conditional]
        if unsafe:
            yield (
                f"{rule.unit}: a counter under merge needs conditional writes, and {', '.join(unsafe)} has none; "
                "set review_on_unknown_outcome: true, or choose another strategy"
            )


def _ability_problems(rule: FieldRule, members: Sequence[SyncField], facts: Mapping[str, RoleFacts]) -> Iterable[str]:
    names = {member.name for member in members}
    told = ", ".join(sorted(names))
    for role in (role for role in rule.readers if role in facts):
        if not names & facts[role].writable:
            yield f"{rule.unit}: {role} is to read it, but its feed cannot write {told}; map it or drop the reader"
    for role in (role for role in rule.writers if role in facts):
        if not names & facts[role].readable:
            yield f"{rule.unit}: {role} is to write it, but its feed does not tell {told}; map it or drop the writer"


def _field(member: SyncField, rule: FieldRule, problems: list[str]) -> Field | None:
    try:
        checks = tuple(validator(spec) for spec in rule.validators.get(member.name, ()))
        refers = member.params.get("sync", "") if member.type == "reference" else ""
        return Field(member.name, field_type(member.type, **member.params).normalise, member.type, checks, refers)
    except (ValueError, TypeError) as error:
        problems.append(f"{member.name}: {error}")
        return None


def _role(name: str, fields: Sequence[SyncField], facts: RoleFacts | None, problems: list[str]) -> CoreRole:
    """A role without a feed is known but silent: nothing is read from it and nothing is due there."""
    if facts is None:
        return CoreRole(name, reads=False, writes=False, creates=False, timed=False)
    norms = {}
    for item in fields:
        try:
            if specs := facts.norms.get(item.name, ()):
                norms[item.name] = norm(specs, item.type)
        except ValueError as error:
            problems.append(f"{name}: the as-stored form of {item.name}: {error}")
    return CoreRole(
        name,
        norms,
        facts.exact,
        facts.ordered,
        facts.conditional,
        facts.timed,
        facts.direction in WRITABLE,
        facts.direction in READABLE,
        facts.creates and not facts.lacks and facts.direction in WRITABLE,
        conditions(name, facts.scope, fields, problems),
        facts.needs,
        facts.lacks if facts.creates and facts.direction in WRITABLE else (),
    )


def _guards(given: Mapping[str, Any]) -> Guards:
    default = Guards()
    window = given.get("window")
    return Guards(
        int(given.get("bulk", default.bulk)),
        int(given.get("ping_pong", default.ping_pong)),
        default.window if window is None else timedelta(seconds=float(window)),
        limits_of(given),
    )
