"""The order of the steps that read: read, judge, commit. Written once, run by the clerk and by the simulation.

Every call on a store or a remote is a place where a process may die, and whoever comes next must be able to go on from
what was committed. The steps that write are in `push`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from policies.core import identity
from policies.core.merged import merged
from policies.core.overwritten import late
from policies.core.plan import plan
from policies.core.planned import Plan
from policies.core.seen import Context, How, Observation
from policies.core.values import Record

from .ports import Listing, Page, Remote, Store, Written

__all__ = ["Judged", "Listing", "Page", "Remote", "Store", "Written", "judge", "judge_one", "lives_on", "look", "pull"]


@dataclass(slots=True)
class Judged:
    """What came of a page: counts per verdict, and the remote ids to look at again or later."""

    verdicts: dict[str, int] = field(default_factory=dict)
    unchanged: int = 0
    outside: int = 0  # records out of scope
    again: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)

    def count(self, observation: Observation, made: Plan) -> None:
        self.unchanged += made.unchanged
        for line in made.lines:
            self.verdicts[line.verdict] = self.verdicts.get(line.verdict, 0) + 1
        if made.wait:
            self.waiting.append(observation.remote_id)
        elif made.look_again:
            self.again.append(observation.remote_id)

    @property
    def found_anything(self) -> bool:
        return bool(self.verdicts or self.unchanged or self.again or self.waiting)

    def add(self, other: Judged) -> None:
        self.unchanged += other.unchanged
        self.outside += other.outside
        for verdict, number in other.verdicts.items():
            self.verdicts[verdict] = self.verdicts.get(verdict, 0) + number
        self.again += other.again
        self.waiting += other.waiting


def judge(store: Store, role: str, observations: Sequence[Observation]) -> Judged:
    """Read has happened: judge a page of observations and commit, whole."""
    judged = Judged()
    # A record that carries our own external id is the one we made, whatever its match keys say by now.
    ours = tuple(o.external_id for o in observations if o.external_id is not None)
    with store.page(role, observations, ours) as page:
        context = page.context(role)
        for observation in observations:
            judge_one(page, observation, context, judged)
    return judged


def judge_one(page: Page, observation: Observation, context: Context, judged: Judged) -> None:
    if observation.merged_into is not None:
        _judge_merge(page, observation, observation.merged_into, context, judged)
        return
    record = page.linked(observation)
    judged.outside += not observation.in_scope
    if record is None:
        if observation.how is How.EVENT:
            judged.again.append(observation.remote_id)
            return
        if observation.deleted:
            return
        made_by_us = page.record(observation.external_id) if observation.external_id is not None else None
        matches = [made_by_us] if made_by_us is not None else page.matching(observation)
        if not observation.in_scope and not identity.being_made(matches, observation.role):
            return  # no record is made of what the feed does not take
        placed = identity.place(observation, matches, page.policy, context, page.new_key())
        page.save(placed)
        judged.count(observation, placed)
        record = placed.state
        link = record.links.get(observation.role)
        if placed.wait or link is None or link.remote_id != observation.remote_id:
            return
    made = _judge(page, record, observation, context)
    page.save(made)
    judged.count(observation, made)


def _judge(page: Page, record: Record, observation: Observation, context: Context) -> Plan:
    """A late event of a record that lives on in another one may show an edit that is lost there."""
    living = lives_on(page, record, None) if observation.how is How.EVENT else None
    if living is None or living.key == record.key:
        return plan(record, observation, page.policy, context)
    return late(living, record.links[observation.role], observation, page.policy, context)


def _judge_merge(page: Page, observation: Observation, into: str, context: Context, judged: Judged) -> None:
    """One change of two records; what the account made of them shows under the id that is left, which is read next."""
    loser = page.linked(observation)
    winner = lives_on(page, page.linked(replace(observation, remote_id=into)), loser)
    plans = merged(loser, winner, observation, page.policy, context)
    for made in plans:
        page.save(made)
        judged.count(observation, made)
    if plans and not (plans[0].wait or plans[0].look_again):
        judged.again.append(into)


def lives_on(page: Page, record: Record | None, loser: Record | None) -> Record | None:
    """The record that this one lives on in by now, unless that is the very one that is said to end in it.

    Where an account merged two to and fro, each lives on in the other until the one that is left is read.
    """
    seen, passed = record, {loser.key} if loser is not None else set()
    while seen is not None and (key := identity.lives_on_in(seen)) and key not in passed:
        passed.add(seen.key)
        seen = page.record(key)
    return seen if seen is not None else record


def pull(store: Store, remote: Remote, *, full: bool = False) -> Iterator[Judged]:
    """Delta sync, or full sync: page by page; the watermark moves only after its page is durable."""
    for listing in remote.pages(store.cursor(remote.role), full=full):
        # A page on which nothing is new costs no transaction and no look at the policy.
        judged = judge(store, remote.role, listing.observations) if listing.observations else Judged()
        store.advance(remote.role, listing.cursor)
        yield judged


def look(store: Store, remote: Remote, remote_id: str, *, attempt: int = 0, last: bool = False) -> Judged:
    """Look one record up by id and judge what is there; `last` believes even a lower version."""
    seen = remote.read(remote_id)
    if attempt or last:
        seen = replace(seen, attempt=attempt, last=last)
    return judge(store, remote.role, [seen])
