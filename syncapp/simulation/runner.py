"""Run many seeds on all cores, add up what was exercised, and say which seeds broke an invariant."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from . import check
from .world import World

EXERCISED = (
    *(f"verdict: {name}" for name in (
        "adopt", "agree", "agree_past", "asleep", "candidate", "concurrent", "confirmed", "created", "decided",
        "deleted", "echo", "edited", "empty", "found", "held", "landed", "linked", "merged", "near_miss", "overwritten",
        "resend", "revived", "rewound", "sent", "stale", "superseded", "unauthorised", "waits",
    )),
    *(f"reason: {name}" for name in (
        "ambiguous", "back_in_scope", "came_back", "came_with", "candidates_agree", "confirmed_blind",
        "delete_recreates", "delete_spreads", "delete_unlinks",
        "edit_beats_delete", "first_link_asks", "first_link_rule", "higher_won", "kept_drift", "later_won",
        "lives_on", "lower_won", "manual", "may_not_clear", "merge_overlaps", "merge_unbased",
        "merge_unlinks", "merged", "merged_away", "merged_there", "moved_meanwhile", "near_miss", "new_id",
        "no_owner_side", "not_landed", "older_read", "older_version", "out_of_scope", "outcome_unknown",
        "overwritten_by_outsider", "overwritten_edit", "owner_won", "ping_pong", "proposed", "reflected", "reverting",
        "rewound", "second_match", "time_unknown", "times_touch", "took_over",
    )),
    *(f"asked: {name}" for name in (
        "ambiguous", "delete_asks", "delete_meets_question", "first_link_asks", "manual", "merge_asks",
        "merge_overlaps", "merge_unbased", "no_owner_side", "outcome_unknown", "ping_pong", "proposed", "second_match",
        "time_unknown", "times_touch",
    )),
    *(f"crash: {name}" for name in (
        "before commit", "after commit", "before the watermark moves", "create", "create answered", "delete", "find",
        "list", "read", "update", "update answered",
    )),
    *(f"answer: {name}" for name in (
        "apart", "follow", "propagate", "recreate", "same", "skip", "unlink", "value",
    )),
    "fault: limited", "fault: unsent", "fault: landed", "deliveries", "deliveries lost", "deliveries without body",
    "batch: confirmed", "batch: found", "batch: moved", "batch: unknown", "batch: stopped", "batch: item failed",
    "batch settled: resend", "batch settled: found", "batch settled: confirmed",
    "deliveries that waited", "looks repeated", "looks put off: settling", "answers", "answers that had moved",
    "answers refused", "pages", "listings cut short", "audited", "accounts set back", "the hub's clock was set",
    "an account's clock was set", "all writes stopped", "writes to one account stopped", "records held",
    "pushes held back", "policies published", "records revised", "roles that joined", "twins at first sync",
    "records made by people", "deletes by people", "records taken back", "merges by people",
)  # fmt: skip
ENOUGH = 500  # seeds from which on every kind must have been met


@dataclass(slots=True)
class Summary:
    """What many seeds came to."""

    seeds: int = 0
    edits: int = 0
    failing: dict[int, list[str]] = field(default_factory=dict)
    windows: Counter[str] = field(default_factory=Counter)
    windows_all_conditional: Counter[str] = field(default_factory=Counter)
    exercised: Counter[str] = field(default_factory=Counter)

    def missing(self) -> list[str]:
        """Kinds that were never met; only meaningful over many seeds."""
        return [kind for kind in EXERCISED if not self.exercised[kind]] if self.seeds >= ENOUGH else []

    def add(self, other: Summary) -> None:
        self.seeds += other.seeds
        self.edits += other.edits
        self.failing.update(other.failing)
        self.windows += other.windows
        self.windows_all_conditional += other.windows_all_conditional
        self.exercised += other.exercised


def simulate(seed: int) -> Summary:
    """One seed: people edit, things fail, everything comes to rest, the invariants are checked."""
    world = World(seed)
    world.run()
    writes_before, owed = check.writes(world), check.owed_at_stop(world)
    findings = check.check(world, world.rest())
    check.bounded(world, writes_before, owed, findings)
    check.still(world, findings)
    summary = Summary(1, len(world.edits), exercised=world.counts)
    summary.windows.update(findings.windows)
    if world.scenario.all_conditional:
        summary.windows_all_conditional.update(findings.windows)
    if findings.violations:
        summary.failing[seed] = findings.violations
    return summary


def simulate_range(seeds: Iterable[int]) -> Summary:
    total = Summary()
    for seed in seeds:
        total.add(simulate(seed))
    return total


def run(first: int, count: int, processes: int | None = None) -> Iterator[Summary]:
    """Summaries of slices of `count` seeds from `first` on, as they are done."""
    size = 50
    slices = [range(start, min(start + size, first + count)) for start in range(first, first + count, size)]
    workers = processes or os.cpu_count() or 1
    if workers == 1 or len(slices) == 1:
        yield from map(simulate_range, slices)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(simulate_range, slices)
