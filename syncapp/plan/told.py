"""A plan in the reader's words: the same sentences for the command, the API and the pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from syncapp.models import Planned, Run
from syncapp.words import Words, capital, counted

Json = dict[str, Any]
GROUPS = {
    Planned.Group.IDENTICAL: "identical",
    Planned.Group.DIFFERS: "differ",
    Planned.Group.ONLY: "only on one side",
    Planned.Group.AMBIGUOUS: "ambiguous",
    Planned.Group.REFUSED: "refused, or with a value that is not valid",
    Planned.Group.WAITS: "waiting",
    Planned.Group.NEW: "came after the plan",
}
# The same of one record.
ONE = {
    **GROUPS,
    Planned.Group.DIFFERS: "differs",
    Planned.Group.REFUSED: "refused",
    Planned.Group.WAITS: "waits",
    Planned.Group.SIDE: "another side",
}
DEEDS = {"create": "made", "update": "changed", "delete": "deleted"}


@dataclass(frozen=True, slots=True)
class FieldTold:
    """One field in which the sides differ."""

    label: str
    sides: Sequence[tuple[str, str]]
    outcome: str
    why: str


@dataclass(frozen=True, slots=True)
class WriteTold:
    """What would be written at one system."""

    where: str
    what: str
    changes: Sequence[str]


@dataclass(frozen=True, slots=True)
class ItemTold:
    """One row of a plan."""

    row: Planned
    title: str
    group: str
    where: str
    fields: Sequence[FieldTold]
    writes: Sequence[WriteTold]
    said: Sequence[str]


def item_told(row: Planned, words: Words) -> ItemTold:
    detail = row.detail
    said = [_sentence(words, one) for one in (*detail.get("said", ()), *detail.get("questions", ())) if _whole(one)]
    if detail.get("candidates"):
        said.append(
            "It may be: " + "; ".join(one["title"] or "a record without a name" for one in detail["candidates"])
        )
    return ItemTold(
        row,
        row.title or row.remote_id or "a record without a name",
        ONE[Planned.Group(row.group)],
        " and ".join(f"{capital(words.role(role))} {remote}" for role, remote in _sides(row).items()),
        [_field(words, one) for one in detail.get("fields", ())],
        [_write(words, one) for one in detail.get("writes", ())],
        said,
    )


def _sides(row: Planned) -> Mapping[str, str]:
    """Where it is; what is linked to nothing is where it was seen."""
    seen = {row.feed.role.name: row.remote_id} if row.feed is not None and row.remote_id else {}
    return row.detail.get("sides") or seen


def _whole(told: Json) -> bool:
    """About the record as a whole; what is about a field stands beside the field."""
    return not told.get("unit")


def _sentence(words: Words, told: Json) -> str:
    return words.why(
        told["reason"], role=told.get("role", ""), unit=told.get("unit", ""), detail=told.get("detail", "")
    )


def _field(words: Words, told: Json) -> FieldTold:
    sides = [(capital(words.role(role)), words.values(values)) for role, values in told["sides"].items()]
    return FieldTold(words.field(told["unit"]), sides, _outcome(words, told), _sentence(words, told["why"]))


def _outcome(words: Words, told: Json) -> str:
    if told.get("asks"):
        return "a person is asked"
    if told.get("stays"):
        return "it stays as it is there, and goes no further"
    return f"“{words.values(told['value'])}”, from {words.role(','.join(told['winner']))}"


def _write(words: Words, told: Json) -> WriteTold:
    changes = []
    for unit, change in told.get("fields", {}).items():
        to = words.values(change["to"])
        label = words.field(unit)
        changes.append(
            f"{label}: “{words.values(change['from'])}” → “{to}”" if "from" in change else f"{label}: “{to}”"
        )
    return WriteTold(capital(words.role(told["role"])), f"the record is {DEEDS[told['what']]}", changes)


def headline(run: Run) -> str:
    """What carrying it out would do, in one sentence."""
    counts = run.counts
    if run.state == Run.State.RUNNING:
        return "the plan is being made"
    if run.state == Run.State.FAILED:
        return f"the plan came to no end: {run.error}"
    if not counts.get("acts"):
        return "nothing would be written, and nobody would be asked"
    writes = sum(number for role in counts["writes"].values() for number in role.values())
    asked = sum(counts["questions"].values())
    told = f"{counted(writes, 'write')} would be made" if writes else "nothing would be written"
    return f"{told}, and {counted(asked, 'question')} would be asked" if asked else told


@dataclass(frozen=True, slots=True)
class ProgressTold:
    """How far the making of a plan is; what is not known is None."""

    role: str
    done: int
    total: int | None
    rate: float | None
    left: float | None


def progress_of(run: Run, now: datetime | None = None) -> ProgressTold | None:
    """Of the feed that is being read; None before the first page and after the last."""
    told = run.counts.get("progress")
    if not told:
        return None
    passed = ((now or timezone.now()) - run.started_at).total_seconds()
    done = sum(feed.get("read", 0) for feed in run.counts.get("feeds", {}).values()) + told["done"]
    rate = done / passed if passed > 0 and done else None
    total = told["total"]
    left = (total - told["done"]) / rate if rate and total and total > told["done"] else None
    return ProgressTold(told["role"], told["done"], total, rate, left)


def group_lines(counts: Json) -> list[tuple[str, str, int]]:
    """(code, label, number) of every group that has any."""
    groups = counts.get("groups", {})
    return [(code.value, label, groups[code]) for code, label in GROUPS.items() if groups.get(code)]


def write_lines(counts: Json, words: Words) -> list[str]:
    """By system: how many records would be made, changed and deleted there."""
    out = []
    for role, writes in counts.get("writes", {}).items():
        told = ", ".join(f"{number:,} {DEEDS[what]}" for what, number in writes.items())
        out.append(f"{capital(words.role(role))}: {told}")
    return out


def cost_lines(counts: Json, words: Words) -> list[str]:
    """By system: calls, minutes, and what is known of the quota."""
    out = []
    for role, cost in counts.get("costs", {}).items():
        if not cost["calls"]:
            continue
        made_of = f"{cost['reads']:,} to read, {cost['looks']:,} to look before and after, {cost['writes']:,} to write"
        calls, name = counted(cost["calls"], "API call"), capital(words.role(role))
        line = f"{name}: {calls} ({made_of}), {minutes(cost['minutes'])}"
        if cost["left"] is not None:
            line += f"; {cost['left']:,} calls are left today" + ("" if cost["enough"] else ", which is not enough")
        out.append(line)
    return out


def minutes(number: float) -> str:
    return "less than a minute" if number < 1 else f"about {counted(round(number), 'minute')}"


def notes(counts: Json, words: Words) -> list[str]:
    """What keeps the plan from being the whole truth."""
    out = []
    for role, feed in counts.get("feeds", {}).items():
        name = capital(words.role(role))
        if feed["state"] != Run.State.DONE:
            out.append(f"{name} was {'stopped' if feed['state'] == 'halted' else 'not read'}: {feed['why']}")
        if feed.get("set_aside"):
            out.append(f"{name}: {feed['set_aside']:,} records could not be taken in")
        if feed.get("out_of_scope"):
            out.append(f"{name}: {feed['out_of_scope']:,} of {feed['read']:,} records are not in its scope")
    return out + [_waiting(one, words) for one in counts.get("waiting", ())]


def _waiting(told: Json, words: Words) -> str:
    """Fields that the plan cannot show, because what they name is not there yet."""
    name = told["sync"]
    line = (
        f"{capital(words.role(told['role']))}: {counted(told['records'], 'record')} point to {name} that the hub does "
        f"not know yet; that field is left as it is, and judged when they are linked"
    )
    return line + (
        f". {name} is in preview: approve its plan first, then make this one anew, to see it here"
        if told["in_preview"]
        else ""
    )


HOW = {
    "asks": "a person is asked about {:,}",
    "fills": "{:,} are filled in where one side is empty",
    "stays": "{:,} stay as they are",
}


def field_lines(counts: Json, words: Words) -> list[tuple[str, str, str]]:
    """(unit, label, what would come of it) for every field in which any sides differ."""
    out = []
    for unit, outcomes in counts.get("fields", {}).items():
        told = [
            HOW[how].format(number) if how in HOW else f"{words.role(how.replace('+', ','))} wins {number:,}"
            for how, number in outcomes.items()
        ]
        out.append((unit, words.field(unit), "; ".join(told)))
    return out
