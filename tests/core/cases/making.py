"""Build one case: a record on two or three sides, what one side is seen to hold, and the verdict that must follow.

The side under test is `app`; `crm` holds what the hub believes. Every default is the quiet one: `app` joined version 3,
which `crm` wrote, and everybody may do everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from policies.core.due import due_roles
from policies.core.norms import norm
from policies.core.plan import plan
from policies.core.planned import Plan
from policies.core.reasons import Reason, Verdict
from policies.core.rules import Field, Guards, Policy, Role, Strategy, Unauthorised, Unit
from policies.core.seen import Context, Observation
from policies.core.types import field_type
from policies.core.values import Base, Belief, Candidate, Kind, Link, Question, Record, Said, Sending, Span

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROLES = ("crm", "billing", "app")
NOTHING = object()  # no base at this link
BUNDLE = {"address": ("street", "zip")}


def minutes(count: float) -> datetime:
    """A moment relative to NOW."""
    return NOW + timedelta(minutes=count)


def span(start: float, end: float) -> Span:
    return Span(minutes(start), minutes(end))


@dataclass(frozen=True, slots=True)
class Case:
    """One sentence, the state, the observation, and what must come of it (only what is named is compared)."""

    why: str
    x: Any
    gives: Verdict | None  # None: unchanged, nothing is said
    because: Reason | None = None
    # the field and its policy
    kind: str = "text"
    strategy: Strategy = Strategy.REVIEW
    owner: str = "crm"
    writers: Sequence[str] = ("crm", "app", "hub")
    readers: Sequence[str] = ROLES
    clears: Sequence[str] = ROLES
    how: Unauthorised = Unauthorised.REVERT
    first_link: str = ""
    checks: Sequence[Any] = ()
    norms: Sequence[Any] = ()
    role: Mapping[str, Any] = field(default_factory=dict)
    guards: Guards = field(default_factory=Guards)
    # what the hub believes
    H: Any = "Anna"
    v: int = 3
    by: Sequence[str] = ("crm",)
    past: Sequence[tuple[int, Any]] = ()
    span: Span | None = None
    moves: Sequence[datetime] = ()
    # what app held
    stored: Any = "Anna"
    meant: Any = NOTHING
    k: int = 3
    flags: Mapping[str, Any] = field(default_factory=dict)
    link: Mapping[str, Any] = field(default_factory=dict)
    sending: Any = NOTHING
    sent_v: int = 3
    guard: str | None = None
    crm: Any = NOTHING  # what crm held, if it is not what the hub believes
    asked: Sequence[Question] = ()
    # how app was seen
    seen: Mapping[str, Any] = field(default_factory=dict)
    clock: Mapping[str, Any] = field(default_factory=dict)
    # what must be so afterwards
    then: Mapping[str, Any] = field(default_factory=dict)

    @property
    def unit_name(self) -> str:
        return "address" if self.kind == "bundle" else "name"


def values(case: Case, value: Any) -> dict[str, Any]:
    """The members of a value: a bundle is given as a dict of its members, anything else as itself."""
    if case.kind != "bundle":
        return {"name": value}
    return dict(value) if isinstance(value, Mapping) else dict.fromkeys(BUNDLE["address"], value)


def unit_of(case: Case) -> Unit:
    kind = "text" if case.kind == "bundle" else case.kind
    params = {"scale": 1} if kind == "decimal" else {}
    names = BUNDLE.get(case.unit_name, (case.unit_name,))
    members = tuple(Field(name, field_type(kind, **params).normalise, kind, tuple(case.checks)) for name in names)
    return Unit(
        case.unit_name,
        members,
        case.owner,
        frozenset(case.writers),
        frozenset(case.readers),
        case.strategy,
        case.how,
        frozenset(case.clears),
        case.first_link,
    )


def policy_of(case: Case) -> Policy:
    unit = unit_of(case)
    forms = {member.name: norm(case.norms, member.kind) for member in unit.members} if case.norms else {}
    roles = {name: Role(name, exact=True, ordered=True) for name in ROLES}
    roles["billing"] = Role("billing", creates=False)  # has no link here, and is not to be given one
    roles["app"] = Role("app", **{"norms": forms, "exact": True, "ordered": True, **case.role})
    return Policy(1, (unit,), roles, (("name",),), guards=case.guards, by_name={unit.name: unit})


def record_of(case: Case) -> Record:
    name = case.unit_name
    said = Said("crm", "Kim", minutes(-60), Reason.ADOPTED, 1)
    past = tuple((v, values(case, value)) for v, value in case.past)
    belief = Belief(
        values(case, case.H), case.v, frozenset(case.by), past, case.span, said if case.by else None, tuple(case.moves)
    )
    held = case.H if case.crm is NOTHING else case.crm
    k = case.v if case.crm is NOTHING else case.v - 1
    crm = Link("crm", "c1", "1", minutes(-30), bases={name: Base(values(case, held), values(case, held), k)})
    beliefs = {name: belief} if case.v else {}
    return Record("r1", case.v, "crm", beliefs, {"crm": crm, "app": app_of(case)}, tuple(case.asked))


def app_of(case: Case) -> Link:
    name = case.unit_name
    bases = {}
    if case.stored is not NOTHING:
        meant = case.stored if case.meant is NOTHING else case.meant
        bases[name] = Base(values(case, case.stored), values(case, meant), case.k, **case.flags)
    sending = None
    if case.sending is not NOTHING:
        sent = {name: values(case, case.sending)}
        sending = Sending("key", sent, {name: case.sent_v}, minutes(-1), guard_version=case.guard)
    return Link(
        "app", "a1", **{"version": "5", "read_at": minutes(-10), "bases": bases, "sending": sending, **case.link}
    )


def observation_of(case: Case) -> Observation:
    fields = {} if case.x is NOTHING else {k: v for k, v in values(case, case.x).items() if v is not NOTHING}
    return Observation("app", "a1", fields, **{"read_at": NOW, "version": "6", "updated_at": minutes(-2), **case.seen})


def context_of(case: Case) -> Context:
    return Context(NOW, **case.clock)


def judged(case: Case) -> Plan:
    return plan(record_of(case), observation_of(case), policy_of(case), context_of(case))


def question(*sides: Candidate, kind: Kind = Kind.VALUE, role: str = "", unit: str = "name") -> Question:
    return Question(kind, unit, role, sides, Reason.MANUAL, minutes(-5))


def side(source: str, value: Any, **more: Any) -> Candidate:
    """One candidate for the plain field."""
    base = more.pop("base", NOTHING)
    return Candidate(source, {"name": value}, base=None if base is NOTHING else {"name": base}, **more)


def outcome(case: Case, made: Plan) -> dict[str, Any]:
    """Everything a case may name in `then`, in plain words."""
    name, record = case.unit_name, made.state
    belief, link = record.beliefs.get(name), record.links["app"]
    base = link.bases.get(name)
    open_questions = [q for q in record.questions if q.unit in ("", name)]
    return {
        "H": _plain(case, belief.value) if belief else None,
        "v": belief.v if belief else 0,
        "by": sorted(belief.origins) if belief else [],
        "stored": _plain(case, base.stored) if base else None,
        "meant": _plain(case, base.meant) if base else None,
        "k": base.k if base else 0,
        "owed": bool(base and base.owed),
        "drift": bool(base and base.drift),
        "near": bool(base and base.near_miss),
        "due": {role: str(work) for role, work in due_roles(record, policy_of(case)).items()},
        "asks": [f"{q.kind}{':' + q.role if q.role else ''}" for q in open_questions],
        "sides": sorted((c.source, _plain(case, c.value)) for q in open_questions if q.unit for c in q.candidates),
        "closed": [c.outcome for c in made.closed],
        "sending": link.sending is not None,
        "gone": link.gone is not None,
        "asleep": link.asleep,
        "frozen": sorted(c.source for q in open_questions for c in q.candidates if c.frozen),
        "again": made.look_again,
        "wait": made.wait,
        "span": belief.span if belief else None,
    }


def _plain(case: Case, held: Mapping[str, Any]) -> Any:
    return dict(held) if case.kind == "bundle" else held.get("name")
