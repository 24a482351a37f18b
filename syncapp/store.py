"""What the hub remembers of one sync, in PostgreSQL: the store that the steps run over."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction

from policies.compile import PolicyError, compile_policy
from policies.core.planned import Plan
from policies.core.rules import Policy
from policies.core.seen import Context, Observation
from policies.core.values import Record
from policies.models import PolicySet, Sync
from policies.rolefacts import facts_digest

from .connectors.errors import MappingError
from .facts import facts_of
from .load import Contended, Loaded, database_now, load_page, load_records, start
from .matching import match_digests, may_differ, record_digests
from .models import Feed, Run
from .queue import ring
from .reconcile import derive, write
from .references import targets_by_role
from .setting import Entry, Setting

PUSH_JOB = "syncapp.jobs.push"
# Deadlock, serialisation, lock and statement time-outs, and a row that somebody else made first.
AGAIN = ("40P01", "40001", "55P03", "57014", "23505")


class NoPolicy(Exception):
    """The sync has no published policy set, or one that does not fit its feeds any more: nothing can be judged."""


def ring_pushes(feed_ids: Collection[int]) -> None:
    for pk in sorted(feed_ids):
        ring(PUSH_JOB, pk, queue="push")


def ordered_key(millis: int, noise: bytes) -> str:
    """A version 7 UUID: its order is the order of making, so that new rows land together in every index."""
    number = (millis << 80) | (7 << 76) | (int.from_bytes(noise[:2]) & 0xFFF) << 64
    number |= (2 << 62) | (int.from_bytes(noise[2:10]) & ((1 << 62) - 1))
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_key() -> str:
    return ordered_key(time.time_ns() // 1_000_000, os.urandom(10))


@contextmanager
def retryable() -> Iterator[None]:
    """Turn what another worker caused into Contended; everything else stays what it is."""
    try:
        yield
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) in AGAIN:
            raise Contended(str(error.__cause__).splitlines()[0]) from error
        raise


class PgStore:
    """Implements `steps.Store`. Cheap to make; one per job."""

    def __init__(
        self, sync: Sync, run: Run | None = None, *, ring_feeds: Callable[[Collection[int]], None] = ring_pushes
    ) -> None:
        self.sync = sync
        self.run = run
        # How many records of a pass so far share one updated-at; a page alone may show too few of them.
        self.shared: Mapping[datetime, int] = {}
        self._ring = ring_feeds

    def now(self) -> datetime:
        return database_now()

    @contextmanager
    def page(self, role: str, observations: Sequence[Observation], keys: Sequence[str] = ()) -> Iterator[PgPage]:
        """Raises Contended when the block is to be tried again from its beginning."""
        with retryable(), transaction.atomic():
            now = start(self.sync.pk)
            setting = self.setting()
            loaded = load_page(now, self.sync.pk, setting.feeds, role, observations, setting.policy, keys)
            page = PgPage(setting, loaded, observations, self.shared)
            yield page
            self._ring(page.write())

    @contextmanager
    def open(self, *keys: str) -> Iterator[PgPage]:
        """Raises Contended as `page` does."""
        with retryable(), transaction.atomic():
            loaded = Loaded(start(self.sync.pk))
            setting = self.setting()
            load_records(loaded, setting.feeds, keys)
            page = PgPage(setting, loaded, ())
            yield page
            self._ring(page.write())

    def cursor(self, role: str) -> str:
        return str(self._feed(role).cursor.get("at", ""))

    def advance(self, role: str, cursor: str) -> None:
        feed = self._feed(role)
        Feed.objects.filter(pk=feed.pk).update(cursor={**feed.cursor, "at": cursor})

    def _feed(self, role: str) -> Feed:
        return Feed.objects.get(role__sync=self.sync, role__name=role)

    def derive(self, keys: Collection[str]) -> None:
        """Work out again what is due for these records, as after a change of policy. Raises Contended."""
        with retryable(), transaction.atomic():
            loaded = Loaded(start(self.sync.pk))
            setting = self.setting()
            load_records(loaded, setting.feeds, keys)
            self._ring(derive(setting, loaded))

    def setting(self) -> Setting:
        """The published policy with what the feeds can do. Raises NoPolicy."""
        feeds = Feed.objects.filter(role__sync=self.sync).select_related("account", "role")
        by_role = {feed.role.name: feed for feed in feeds.order_by("role__order", "role__name")}
        published = PolicySet.objects.filter(sync=self.sync, state=PolicySet.State.PUBLISHED).select_related("sync")
        policy_set = published.first()
        if policy_set is None:
            raise NoPolicy(
                f"sync {self.sync.slug!r} has no published policy: publish one, or apply a file that has one"
            )
        try:
            facts = {role: facts_of(feed) for role, feed in by_role.items()}
            policy = compile_policy(policy_set, facts)
        except (PolicyError, LookupError, MappingError) as error:
            raise NoPolicy(
                f"the policy of sync {self.sync.slug!r} does not fit its feeds any more, so nothing can be judged: "
                f"{error}; mend the sync's file or the provider's, and apply it again"
            ) from error
        granularity = {role: fact.granularity for role, fact in facts.items()}
        # The sync as it is with this policy: what the job was begun with may be older, and its match keys with it.
        references = targets_by_role(policy, by_role)
        return Setting(policy_set.sync, self.run, by_role, policy, facts_digest(facts), granularity, references)


class PgPage:
    """Implements `steps.Page`: works in memory, and is written when the block ends."""

    def __init__(
        self,
        setting: Setting,
        loaded: Loaded,
        observations: Sequence[Observation],
        shared: Mapping[datetime, int] | None = None,
    ) -> None:
        self.policy: Policy = setting.policy
        self._setting = setting
        self._loaded = loaded
        self._observations = observations
        self._shared = shared or {}
        self._records = dict(loaded.records)
        self._by_remote = dict(loaded.by_remote)
        self._made: dict[tuple[str, str], list[str]] = {}
        self._entries: list[Entry] = []
        self._contexts: dict[str, Context] = {}

    def context(self, role: str) -> Context:
        if role not in self._contexts:
            self._contexts[role] = self._context(role)
        return self._contexts[role]

    def _context(self, role: str) -> Context:
        account = self._setting.feeds[role].account
        run = self._setting.run
        return Context(
            self._loaded.now,
            None if account.skew is None else timedelta(seconds=account.skew),
            timedelta(seconds=account.uncertainty),
            timedelta(seconds=self._setting.granularity[role]),
            _shared_times(self._observations, self._shared),
            str(run.pk) if run is not None else "",
        )

    def linked(self, observation: Observation) -> Record | None:
        key = self._by_remote.get((observation.role, observation.remote_id))
        return self._records[key] if key is not None else None

    def matching(self, observation: Observation) -> Sequence[Record]:
        """The records of the best key that any record has."""
        for pair in match_digests(observation.fields, self.policy):
            keys = dict.fromkeys([*self._loaded.matches.get(pair, ()), *self._made.get(pair, ())])
            found = [self._records[key] for key in keys if pair in record_digests(self._records[key], self.policy)]
            if found:
                return found
        return ()

    def record(self, key: str) -> Record | None:
        return self._records.get(key)

    def new_key(self) -> str:
        return new_key()

    def save(self, plan: Plan) -> None:
        state = plan.state
        before = self._records.get(state.key)
        if state is before and not plan.lines and not plan.closed:
            return
        self._entries.append(Entry(before, plan, new_key()))
        self._records[state.key] = state
        self._index(before, state)

    def _index(self, before: Record | None, state: Record) -> None:
        """Later observations of this page see the links and values that earlier ones made."""
        for link in state.links.values():
            if link.remote_id is not None:
                self._by_remote[(link.role, link.remote_id)] = state.key
        for link in before.links.values() if before else ():
            now = state.links.get(link.role)
            if link.remote_id is not None and (now is None or now.remote_id != link.remote_id):
                self._by_remote.pop((link.role, link.remote_id), None)
        if before is None or may_differ(before, state):
            for pair in record_digests(state, self.policy):
                self._made.setdefault(pair, []).append(state.key)

    def write(self) -> set[int]:
        """Write everything saved; the feeds where something new is due."""
        return write(self._setting, self._loaded, self._entries, self._records)


def _shared_times(observations: Sequence[Observation], shared: Mapping[datetime, int]) -> Mapping[datetime, int]:
    """How many observations share one updated-at: many are a bulk touch, which says nothing about single edits."""
    counts: dict[datetime, int] = {}
    for seen in observations:
        if seen.updated_at is not None:
            counts[seen.updated_at] = counts.get(seen.updated_at, 0) + 1
    counts = {moment: max(count, shared.get(moment, 0)) for moment, count in counts.items()}
    return {moment: count for moment, count in counts.items() if count > 1}
