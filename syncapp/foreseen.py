"""What would follow if an observation that a brake holds were judged now: planned by the judge, never guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from policies.core.codec import observation_from_json
from policies.core.due import Work
from policies.core.plan import plan
from policies.core.planned import Plan
from policies.core.seen import Context, How, Observation

from .facts import facts_of
from .models import Held
from .sight import Sight, sights_of
from .waiting import WORDS, write_at
from .words import capital, sentence


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One held row, the record it is about, why it would be judged so, and what each system would get."""

    row: Held
    seen: Sequence[tuple[str, str]]  # what the account shows: field, value
    because: Sequence[str]
    effects: Sequence[tuple[str, str]]  # system, what happens there


def foreseen(rows: Sequence[Held], now: datetime) -> list[Foreseen]:
    """In a fixed number of queries; the rows come with their records."""
    records = [row.record for row in rows if row.record is not None]
    sights = {sight.row.pk: sight for sight in sights_of(records)}
    return [_one(row, sights.get(row.record_id) if row.record_id else None, now) for row in rows]


def _one(row: Held, sight: Sight | None, now: datetime) -> Foreseen:
    seen = observation_from_json(row.observation)
    if sight is None or seen.role not in sight.record.links:
        return Foreseen(row, (), ("It is read again and judged as any other.",), ())
    # As the look of the release will see it: by id, now, and believed even if its version is lower.
    seen = replace(seen, read_at=now, how=How.BY_ID, attempt=1, last=True)
    made = plan(sight.record, seen, sight.policy, _context(sight, seen, now))
    values = [(sight.words.field(name), sight.words.values({name: value})) for name, value in _differing(sight, seen)]
    return Foreseen(row, values, _because(sight, made), _effects(sight, made))


def _context(sight: Sight, seen: Observation, now: datetime) -> Context:
    feed = sight.feeds[seen.role]
    skew = None if feed.account.skew is None else timedelta(seconds=feed.account.skew)
    granularity = timedelta(seconds=facts_of(feed).granularity)
    return Context(now, skew, timedelta(seconds=feed.account.uncertainty), granularity)


def _differing(sight: Sight, seen: Observation) -> list[tuple[str, object]]:
    stored: dict[str, object] = {}
    for base in sight.record.links[seen.role].bases.values():
        stored.update(base.stored)
    return [(name, value) for name, value in seen.fields.items() if stored.get(name) != value]


def _because(sight: Sight, made: Plan) -> list[str]:
    said = [sight.words.why(one.reason.code, role=one.role, unit=one.unit, detail=one.detail) for one in made.lines]
    return [sentence(one) for one in dict.fromkeys(said)] or ["Nothing is different from what is known."]


def _effects(sight: Sight, made: Plan) -> list[tuple[str, str]]:
    after = replace(sight, record=made.state)
    out = []
    for role in sight.policy.roles:
        write = write_at(after, role)
        if write is not None and write != write_at(sight, role):
            made_there = write.what == WORDS[Work.CREATE]
            changes = "; ".join(
                f"{label} “{new}”" if made_there else f"{label} from “{old}” to “{new}”"
                for label, old, new in write.changes
            )
            out.append((capital(sight.words.role(role)), write.what + (f": {changes}" if changes else "")))
    asked = {question.key for question in made.state.questions} - {one.key for one in sight.record.questions}
    out += [("A person", "is asked")] if asked else []
    return out or [("Every system", "nothing is written")]
