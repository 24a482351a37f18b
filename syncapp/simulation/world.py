"""One seed: accounts, people, workers and faults, interleaved by a random number generator that replays identically."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random

from policies.core.planned import Plan
from policies.core.reasons import Reason, Verdict
from policies.core.resolve import Choice, Moved, Refused, edit, resolve
from policies.core.seen import Context, Observation
from policies.core.values import Kind, Question, Record, Values
from syncapp import push as writing
from syncapp import steps
from syncapp.connectors.errors import ConnectorError

from . import catalogue
from .account import Account, Edit, Row
from .catalogue import ROLES
from .memory import MemoryStore

EDITS = 60
RECORDS = 10
QUIET = 40  # rounds in which everything must come to rest


class Crash(BaseException):
    """A process dies here."""


class World:
    """Everything that happens in one seed."""

    def __init__(self, seed: int) -> None:
        self.seed, self.random = seed, Random(seed)
        self.tick = datetime(2026, 1, 1, tzinfo=UTC)
        self.counts: Counter[str] = Counter()
        self.edits: list[Edit] = []
        self.typed: dict[str, list[Values]] = {}
        self.views: dict[tuple[str, str, str], dict[str, Edit]] = {}
        self.seen: dict[tuple[str, str], str] = {}
        self.after_stop: Counter[str] = Counter()
        self.versions: dict[str, int] = {}
        self.linked: dict[tuple[str, str], datetime] = {}
        self.believed: dict[tuple[str, str], dict[int, Values]] = {}
        self.chosen: dict[tuple[str, str], list[Values]] = {}
        self.parts: dict[str, set[object]] = {}
        self.twice: list[str] = []
        self.settled: set[str] = set()
        self.blind: set[str] = set()
        self.hub_edits: list[tuple[str, str, Values]] = []
        self.first: dict[tuple[str, str], dict[str, object]] = {}
        self.asked: dict[tuple[str, str], list[Values]] = {}
        self.bag: list[list[Observation]] = []
        self.calm, self.inside, self.stop = True, False, False
        self.all_conditional = self.random.random() < 1 / 3
        traits = {role: catalogue.draw_traits(self.random, self.all_conditional) for role in ROLES}
        norms = {role: catalogue.draw_norms(self.random) for role in ROLES}
        self.policy = catalogue.draw_policy(self.random, traits, norms)
        self.unknown_skew = {role for role in ROLES if self.random.random() < 0.2}
        self.accounts = {
            role: Account(
                self, role, traits[role], norms[role], catalogue.draw_hidden(self.random, traits[role]), self.random
            )
            for role in ROLES
        }
        self.store = MemoryStore(self, self.policy)

    # time, faults, interruptions

    def now(self) -> datetime:
        self.tick += timedelta(microseconds=1)
        return self.tick

    def context(self, role: str) -> Context:
        account = self.accounts.get(role)
        if account is None:
            return Context(self.tick)
        skew = None if role in self.unknown_skew else account.traits.skew
        return Context(self.tick, skew, timedelta(milliseconds=50), account.traits.granularity)

    def call(self, account: Account, step: str, remote_id: str = "") -> None:
        """Every remote call: time passes, others act, the process may die."""
        self.tick += timedelta(milliseconds=self.random.randint(1, 40))
        if self.calm:
            return
        self.crash(f"{step}")
        if not self.inside and self.random.random() < 0.12:
            self.inside = True
            try:
                if remote_id and self.random.random() < 0.4:
                    self.edit(account.rows.get(remote_id))
                else:
                    self.random.choice((self.edit, self.deliver, self.judge_held))()
            finally:
                self.inside = False

    def crash(self, where: str) -> None:
        if not self.calm and self.random.random() < 0.008:
            self.counts["crashes"] += 1
            self.counts[f"crash: {where}"] += 1
            raise Crash(where)

    def fault(self) -> str:
        if self.calm or self.random.random() > 0.1:
            return ""
        kind = self.random.choice(("limited", "unsent", "landed"))
        self.counts[f"fault: {kind}"] += 1
        return kind

    # what the fault machine itself knows

    def showing(self, observation: Observation, row: Row) -> None:
        self.views[(row.remote_id, str(row.version), observation.role)] = dict(row.edits)

    def committed(self, plan: Plan) -> None:
        """Note which edits were judged, and every value that was believed or stood as a candidate."""
        record = plan.state
        for line in plan.lines:
            self.counts[f"verdict: {line.verdict}"] += 1
            self.counts[f"reason: {line.reason.code}"] += 1
            if line.verdict is Verdict.OVERWRITTEN and line.saw is not None and line.saw.observation is not None:
                seen = line.saw.observation
                for member, edit in self.views.get((seen.remote_id, seen.digest, seen.role), {}).items():
                    if self.unit_of(member) == line.unit:
                        edit.seen.add(member)
                        edit.judged = edit.judged or Verdict.OVERWRITTEN
            if line.reason is Reason.CONFIRMED_BLIND:
                self.blind.add(record.key)
        if self.stop:
            self._after_stop(plan)
        for name, belief in record.beliefs.items():
            self.believed.setdefault((record.key, name), {})[belief.v] = belief.value
        for question in (*record.questions, *(closed.question for closed in plan.closed)):
            if question.unit:
                self.asked.setdefault((record.key, question.unit), []).extend(c.value for c in question.candidates)
        for role, link in record.links.items():
            if link.remote_id is None or self.seen.get((record.key, role)) == link.digest or not link.digest:
                continue
            self.seen[(record.key, role)] = link.digest
            self.linked.setdefault((record.key, role), self.tick)
            self._judged_once(plan, role, link.remote_id, link.digest)
            verdicts = {line.unit: line.verdict for line in plan.lines if line.role == role and line.unit}
            for member, edit in self.views.get((link.remote_id, link.digest, role), {}).items():
                if not edit.judged or edit.looked == (link.remote_id, link.digest):
                    edit.seen.add(member)
                    edit.looked = (link.remote_id, link.digest)
                    edit.judged = verdicts.get(self.unit_of(member), Verdict.UNCHANGED)

    def _judged_once(self, plan: Plan, role: str, remote_id: str, digest: str) -> None:
        """An edit makes at most one hub version, and what the hub wrote itself makes none."""
        view = self.views.get((remote_id, digest, role), {})
        for line in plan.lines:
            base = line.saw.base if line.saw is not None else None
            if line.role != role or line.verdict is not Verdict.ADOPT or base is None or line.x is None:
                continue
            if self.accounts[role].hidden or plan.state.key in self.settled:
                continue
            changed = [name for name, value in line.x.items() if base.stored.get(name) != value]
            if not any(name in view and view[name].judged in ("", Verdict.OVERWRITTEN) for name in changed):
                self.twice.append(
                    f"{plan.state.key} {line.unit} at {role}: {dict(line.x)} was adopted though nobody had edited it since"
                )

    def _after_stop(self, plan: Plan) -> None:
        """What explains writes after people stopped: new hub versions, debts found then, and links made then."""
        old = self.versions.get(plan.state.key, 0)
        self.after_stop["versions"] += max(0, plan.state.version - old)
        for line in plan.lines:
            self.after_stop["debts"] += line.verdict in (Verdict.UNAUTHORISED, Verdict.RESEND, Verdict.AGREE_PAST)
            self.after_stop["debts"] += line.verdict in (Verdict.CONCURRENT, Verdict.CANDIDATE, Verdict.EMPTY)
            self.after_stop["links"] += line.verdict in (Verdict.LINKED, Verdict.FOUND, Verdict.CREATED)
        self.versions[plan.state.key] = plan.state.version

    def unit_of(self, member: str) -> str:
        return "address" if member in ("street", "zip") else member

    # people

    def populate(self) -> None:
        """Records that exist on some sides when the accounts are connected, some with differing values."""
        for number in range(RECORDS):
            sides = self.random.sample(ROLES, self.random.randint(1, 3))
            for role in sides:
                account = self.accounts[role]
                values = {"email": f"person{number}@example.com"}
                for unit in self.policy.units[1:]:
                    for member in catalogue.members(unit.name):
                        if self.random.random() < 0.75:
                            salt = number if self.random.random() < 0.7 else 1000 + number * 10 + ROLES.index(role)
                            values[member] = catalogue.type_value(Random(salt), member, salt, None)
                        else:
                            values[member] = None
                stored = account.form(values, ours=False)
                self._typed(values, stored)
                self.first[(role, account.add(stored, "person").remote_id)] = stored

    def _typed(self, *many: Values) -> None:
        for values in many:
            for name, value in values.items():
                self.typed.setdefault(name, []).append(value)

    def typed_parts(self, name: str) -> set[object]:
        """Everything that anybody entered into a field, as typed and as the account stored it; sets element by element."""
        if name not in self.parts:
            found: set[object] = set()
            for value in self.typed.get(name, ()):
                for shape in (value,):
                    found.update(
                        shape if isinstance(shape, list) else shape.values() if isinstance(shape, dict) else [shape]
                    )
            self.parts[name] = found
        return self.parts[name]

    def started(self, record: Record, name: str) -> int | None:
        """The total a record began with, if all sides that had one began with the same."""
        totals = {
            values[name]
            for (role, remote_id), values in self.first.items()
            if (link := record.links.get(role)) and link.remote_id == remote_id and values.get(name) is not None
        }
        return next(iter(totals)) if len(totals) == 1 and isinstance(next(iter(totals)), int) else None  # type: ignore[return-value]

    def edit(self, row: Row | None = None) -> None:
        """A person changes one field, or the fields of one bundle, in one account."""
        account = self.accounts[row.remote_id.split("-")[0] if row is not None else self.random.choice(ROLES)]
        if not account.rows or self.stop:
            return
        row = row or account.rows[self.random.choice(sorted(account.rows))]
        unit = self.random.choice(self.policy.units)
        names = catalogue.members(unit.name)
        names = names if self.random.random() < 0.5 else (self.random.choice(names),)
        typed = {name: self._type(account, name, row) for name in names}
        if unit.name == "email" and self.random.random() < 0.7:
            return
        stored = account.form(typed, ours=False)
        before = {name: row.fields.get(name) for name in names}
        edit = Edit(len(self.edits), account.role, row.remote_id, typed, stored, before, self.now())
        edit.noop = stored == before
        if edit.noop:
            return
        self.edits.append(edit)
        self._typed(typed, stored)
        account.put(row, stored, "person", edit)

    def _type(self, account: Account, name: str, row: Row) -> object:
        roll = self.random.random()
        if roll < 0.05:
            return None
        key = self.store.ids.get((account.role, row.remote_id), "")
        history = list(self.believed.get((key, self.unit_of(name)), {}).values())
        if 0.15 <= roll < 0.22 and history and catalogue.KINDS[name] in ("text", "email"):
            return self.random.choice(history[-5:])[name]  # what the hub once believed
        if roll < 0.15 and self.typed.get(name) and catalogue.KINDS[name] in ("text", "integer"):
            return self.random.choice(self.typed[name][-12:])
        return catalogue.type_value(self.random, name, len(self.edits) + 100, row.fields.get(name))

    def edit_in_hub(self) -> None:
        """A person changes a field in the hub, having seen it at its version or an earlier one."""
        if not self.store.records:
            return
        key = self.random.choice(sorted(self.store.records))
        unit = self.random.choice(self.policy.units[1:])
        belief = self.store.records[key].beliefs.get(unit.name)
        seen = (belief.v if belief is not None else 0) - (self.random.random() < 0.2)
        value = {
            name: catalogue.type_value(
                self.random, name, len(self.edits) + 20_000, belief.value.get(name) if belief else None
            )
            for name in catalogue.members(unit.name)
        }
        self._typed(value)
        try:
            with self.store.open(key) as page:
                record = page.record(key)
                if record is not None:
                    page.save(edit(record, unit.name, value, seen, "Kim", self.policy, Context(self.now())))
        except Refused:
            self.counts["hub edits refused"] += 1
            return
        self.counts["hub edits"] += 1
        self.hub_edits.append((key, unit.name, value))

    def answer(self) -> None:
        """A reviewer answers a question, now and then one that moved on since it was shown."""
        waiting = [(r, q) for r in self.store.records.values() for q in r.questions]
        if not waiting:
            return
        record, question = self.random.choice(waiting)
        version = question.version - (self.random.random() < 0.1)
        choice = self._choose(question)
        try:
            with self.store.open(record.key) as page:
                current = page.record(record.key) or record
                made = resolve(current, question.key, version, choice, "Robin", self.policy, Context(self.now()))
                for closed in made.closed:
                    if closed.value is not None:
                        self.chosen.setdefault((record.key, closed.question.unit), []).append(closed.value)
                        self._typed(closed.value)
                page.save(made)
            self.counts["answers"] += 1
        except Moved:
            self.counts["answers that had moved"] += 1
        except Refused:
            self.counts["answers refused"] += 1

    def _choose(self, question: Question) -> Choice:
        if question.kind is Kind.DELETE:
            return Choice(action="recreate")
        if question.kind in (Kind.MATCH, Kind.CREATE):
            return Choice(action="skip")
        candidate = self.random.choice(question.candidates)
        if self.random.random() < 0.2:
            value = {
                name: catalogue.type_value(self.random, name, self.random.randint(5000, 9999), old)
                for name, old in candidate.value.items()
            }
            self._typed(value)
            return Choice(value=value)
        return Choice(source=candidate.source, overwritten=candidate.overwritten)

    # workers

    def deliver(self) -> None:
        """A webhook: late, twice, out of order, without a body, or never."""
        account = self.accounts[self.random.choice(ROLES)]
        if not account.events:
            return
        event = account.events[self.random.randrange(len(account.events))]
        roll = self.random.random()
        if roll > 0.15:
            account.events.remove(event)
        if roll > 0.85:
            self.counts["deliveries lost"] += 1
            return
        try:
            self._receive(account, event, fat=roll <= 0.6)
        except (Crash, ConnectorError):
            account.events.append(event)  # the inbox keeps a delivery until its hint was judged
            raise

    def _receive(self, account: Account, event: Observation, *, fat: bool) -> None:
        if not fat:
            self.counts["deliveries without body"] += 1
        else:
            for edit in self.views.get((event.remote_id, event.digest, account.role), {}).values():
                edit.shown = True
            judged = steps.judge(self.store, account.role, [event])
            if judged.waiting:
                account.events.append(event)
                self.counts["deliveries that waited"] += 1
        self.counts["deliveries"] += 1
        self.look(account, event.remote_id)

    def look(self, account: Account, remote_id: str) -> None:
        judged = steps.look(self.store, account, remote_id)
        self.counts["looks"] += 1
        if judged.again:
            self.counts["looks repeated"] += 1

    def hold(self) -> None:
        """A worker reads and is slow: what it read is judged later, perhaps twice."""
        account = self.accounts[self.random.choice(ROLES)]
        if account.rows:
            remote_id = self.random.choice(sorted(account.rows))
            self.bag.append([account.read(remote_id)])

    def judge_held(self) -> None:
        if self.bag:
            observations = self.random.choice(self.bag)
            if self.random.random() < 0.7:
                self.bag.remove(observations)
            steps.judge(self.store, observations[0].role, observations)

    def poll(self, *, full: bool = False) -> None:
        account = self.accounts[self.random.choice(ROLES)]
        for _ in steps.pull(self.store, account, full=full):
            self.counts["pages"] += 1

    def push(self) -> None:
        if not self.store.due:
            return
        key = self.random.choice(sorted(self.store.due))
        role = self.random.choice(sorted(self.store.due[key]))
        outcome = writing.push(self.store, self.accounts[role], key)
        self.counts[f"push: {outcome}"] += 1

    def settle(self) -> None:
        sending = [(r.key, role) for r in self.store.records.values() for role, link in r.links.items() if link.sending]
        if sending:
            key, role = self.random.choice(sending)
            self.settled.add(key)
            self.counts[f"settled: {writing.settle(self.store, self.accounts[role], key)}"] += 1

    # the run

    def act(self) -> None:
        actions = {
            self.deliver: 20,
            self.poll: 6,
            self.push: 30,
            self.settle: 8,
            self.hold: 4,
            self.judge_held: 4,
            self.answer: 4,
            self.edit: 24,
            self.edit_in_hub: 2,
        }
        action = self.random.choices([*actions], [*actions.values()])[0]
        self.tick += timedelta(milliseconds=self.random.choice((5, 50, 400, 3000)))
        try:
            action()
        except Crash:
            pass  # the process is gone; the next action is another worker's
        except ConnectorError:
            self.counts["calls that failed"] += 1

    def run(self) -> None:
        self.populate()
        self.calm = self.random.random() < 0.3
        for role in ROLES:
            for _ in steps.pull(self.store, self.accounts[role]) if self.calm else ():
                pass
        self.calm = False
        while len(self.edits) < EDITS:
            self.act()

    def rest(self) -> int:
        """People stop. Everything is delivered, settled, read and pushed until nothing moves; returns the rounds used."""
        self.calm = self.stop = True
        self.versions = {record.key: record.version for record in self.store.records.values()}
        while self.bag:
            self.judge_held()
        self._settle_all()
        for account in self.accounts.values():
            waiting, account.events = account.events, []
            for event in waiting:
                self._receive(account, event, fat=True)
        for rounds in range(QUIET):
            before = (sum(a.writes for a in self.accounts.values()), len(self.store.lines))
            self.sweep()
            if before == (sum(a.writes for a in self.accounts.values()), len(self.store.lines)) and not self.store.due:
                return rounds
        return QUIET

    def sweep(self, *, full: bool = False) -> None:
        self._settle_all()
        for account in self.accounts.values():
            for _ in steps.pull(self.store, account, full=full):
                pass
        for key in sorted(self.store.due):
            for role in sorted(self.store.due.get(key, ())):
                try:
                    writing.push(self.store, self.accounts[role], key)
                except ConnectorError:
                    self.counts["calls that failed at rest"] += 1

    def _settle_all(self) -> None:
        for record in list(self.store.records.values()):
            for role, link in record.links.items():
                if link.sending:
                    self.settled.add(record.key)
                    writing.settle(self.store, self.accounts[role], record.key)
