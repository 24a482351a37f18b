"""What is done inside the copy for one plan, told message by message to whoever keeps it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count

from policies.core.reasons import Reason
from policies.models import Sync
from syncapp.models import Feed, Planned, Record, Waiting
from syncapp.remote import translator_of
from syncapp.store import PgStore

from .cost import cost_of
from .findings import Found, findings
from .reading import UNREAD, Progress, Read, read_all
from .summary import Summary

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """The whole plan in numbers; with an error where it came to no end."""

    counts: Json = field(default_factory=dict)
    error: str = ""
    halted: bool = False


Message = Progress | Read | Sequence[Found] | Ended


def plan_of(sync_id: int, totals: Mapping[str, int]) -> Callable[[Callable[[Message], None]], None]:
    """The work of one plan, to be run in a copy."""

    def work(tell: Callable[[Message], None]) -> None:
        sync = Sync.objects.get(pk=sync_id)
        reads = []
        for read in read_all(sync, tell, dict(totals)):
            reads.append(read)
            tell(read)
        wrong = _wrong(reads)
        if wrong:
            tell(Ended({"feeds": _feeds(reads)}, wrong))
            return
        summary = Summary()
        for some in _rows(sync, reads):
            for found in some:
                summary.add(found)
            tell(some)
        tell(_ended(sync, reads, summary))

    return work


def _wrong(reads: Sequence[Read]) -> str:
    """Why nothing can be said: what one side holds would look as if the other lacked it."""
    told = [f"{read.role}: {read.why}" for read in reads if read.state not in (UNREAD, "done", "halted")]
    if not told and not any(read.state != UNREAD for read in reads):
        told = [f"{read.role}: {read.why}" for read in reads] or ["no account is bound to this sync yet"]
    return "; ".join(told)


def _rows(sync: Sync, reads: Sequence[Read]) -> Iterator[list[Found]]:
    yield [_set_aside(read.role, why) for read in reads for why in read.counts.get("aside", ())]
    yield from findings(sync, [read.role for read in reads if read.previewed])


def _set_aside(role: str, why: str) -> Found:
    """What could not even be taken in; told without its values, which cannot be read."""
    said = [{"reason": Reason.UNREADABLE.code, "role": role, "detail": why}]
    return Found(role, None, None, Planned.Group.REFUSED, why[:200], detail={"said": said})


def _ended(sync: Sync, reads: Sequence[Read], summary: Summary) -> Ended:
    setting = PgStore(sync).setting()
    counts = summary.as_json()
    listed = sum(number for group, number in summary.groups.items() if group != Planned.Group.AMBIGUOUS)
    counts["in_step"] = max(0, Record.objects.filter(sync=sync).count() - listed)
    counts["policy"] = setting.policy.version
    counts["feeds"] = _feeds(reads)
    counts["waiting"] = _waiting(sync)
    counts["mapping"] = {role: basis(feed) for role, feed in setting.feeds.items()}
    counts["directions"] = {role: feed.account.direction for role, feed in setting.feeds.items()}
    counts["costs"] = {
        read.role: _cost(setting.feeds[read.role], sync, read, summary.writes.get(read.role, {})) for read in reads
    }
    halts = [f"{read.role}: {read.why}" for read in reads if read.state == "halted"]
    return Ended(counts, "; ".join(halts), bool(halts))


def basis(feed: Feed) -> str:
    """What bodies of this feed are read by: another one, and nothing that was planned can be compared any more."""
    return translator_of(Feed.objects.select_related("account", "role__sync").get(pk=feed.pk)).basis.hex()


def _feeds(reads: Sequence[Read]) -> Json:
    names = ("read", "unchanged", "set_aside", "pages", "in_scope", "out_of_scope")
    return {
        read.role: {
            "state": read.state, "why": read.why, "previewed": read.previewed, "seconds": round(read.seconds, 1),
            **{name: read.counts[name] for name in names if name in read.counts},
        }
        for read in reads
    }  # fmt: skip


def _waiting(sync: Sync) -> list[Json]:
    """How many records of each role name records of another sync that are linked to nothing yet."""
    rows = Waiting.objects.filter(feed__role__sync=sync, remote_id__isnull=False).order_by("feed__role__order")
    told = rows.values_list("feed__role__name", "target__role__sync__name", "target__stage")
    return [
        {"role": role, "sync": name, "in_preview": stage == Feed.Stage.PREVIEW, "records": number}
        for role, name, stage, number in told.annotate(Count("record", distinct=True))
    ]


def _cost(feed: Feed, sync: Sync, read: Read, writes: Mapping[str, int]) -> Json:
    pages = int(read.counts.get("pages", 0))
    call = read.seconds / pages if pages else 0.0
    return cost_of(feed, sync.match_keys, writes, pages, call).as_json()
