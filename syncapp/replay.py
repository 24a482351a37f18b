"""Replay the ledger: rebuild every record from nothing, and give every verdict again from what the judge saw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from policies.compile import PolicyError, compile_policy
from policies.core import codec, effects, refused
from policies.core.plan import rejudge
from policies.core.planned import Line
from policies.core.reasons import Reason, Verdict
from policies.core.rules import Policy
from policies.core.table import Effect
from policies.core.types import same
from policies.models import Sync
from policies.rolefacts import facts_digest

from .facts import facts_of
from .lines import empty_state, fold, state_json
from .load import Loaded, database_now, load_records
from .models import Feed, Ledger, Record

CHUNK = 500
SHOWN = 20
# The verdict that each row of the judge's table gives; lines with other verdicts come from no row.
VERDICTS: Mapping[Effect, Verdict] = {
    effects.echo: Verdict.ECHO,
    effects.agree: Verdict.AGREE,
    effects.agree_past: Verdict.AGREE_PAST,
    effects.fill: Verdict.EMPTY,
    refused.unauthorised: Verdict.UNAUTHORISED,
    refused.invalid: Verdict.INVALID,
    effects.candidate: Verdict.CANDIDATE,
    effects.adopt: Verdict.ADOPT,
    effects.first_link: Verdict.CONCURRENT,
    effects.concurrent: Verdict.CONCURRENT,
}


@dataclass(slots=True)
class Replayed:
    """What a replay found. `differences` says where the ledger and what is stored disagree."""

    records: int = 0
    lines: int = 0
    rejudged: int = 0
    no_row: int = 0  # lines that no row of the table gave: links, writes, decisions
    other_policy: int = 0  # lines judged under a policy or facts that are no longer here
    different: int = 0
    differences: list[str] = field(default_factory=list)

    def differ(self, sentence: str) -> None:
        self.different += 1
        if len(self.differences) < SHOWN:
            self.differences.append(sentence)


class Policies(Protocol):
    """Whoever knows the policy that a line was judged under; None if it is no longer here."""

    def of(self, line: Ledger) -> Policy | None: ...


class _Policies:
    """The policies that lines were judged under, by version, as far as they can be compiled with today's facts."""

    def __init__(self, sync: Sync, feeds: Mapping[str, Feed]) -> None:
        self._facts = {role: facts_of(feed) for role, feed in feeds.items()}
        self._digest = facts_digest(self._facts)
        self._sets = {row.version: row for row in sync.policy_sets.all()}
        self._found: dict[int, Policy | None] = {}

    def of(self, line: Ledger) -> Policy | None:
        if line.facts != self._digest:
            return None
        if line.policy not in self._found:
            self._found[line.policy] = self._compile(line.policy)
        return self._found[line.policy]

    def _compile(self, version: int) -> Policy | None:
        if version not in self._sets:
            return None
        try:
            return compile_policy(self._sets[version], self._facts)
        except PolicyError:
            return None  # counted by the caller: its fields or roles have changed since


def replay(sync: Sync) -> Replayed:
    """Compare all records of a sync with their ledger. Reads only."""
    feeds = {feed.role.name: feed for feed in Feed.objects.filter(role__sync=sync).select_related("account", "role")}
    policies = _Policies(sync, feeds)
    found = Replayed()
    for keys in _chunks(sync):
        _replay(found, feeds, policies, keys)
    return found


def _chunks(sync: Sync) -> Iterator[list[UUID]]:
    after = UUID(int=0)
    while True:
        rows = Record.objects.filter(sync=sync, key__gt=after).order_by("key")
        keys = list(rows.values_list("key", flat=True)[:CHUNK])
        if not keys:
            return
        yield keys
        after = keys[-1]


def _replay(found: Replayed, feeds: Mapping[str, Feed], policies: _Policies, keys: Sequence[UUID]) -> None:
    loaded = Loaded(database_now())
    load_records(loaded, feeds, [str(key) for key in keys], lock=False)
    states: dict[str, dict[str, Any]] = {str(key): empty_state() for key in keys}
    for row in Ledger.objects.filter(record__in=keys).order_by("id").iterator(chunk_size=2000):
        key = str(row.record)
        found.lines += 1
        judge_again(found, policies, row, states[key]["record"]["creator"])
        fold(states[key], row.changes or {})
    for key, record in loaded.records.items():
        found.records += 1
        for part in _parts(states[key], state_json(record)):
            found.differ(f"record {key}: {part} is not what its ledger says")


def _parts(folded: Mapping[str, Any], stored: Mapping[str, Any]) -> Iterator[str]:
    for part in ("record", "questions"):
        if not same(folded[part], stored[part]):
            yield part
    for part in ("beliefs", "links"):
        for name in sorted({*folded[part], *stored[part]}):
            if not same(folded[part].get(name), stored[part].get(name)):
                yield f"{part} of {name}"


def judge_again(found: Replayed, policies: Policies, row: Ledger, creator: str) -> None:
    """Give the verdict of one line again, and count how that went."""
    if row.saw is None or row.verdict not in set(VERDICTS.values()):
        found.no_row += 1
        return
    policy = policies.of(row)
    if policy is None or row.unit not in policy.by_name:
        found.other_policy += 1
        return
    given = rejudge(line_of(row), policy, creator)
    if given is None:
        found.no_row += 1
        return
    found.rejudged += 1
    verdict = VERDICTS.get(given.then)
    if verdict != row.verdict:
        found.differ(
            f"line {row.pk} ({row.role}, {row.unit}): recorded {row.verdict}, judged again {verdict or 'unchanged'} "
            f"by row {given.number}"
        )


def line_of(row: Ledger) -> Line:
    """A stored ledger line as the judge wrote it."""
    saw = None if row.saw is None else codec.saw_from_json(row.saw)
    return Line(Verdict(row.verdict), Reason.of(row.reason), row.role, row.unit, row.x, saw, row.detail)
