"""What the fault machine knows by itself: who typed what, what was shown, believed, asked and deleted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from random import Random

from policies.core.ownership import may_write
from policies.core.planned import Line, Plan
from policies.core.reasons import Reason, Verdict
from policies.core.rules import Policy, Unit
from policies.core.seen import Observation
from policies.core.values import Kind, Link, Record, Values

from .account import Account
from .memory import MemoryStore
from .rows import Edit, Row
from .scenario import Scenario

BUNDLED = {"street": "address", "zip": "address"}


@dataclass(slots=True)
class Delete:
    """A record that somebody deleted at an account."""

    role: str
    remote_id: str
    at: datetime
    back: bool = False  # taken out of the bin again, or put back with a backup


class Log:
    """Part of a world. `edits` are what people typed in the accounts, `hub_edits` what they typed in the hub."""

    random: Random
    scenario: Scenario
    store: MemoryStore
    accounts: dict[str, Account]
    tick: datetime
    stop: bool

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.policies: list[tuple[datetime, Policy]] = []
        self.edits: list[Edit] = []
        self.deletes: list[Delete] = []
        self.typed: dict[str, list[Values]] = {}
        self.views: dict[tuple[str, str, str], dict[str, Edit]] = {}
        self.seen: dict[tuple[str, str], str] = {}
        self.owners: dict[tuple[str, str], str] = {}  # (role, remote id) -> the record it was last linked to
        self.relinked: set[str] = set()  # records that took over a remote record from another one
        self.after_stop: Counter[str] = Counter()
        self.versions: dict[str, int] = {}
        self.linked: dict[tuple[str, str], datetime] = {}
        self.gone: dict[tuple[str, str], datetime] = {}  # (record, role) -> when the hub learned of a delete
        self.decided: dict[tuple[str, str], list[str]] = {}  # what people answered about deletes
        self.believed: dict[tuple[str, str], dict[int, Values]] = {}
        self.chosen: dict[tuple[str, str], list[Values]] = {}
        self.parts: dict[str, set[object]] = {}
        self.twice: list[str] = []
        self.unexplained: list[str] = []
        self.unfounded: list[str] = []
        self.set_back: set[str] = set()  # roles whose account was set back to an older state
        self.settled: set[str] = set()
        self.blind: set[str] = set()
        self.hub_edits: list[tuple[str, str, Values]] = []
        self.first: dict[tuple[str, str], dict[str, object]] = {}
        self.asked: dict[tuple[str, str], list[Values]] = {}
        self.refused: dict[tuple[str, str, str], list[Values]] = {}  # (record, role, field): not authorised
        self.left_open: set[tuple[str, str]] = set()  # fields of records that a person was asked about
        self.opened: set[tuple[str, tuple[str, str, str, str], datetime]] = set()  # questions that were counted

    @property
    def policy(self) -> Policy:
        return self.policies[-1][1]

    def now(self) -> datetime:
        raise NotImplementedError

    def hub_now(self) -> datetime:
        """What the hub's clock shows."""
        raise NotImplementedError

    def in_force(self, start: datetime, end: datetime | None = None) -> list[Policy]:
        """Every policy version that was in force at some time between the two; without `end`, until now."""
        ends = [at for at, _ in self.policies[1:]] + [None]
        return [
            policy
            for (begun, policy), over in zip(self.policies, ends, strict=True)
            if (over is None or over > start) and (end is None or begun <= end)
        ]

    def always(self, edit: Edit, record: Record, end: datetime | None = None) -> bool:
        """Might its role write the field all the time since the edit was made?"""
        policies = self.in_force(edit.at, end)
        return all(may_write(self.unit_for(edit, policy), record, edit.role) for policy in policies)

    def ever(self, edit: Edit, record: Record) -> bool:
        """Might its role write the field at any time since the edit was made?"""
        return any(may_write(self.unit_for(edit, policy), record, edit.role) for policy in self.in_force(edit.at))

    def unit_for(self, edit: Edit, policy: Policy) -> Unit:
        return policy.unit(self.unit_of(next(iter(edit.typed))))

    def owner(self, row: Row) -> str:
        """The record that it is linked to now."""
        return self.store.ids.get((row.role, row.remote_id), "")

    def showing(self, observation: Observation, row: Row) -> None:
        self.views[(row.remote_id, str(row.state), observation.role)] = dict(row.edits)

    def committed(self, plan: Plan) -> None:
        """Note which edits were judged, and every value that was believed or stood as a candidate."""
        for line in plan.lines:
            self._note_line(plan.state.key, line)
            self._note_delete(plan, line)
        if self.stop:
            self._after_stop(plan)
        for name, belief in plan.state.beliefs.items():
            known = self.believed.setdefault((plan.state.key, name), {})
            if belief.v not in known:
                known[belief.v] = belief.value
                self._explained(plan.state, name)
        self._note_questions(plan)
        for role, link in plan.state.links.items():
            if link.remote_id is not None:
                self._note_link(plan, role, link.remote_id, link)

    def _note_delete(self, plan: Plan, line: Line) -> None:
        remote_id = plan.state.links[line.role].remote_id if line.verdict is Verdict.DELETED else None
        if remote_id and remote_id not in self.accounts[line.role].ever_gone and line.role not in self.set_back:
            self.unfounded.append(f"{line.role} {remote_id} ({plan.state.key}) was taken for deleted, and never was")

    def _note_line(self, key: str, line: Line) -> None:
        self.counts[f"verdict: {line.verdict}"] += 1
        self.counts[f"reason: {line.reason.code}"] += 1
        if line.verdict is Verdict.OVERWRITTEN and line.saw is not None and line.saw.observation is not None:
            seen = line.saw.observation
            for member, edit in self.views.get((seen.remote_id, seen.digest, seen.role), {}).items():
                if self.unit_of(member) == line.unit:
                    edit.seen.add(member)
                    self._judge(edit, key, Verdict.OVERWRITTEN)
        if line.verdict is Verdict.UNAUTHORISED and line.x is not None:
            self.refused.setdefault((key, line.role, line.unit), []).append(line.x)
        lost = line.verdict is Verdict.SUPERSEDED and line.reason is Reason.NOT_LANDED
        if lost or line.reason is Reason.CONFIRMED_BLIND:
            self.blind.add(key)  # nobody saw what the account made of a write
        again = line.verdict is Verdict.LINKED and (key, line.role) in self.linked
        if again or line.reason in (Reason.NEW_ID, Reason.TOOK_OVER):
            self.relinked.add(key)
        if line.verdict is Verdict.DELETED:
            self.gone[(key, line.role)] = self.tick

    def _note_questions(self, plan: Plan) -> None:
        key = plan.state.key
        for closed in plan.closed:
            if closed.question.kind in (Kind.DELETE, Kind.MERGE) and closed.by != "rule":
                self.decided.setdefault((key, closed.question.role), []).append(closed.winner)
        for question in plan.state.questions:
            if (key, question.key, question.opened_at) not in self.opened:
                self.opened.add((key, question.key, question.opened_at))
                self.counts[f"asked: {question.reason.code}"] += 1
            self.left_open.add((key, question.unit))
        for question in (*plan.state.questions, *(closed.question for closed in plan.closed)):
            if question.unit:
                self.asked.setdefault((key, question.unit), []).extend(c.value for c in question.candidates)

    def _note_link(self, plan: Plan, role: str, remote_id: str, link: Link) -> None:
        key = plan.state.key
        if self.owners.setdefault((role, remote_id), key) != key:
            self.owners[(role, remote_id)] = key
            self.relinked.add(key)
        if self.seen.get((key, role)) == link.digest or not link.digest or link.asleep:
            return
        self.seen[(key, role)] = link.digest
        self.linked.setdefault((key, role), self.tick)
        self._judged_once(plan, role, remote_id, link.digest)
        verdicts = {line.unit: line.verdict for line in plan.lines if line.role == role and line.unit}
        for member, edit in self.views.get((remote_id, link.digest, role), {}).items():
            if not edit.judged or edit.looked == (remote_id, link.digest):
                edit.seen.add(member)
                edit.looked = (remote_id, link.digest)
                edit.judged = ""
                self._judge(edit, key, verdicts.get(self.unit_of(member), Verdict.UNCHANGED))

    def _judge(self, edit: Edit, key: str, verdict: Verdict) -> None:
        if not edit.judged:
            edit.judged, edit.judged_at, edit.key = verdict, self.tick, key

    def _explained(self, record: Record, name: str) -> None:
        """I8: the hub names source, time, policy version and rule of every value it believes."""
        belief = record.beliefs[name]
        said = belief.said
        known = {policy.version for _, policy in self.policies}
        if belief.v and (said is None or not said.source or said.policy not in known or said.at is None):
            self.unexplained.append(f"{record.key} believes {name} = {belief.value} because of {said}")

    def _judged_once(self, plan: Plan, role: str, remote_id: str, digest: str) -> None:
        """An edit makes at most one hub version, and what the hub wrote itself makes none."""
        view = self.views.get((remote_id, digest, role), {})
        if any(line.verdict is Verdict.FOUND and line.role == role for line in plan.lines):
            return  # what a look-up found may be an older copy, taken out of a bin: all of it is new to the hub
        if self.counts["the hub's clock was set"] and not self.accounts[role].traits.exact:
            return  # the one order of reads without versions is the hub's clock; what it took back is looked at again
        for line in plan.lines:
            base = line.saw.base if line.saw is not None else None
            if line.role != role or line.verdict is not Verdict.ADOPT or base is None or line.x is None:
                continue
            if self.accounts[role].hidden or plan.state.key in self.settled | self.relinked:
                continue
            changed = [name for name, value in line.x.items() if base.stored.get(name) != value]
            if not any(name in view and self._new(view[name], plan.state.key) for name in changed):
                self.twice.append(
                    f"{plan.state.key} {line.unit} at {role}: {dict(line.x)} was adopted, and nobody had edited it"
                )

    def _new(self, edit: Edit, key: str) -> bool:
        """Not judged yet, or judged for another record that the remote one belonged to then."""
        return edit.judged in ("", Verdict.OVERWRITTEN) or edit.key != key

    def _after_stop(self, plan: Plan) -> None:
        """What explains writes after people stopped: new hub versions, debts found then, and links made then."""
        old = self.versions.get(plan.state.key, 0)
        self.after_stop["versions"] += max(0, plan.state.version - old)
        for line in plan.lines:
            self.after_stop["debts"] += line.verdict in (Verdict.UNAUTHORISED, Verdict.RESEND, Verdict.AGREE_PAST)
            self.after_stop["debts"] += line.verdict in (Verdict.CONCURRENT, Verdict.CANDIDATE, Verdict.EMPTY)
            self.after_stop["debts"] += line.reason in (Reason.HIGHER_WON, Reason.LOWER_WON)
            self.after_stop["links"] += line.verdict in (Verdict.LINKED, Verdict.FOUND, Verdict.CREATED)
            self.after_stop["links"] += line.verdict in (Verdict.DECIDED, Verdict.REVIVED)
        self.versions[plan.state.key] = plan.state.version

    def unit_of(self, member: str) -> str:
        return BUNDLED.get(member, member)

    def remember_typed(self, *many: Values) -> None:
        for values in many:
            for name, value in values.items():
                self.typed.setdefault(name, []).append(value)

    def typed_parts(self, name: str) -> set[object]:
        """All that anybody entered into a field, as typed and as the account stored it; sets element by element."""
        if name not in self.parts:
            found: set[object] = set()
            for value in self.typed.get(name, ()):
                found.update(
                    value if isinstance(value, list) else value.values() if isinstance(value, dict) else [value]
                )
            self.parts[name] = found
        return self.parts[name]

    def started(self, record: Record, name: str) -> int | None:
        """The total a record began with, if all sides that had one began with the same."""
        totals = {
            values[name]
            for side, values in self.first.items()
            if self.owners.get(side) == record.key and values.get(name) is not None
        }
        return next(iter(totals)) if len(totals) == 1 and isinstance(next(iter(totals)), int) else None  # type: ignore[return-value]
