"""The record page's table: what the hub believes of each field, beside what each account is known to hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from policies.core.identity import lives_on_in
from policies.core.ownership import may_write
from policies.core.values import HUB, Link
from policies.core.versions import vector

from .explain import Explained, explain
from .marked import marked
from .sight import Sight, Standing, standings
from .timeline import shown_vector
from .words import capital


@dataclass(frozen=True, slots=True)
class Column:
    """One account's link."""

    label: str
    remote_id: str
    note: str
    role: str
    deed: str  # what a person may do about it, "" if nothing


@dataclass(frozen=True, slots=True)
class Cell:
    label: str
    held: SafeString | str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Line:
    said: Explained
    cells: Sequence[Cell]
    vector: str
    conflict: int  # the open question about it, or 0
    editable: bool
    records: Sequence[tuple[str, str]]  # key and title of those that its value names


@dataclass(frozen=True, slots=True)
class Table:
    columns: Sequence[Column]
    lines: Sequence[Line]
    questions: Sequence[tuple[int, str]]  # about the record as a whole


def table_of(sight: Sight) -> Table:
    stands = standings(sight)
    columns = [_column(sight, role) for role in sight.policy.roles]
    lines = [_line(sight, said, stands) for said in explain(sight)]
    whole = [(pk, sight.words.role(key[2])) for key, pk in sight.conflicts.items() if not key[1]]
    return Table(columns, lines, whole)


def _column(sight: Sight, role: str) -> Column:
    link = sight.record.links.get(role)
    label = capital(sight.words.role(role))
    feed = sight.feeds.get(role)
    notes = [_link_note(link)]
    if feed is not None:
        notes += [text for text in (feed.account.paused, feed.paused) if text]
    told = "; ".join(note for note in notes if note)
    return Column(label, (link.remote_id or "") if link else "", told, role, _deed(link))


def _deed(link: Link | None) -> str:
    if link is None or link.remote_id is None or link.into:
        return ""
    if link.unlinked:
        return "Link again"
    return "Unlink or split" if link.gone is None else ""


def _link_note(link: Link | None) -> str:
    if link is None or link.remote_id is None:
        return "lives on in another record" if link is not None and link.into else "not there yet"
    if link.into:
        return "lives on in another record"
    if link.gone is not None:
        return "deleted there"
    if link.unlinked:
        return "no longer kept in step"
    return "out of scope" if link.asleep else ""


def _line(sight: Sight, said: Explained, stands: dict[tuple[str, str], Standing]) -> Line:
    unit = sight.policy.unit(said.unit)
    cells = [_cell(sight, role, said, stands[(role, said.unit)]) for role in sight.policy.roles]
    asked = next((pk for key, pk in sight.conflicts.items() if key[1] == said.unit), 0)
    editable = not asked and may_write(unit, sight.record, HUB) and not lives_on_in(sight.record)
    belief = sight.record.beliefs.get(said.unit)
    named = sight.words.records(belief.value if belief is not None else None)
    return Line(said, cells, shown_vector(vector(sight.record, said.unit), sight.words), asked, editable, named)


def _cell(sight: Sight, role: str, said: Explained, standing: Standing) -> Cell:
    link = sight.record.links.get(role)
    base = link.bases.get(said.unit) if link is not None else None
    label = capital(sight.words.role(role))
    if base is None:
        return Cell(label, "", standing)
    return Cell(label, marked(said.value, sight.words.values(base.stored)), standing)
