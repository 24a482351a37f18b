"""What a copy shows once everything was read: what each remote record is, who would win, what would be written."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef, Q

from policies.core.identity import known
from policies.core.values import Kind, Link, Question, Record
from policies.models import Sync
from syncapp import models
from syncapp.load import Loaded, database_now, load_records
from syncapp.models import Ledger, Planned, Push
from syncapp.overlay import FIRST_ID
from syncapp.setting import Setting
from syncapp.store import PgStore

from .compared import looks
from .fields import Said, fields_of, refusals_of, writes_of

PAGE = 500
Json = dict[str, Any]
NEW = frozenset({"new_record", "nothing_to_match"})
KEY = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Found:
    """One row of a plan."""

    role: str
    remote_id: str | None
    record: str | None
    group: str
    title: str = ""
    digest: str = ""
    detail: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """One record of the copy, with what was said about it there and which of its questions are new.

    `titles` name the records that its questions of identity speak of; some exist in the copy alone.
    """

    record: Record
    title: str
    lines: Sequence[Said]
    asked: Sequence[Question]
    titles: Mapping[str, str]

    @property
    def is_new(self) -> bool:
        return any(line.reason in NEW for line in self.lines)

    @property
    def sides(self) -> dict[str, Link]:
        """Where it is now, in the order of the roles."""
        return {role: link for role, link in self.record.links.items() if is_side(link)}


def is_side(link: Link) -> bool:
    return link.remote_id is not None and link.gone is None and not link.unlinked and not link.asleep


QUIET = ("id", "feed_id", "remote_id", "record_id", "digest", "version")


def findings(sync: Sync, previewed: Sequence[str]) -> Iterator[list[Found]]:
    """Everything that something happens to, page by page; then what is in step at feeds in preview, to be compared."""
    setting = PgStore(sync).setting()
    asked: set[tuple[str, str | None]] = set()
    rows = models.Record.objects.filter(_touched("key"), sync=sync).order_by("key")
    for keys in _pages(rows.values_list("key", flat=True), "key"):
        yield list(_once([found for look in _looks(setting, keys) for found in _found(setting, look)], asked))
    feeds = {setting.feeds[role].pk: role for role in previewed if role in setting.feeds}
    quiet = models.Link.objects.filter(~_touched("record_id"), feed_id__in=feeds, remote_id__isnull=False)
    for some in _pages(quiet.order_by("id").values_list(*QUIET), "id"):
        yield [Found(feeds[f], i, str(r), Planned.Group.SIDE, digest=looks(d, v)) for _, f, i, r, d, v in some]


def _once(found: Sequence[Found], asked: set[tuple[str, str | None]]) -> Iterator[Found]:
    """Two records may ask about one and the same remote record, which is one row all the same."""
    for one in found:
        if one.group == Planned.Group.AMBIGUOUS:
            if (one.role, one.remote_id) in asked:
                continue
            asked.add((one.role, one.remote_id))
        yield one


def _touched(key: str) -> Q:
    """Something was said about it, or a write of it waits."""
    waiting = Push.objects.filter(record_id=OuterRef(key), state__in=[Push.State.PENDING, Push.State.SENDING])
    return Q(Exists(Ledger.objects.filter(record=OuterRef(key)))) | Q(Exists(waiting))


def _pages(rows: Any, key: str) -> Iterator[list[Any]]:
    """By key, so that each page costs the same."""
    last: Any = None
    while True:
        some = list((rows if last is None else rows.filter(**{f"{key}__gt": last}))[:PAGE])
        if some:
            yield some
        if len(some) < PAGE:
            return
        last = some[-1][0] if isinstance(some[-1], tuple) else some[-1]


def _looks(setting: Setting, keys: Sequence[uuid.UUID]) -> list[Look]:
    """Records of the copy with what was said about them there."""
    loaded = Loaded(database_now())
    load_records(loaded, setting.feeds, [str(key) for key in keys], lock=False)
    said: dict[str, list[Said]] = {str(key): [] for key in keys}
    wanted = Ledger.objects.filter(record__in=keys).order_by("id")
    for key, *rest in wanted.values_list("record", "verdict", "reason", "role", "unit", "detail"):
        said[str(key)].append(Said(*rest))
    new = {place for place, row in loaded.conflicts.items() if row.pk >= FIRST_ID}
    titles = _titles(loaded)
    return [
        Look(record, loaded.rows[key].title, said[key], [q for q in record.questions if (key, q.key) in new], titles)
        for key, record in loaded.records.items()
    ]


def _titles(loaded: Loaded) -> Mapping[str, str]:
    """Of the records that any question of identity names as a candidate."""
    asked = [question for record in loaded.records.values() for question in record.questions]
    keys = {one.source for question in asked if question.kind is Kind.MATCH for one in question.candidates}
    wanted = [key for key in keys if KEY.fullmatch(key)]
    named = models.Record.objects.filter(key__in=wanted).values_list("key", "title") if wanted else ()
    return {str(key): title for key, title in named}


def _found(setting: Setting, look: Look) -> Iterator[Found]:
    yield from _ambiguous(setting, look)
    writes = writes_of(setting.policy, look)
    fields = fields_of(setting.policy, look, writes)
    sides = look.sides
    detail: Json = {"sides": {role: link.remote_id for role, link in sides.items()}}
    detail |= {name: told for name, told in (("fields", fields), ("writes", writes)) if told}
    refused, unmade = refusals_of(setting.policy, look)
    questions = [_question(one) for one in look.asked if one.kind is not Kind.MATCH] + refused
    said = [line.as_json() for line in look.lines if not line.unit and line.reason in ABOUT_RECORDS] + unmade
    detail |= {name: told for name, told in (("questions", questions), ("said", said)) if told}
    group = Planned.Group.REFUSED if refused or unmade else _group(setting, look, fields, writes)
    record = None if look.is_new else look.record.key
    title = look.title or _some_value(setting, look.record)
    order = [role for role in setting.policy.roles if role in sides]
    if not order and (writes or questions or said):
        yield Found("", None, record, group, title, detail=detail)
    for role in order:
        link, leads = sides[role], role == order[0]
        yield Found(
            role, link.remote_id, record, group if leads else Planned.Group.SIDE, title if leads else "",
            looks(link.digest, link.version), detail if leads else {},
        )  # fmt: skip


# What is said about a record as a whole and worth telling beside its fields.
ABOUT_RECORDS = frozenset(
    {
        "deleted_there", "delete_asks", "edit_beats_delete", "delete_spreads", "delete_unlinks", "delete_recreates",
        "came_back", "matched", "nothing_to_match", "push_in_flight", "delete_meets_question",
    }
)  # fmt: skip


def _some_value(setting: Setting, record: Record) -> str:
    """A line by which people recognise what has no title yet."""
    values = known(record, setting.policy)
    names = [*setting.sync.title_fields, *(name for key in setting.sync.match_keys for name in key), *values]
    told = (str(values[name]) for name in names if values.get(name) not in (None, "", [], {}))
    return next((one for one in told if not KEY.fullmatch(one)), "")[:200]


def _group(setting: Setting, look: Look, fields: Sequence[Json], writes: Sequence[Json]) -> str:
    kinds = {one.kind for one in look.asked}
    if Kind.INVALID in kinds:
        return Planned.Group.REFUSED
    if any(link.sending is not None for link in look.record.links.values()) or _waits(look):
        return Planned.Group.WAITS
    apart = fields and len(look.sides) > 1
    if apart or kinds - {Kind.MATCH} or any(write["what"] != "create" for write in writes):
        return Planned.Group.DIFFERS
    if writes or (len(look.sides) == 1 and len(setting.policy.roles) > 1):
        return Planned.Group.ONLY
    return Planned.Group.IDENTICAL


def _waits(look: Look) -> bool:
    return bool(look.lines) and look.lines[-1].verdict in ("waits", "stale")


def _question(question: Question) -> Json:
    return {
        "kind": question.kind.value, "unit": question.unit, "role": question.role,
        "reason": question.reason.code, "detail": question.note,
    }  # fmt: skip


def _ambiguous(setting: Setting, look: Look) -> Iterator[Found]:
    """Remote records that are not linked to anything, because a person has to say what they are."""
    for question in look.asked:
        if question.kind is not Kind.MATCH:
            continue
        seen: Mapping[str, Any] = next((one.value for one in question.candidates if one.source == question.role), {})
        others = [
            {"record": None if one.source == look.record.key and look.is_new else one.source, "title": title}
            for one in question.candidates
            if one.source != question.role and (title := look.titles.get(one.source)) is not None
        ]
        names = [*setting.sync.title_fields, *seen]
        title = next((str(seen[name]) for name in names if seen.get(name) not in (None, "", [], {})), "")
        detail = {"values": dict(seen), "candidates": others, "questions": [_question(question)]}
        yield Found(question.role, question.about, None, Planned.Group.AMBIGUOUS, title[:200], detail=detail)
