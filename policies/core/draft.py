"""The working copy of one record while it is being judged, and the few moves that everything else is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .asked import Asked
from .diff import empty, holds, same_at
from .planned import Line, Plan, Saw
from .reasons import Reason, Verdict
from .rules import Policy, Unit
from .safety import ping_pong, trim_moves
from .seen import Context, Observation
from .values import Base, Belief, Candidate, Link, Record, Said, Span, Values

PAST = 24  # earlier hub versions kept for links that have not joined yet


class Draft(Asked):
    """Lives inside one call of the judge; the frozen record it started from is never touched."""

    __slots__ = (
        "_bare",
        "_beliefs",
        "_links",
        "_own",
        "lines",
        "policy",
        "record",
        "unchanged",
        "version",
    )

    def __init__(self, record: Record, policy: Policy, context: Context) -> None:
        super().__init__(record.questions, context)
        self.record = record
        self.policy = policy
        self.version = record.version
        self._beliefs: dict[str, Belief] | None = None
        self._links: dict[str, Link] | None = None
        self._own: dict[str, dict[str, Base]] = {}  # bases that were copied for this draft, and for nobody else yet
        self._bare: tuple[Link, Link] | None = None
        self.lines: list[Line] = []
        self.unchanged = 0

    def belief(self, unit: Unit) -> Belief:
        found = (self.record.beliefs if self._beliefs is None else self._beliefs).get(unit.name)
        return found if found is not None else Belief(empty(unit))

    def set_belief(self, unit: Unit, belief: Belief) -> None:
        if self._beliefs is None:
            self._beliefs = dict(self.record.beliefs)
        self._beliefs[unit.name] = belief

    @property
    def links(self) -> dict[str, Link]:
        if self._links is None:
            self._links = dict(self.record.links)
        return self._links

    def link(self, role: str) -> Link:
        found = (self.record.links if self._links is None else self._links).get(role)
        return found if found is not None else Link(role)

    def set_link(self, link: Link) -> None:
        self.links[link.role] = link

    def base(self, role: str, unit: Unit) -> Base | None:
        return self.link(role).bases.get(unit.name)

    def set_base(self, role: str, unit: Unit, base: Base) -> None:
        link, own = self.link(role), self._own.get(role)
        if own is not None and link.bases is own:
            own[unit.name] = base
        else:
            self._own[role] = own = {**link.bases, unit.name: base}
            self.links[role] = replace(link, bases=own)

    def join(self, role: str, unit: Unit) -> None:
        """The link holds what the hub believes: `k := v`, `meant := H`, no debt, no drift, no question of its own."""
        base, belief = self.base(role, unit), self.belief(unit)
        if base is not None:
            # what an account makes of a value beyond its declared form stays listed while it shows
            near = role in self.policy.roles and not same_at(self.policy.roles[role], base.stored, belief.value)
            self.set_base(role, unit, Base(base.stored, belief.value, belief.v, near_miss=near))
        self.withdraw(unit, role)

    def believe(self, unit: Unit, value: Values, origins: Iterable[str], said: Said, span: Span | None) -> None:
        """Make a hub version. Links that hold it already have joined it; at all others it is due."""
        old = self.belief(unit)
        origins = frozenset(origins)
        self.version += 1
        moves = old.moves
        if old.origins and not (origins & old.origins):
            moves = trim_moves((*moves, self.context.now), self.context.now, self.policy.guards)
        past = (*old.past, (old.v, old.value))
        self.set_belief(unit, Belief(dict(value), self.version, origins, past, span, said, moves))
        self._join_holders(unit)
        self.withdraw(unit)

    def _join_holders(self, unit: Unit) -> None:
        belief = self.belief(unit)
        oldest = belief.v
        for name in list(self.links):
            base, role = self.base(name, unit), self.policy.roles.get(name)
            if base is None or role is None:
                continue
            if holds(role, base.stored, belief.value):
                self.join(name, unit)
            else:
                oldest = min(oldest, base.k)
        past = tuple(entry for entry in belief.past if entry[0] >= oldest)[-PAST:]
        if len(past) != len(belief.past):
            self.set_belief(unit, replace(belief, past=past))

    def moved(self, unit: Unit) -> bool:
        """Count a revert or a near miss against the ping-pong guard; True when there were too many."""
        belief, now = self.belief(unit), self.context.now
        moves = trim_moves((*belief.moves, now), now, self.policy.guards)
        self.set_belief(unit, replace(belief, moves=moves))
        return ping_pong(moves, now, self.policy.guards)

    def withdraw(self, unit: Unit, role: str | None = None) -> None:
        """Questions of single links that a newer value made needless are closed, on record."""
        for question in self.questions:
            lacks = question.reason is Reason.LACKS and any(question.about == m.name for m in unit.members)
            if (lacks or question.unit == unit.name) and question.role and role in (None, question.role):
                self.close(question, Reason.SUPERSEDED)

    def hub_candidates(self, unit: Unit) -> tuple[Candidate, ...]:
        """What the hub believes, as one candidate per role that entered or agreed with it."""
        belief = self.belief(unit)
        said = belief.said
        return tuple(
            Candidate(
                origin, belief.value, said.at if said else None, said.actor if said else None, belief.span, k=belief.v
            )
            for origin in sorted(belief.origins)
        )

    def say(
        self,
        verdict: Verdict,
        reason: Reason,
        role: str,
        unit: Unit | None = None,
        x: Values | None = None,
        saw: Saw | None = None,
        detail: str = "",
        by: str = "",
    ) -> None:
        self.lines.append(Line(verdict, reason, role, unit.name if unit else "", x, saw, detail, by))

    def saw(self, role: str, unit: Unit, observation: Observation | None) -> Saw:
        """What the judge sees of one unit before it decides."""
        link = self.link(role)
        sending = link.sending
        sent = sending.values.get(unit.name) if sending else None
        questions = tuple(q for q in self.questions if q.unit == unit.name)
        return Saw(
            link.bases.get(unit.name),
            self.belief(unit),
            sent,
            sending.versions[unit.name] if sending and sent is not None else 0,
            questions,
            self._without_bases(link),
            observation,
            self.context,
            self.record.creator,
        )

    def _without_bases(self, link: Link) -> Link:
        """As lines keep it; the same one for all lines that see the same link."""
        if self._bare is None or self._bare[0] is not link:
            self._bare = (link, replace(link, bases={}, windows=()))
        return self._bare[1]

    def done(self, *, look_again: bool = False, wait: bool = False) -> Plan:
        record, self._own = self.record, {}
        if self._beliefs is not None or self._links is not None or self.questions is not record.questions:
            record = Record(
                record.key,
                self.version,
                record.creator,
                record.beliefs if self._beliefs is None else self._beliefs,
                record.links if self._links is None else self._links,
                self.questions,
                record.apart,
            )
        return Plan(record, tuple(self.lines), tuple(self.closed), look_again, wait, self.unchanged)
