"""How each edit of the scenario ended: pure, over the scenario's log, the systems' own dumps and what is on record.

An edit may end in three ways: as the value everywhere its policy says; superseded by a decision on record with both
values; as a candidate of an open question. Or in a named window, which is counted apart. Everything else is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from .journal import Dispute, Edit, Json, Line, OnRecord, Restore, Unit

# Longer than between any two looks of the demo's hub, so that the window hides no edit that a look must have shown.
LONGEST_LOOK = timedelta(seconds=12)
CHANGES = frozenset({"adopt", "concurrent", "candidate", "decided", "edited", "agree", "agree_past"})
Held = Mapping[Unit, Mapping[str, Mapping[str, Json]]]  # what each system that holds the unit has there
Form = Callable[[str, Json], Json]  # the form of a field's value in which all systems can agree


class Ending(StrEnum):
    EVERYWHERE = "everywhere"
    SUPERSEDED = "superseded"
    UNDECIDED = "undecided"
    CHANGED_AGAIN = "changed_again"  # window: made and changed again at the same account between two looks
    SET_BACK = "set_back"  # window: the account was restored from an older state, which knows nothing of it
    VERSION_AGAIN = "version_again"  # window: counted after a restore as a version that the hub had seen before it
    TURNED_AWAY = "turned_away"  # not authorised, and on record as such
    LET_THROUGH = "let_through"  # not authorised, and yet everywhere without anybody's decision
    LOST = "lost"


WINDOWS = (Ending.CHANGED_AGAIN, Ending.SET_BACK, Ending.VERSION_AGAIN)


@dataclass(frozen=True, slots=True)
class Judge:
    edits: Sequence[Edit]
    held: Held
    record: OnRecord
    form: Form
    restores: Sequence[Restore] = ()

    def endings(self) -> dict[int, Ending]:
        return {edit.number: self.ending(edit) for edit in self.edits}

    def ending(self, edit: Edit) -> Ending:
        found = self._ending(edit)
        if found is Ending.LOST and any(self._set_back(edit, restore) for restore in self.restores):
            return Ending.SET_BACK
        if found is Ending.LOST and any(_again(edit, restore) for restore in self.restores):
            return Ending.VERSION_AGAIN
        return found

    def _set_back(self, edit: Edit, restore: Restore) -> bool:
        """Made there and undone by the restore; or gone over when the hub took the old value for a new one."""
        if edit.role == restore.role and restore.taken <= edit.at <= restore.done:
            return True
        old = restore.held.get(edit.place, {})
        if edit.merged:
            known = {str(self.form(edit.unit, one)) for one in old.get(edit.unit) or ()}
            return edit.at <= restore.done and bool(edit.added - known or edit.removed & known)
        lines = self.record.lines.get(edit.place, ())
        later = [line for line in lines if line.role == restore.role and line.at >= max(edit.at, restore.done)]
        return any(line.verdict in CHANGES and self._same(line.values, old) for line in later)

    def _ending(self, edit: Edit) -> Ending:
        if edit.merged:
            return self._merged(edit)
        everywhere = self._everywhere(edit)
        if everywhere and (edit.authorised or self._typed_by_another(edit)):
            return Ending.EVERYWHERE
        disputes = [one for one in self.record.disputes.get(edit.place, ()) if self._has_side(one, edit)]
        if any(one.open for one in disputes):
            return Ending.UNDECIDED
        lines = [line for line in self.record.lines.get(edit.place, ()) if self._shows(line, edit)]
        if everywhere:
            return Ending.SUPERSEDED if any(one.value is not None for one in disputes) else Ending.LET_THROUGH
        if not lines and not disputes:
            return Ending.CHANGED_AGAIN if self._changed_again(edit) else Ending.LOST
        if not edit.authorised:
            return Ending.TURNED_AWAY
        return Ending.SUPERSEDED if disputes or self._followed(edit, lines) else Ending.LOST

    def _typed_by_another(self, edit: Edit) -> bool:
        """Who may not write a field may well type what somebody entered who may."""
        others = [one for one in self.edits if one.place == edit.place and one.authorised]
        return any(self._same(edit.values, one.values) for one in others)

    def _everywhere(self, edit: Edit) -> bool:
        held = self.held.get(edit.place, {})
        return bool(held) and all(self._same(edit.values, values) for values in held.values())

    def _same(self, mine: Mapping[str, Json], theirs: Mapping[str, Json]) -> bool:
        return all(name in theirs and self.form(name, theirs[name]) == self.form(name, mine[name]) for name in mine)

    def _shows(self, line: Line, edit: Edit) -> bool:
        return line.role == edit.role and line.at >= edit.at and self._same(edit.values, line.values)

    def _has_side(self, dispute: Dispute, edit: Edit) -> bool:
        return any(role == edit.role and self._same(edit.values, values) for role, values in dispute.sides)

    def _followed(self, edit: Edit, lines: Sequence[Line]) -> bool:
        """Somebody changed it later: a later edit of the scenario that is on record after this one, or a decision."""
        first = min(line.number for line in lines)
        newer = [line for line in self.record.lines[edit.place] if line.number > first and line.verdict in CHANGES]
        later = [one for one in self.edits if one.place == edit.place and one.number > edit.number and one.authorised]
        by_edit = any(self._shows(line, one) for line in newer for one in later)
        decided = [one.value for one in self.record.disputes.get(edit.place, ()) if one.value is not None]
        return by_edit or any(self._same(line.values, value) for line in newer for value in decided)

    def _changed_again(self, edit: Edit) -> bool:
        """The next edits at the same account came before the hub can have looked, and what they made of it was seen.

        One that changed every field again is judged for itself; one that changed some leaves the others to be shown.
        """
        values, at = dict(edit.values), edit.at
        later = [one for one in self.edits if one.place == edit.place and one.role == edit.role]
        for other in sorted((one for one in later if one.number > edit.number), key=lambda one: one.number):
            if other.at - at >= LONGEST_LOOK:
                return False
            if set(other.values) >= set(edit.values):
                return True
            values, at = values | dict(other.values), other.at
            whole = replace(other, values=values)
            if self._everywhere(whole) or any(
                self._shows(line, whole) for line in self.record.lines.get(edit.place, ())
            ):
                return set(other.values) & set(edit.values) != set()
        return False

    def _disputed(self, edit: Edit) -> Ending:
        """A set that could not be merged was asked about: a person may have chosen the other side's."""
        disputes = [one for one in self.record.disputes.get(edit.place, ()) if self._has_side(one, edit)]
        if any(one.open for one in disputes):
            return Ending.UNDECIDED
        return Ending.SUPERSEDED if any(one.value is not None for one in disputes) else Ending.LOST

    def _merged(self, edit: Edit) -> Ending:
        """What was added is in every system's set and what was removed in none, unless a later edit undid it."""
        undone = [other for other in self.edits if other.place == edit.place and other.number != edit.number]
        added = edit.added - frozenset().union(*(other.removed for other in undone))
        removed = edit.removed - frozenset().union(*(other.added for other in undone))
        for values in self.held.get(edit.place, {}).values():
            found = {str(self.form(edit.unit, one)) for one in values.get(edit.unit) or ()}
            if added - found or removed & found:
                return self._disputed(edit)
        return Ending.EVERYWHERE if (added, removed) == (edit.added, edit.removed) else Ending.SUPERSEDED


def _again(edit: Edit, restore: Restore) -> bool:
    """A write that is conditional on that version went over the edit: the condition proved nothing any more."""
    after = edit.role == restore.role and edit.at >= restore.done
    return after and 0 < edit.version <= restore.versions.get(edit.person, 0)


def differing(held: Held, form: Form) -> list[tuple[Unit, str]]:
    """Every (person, unit) and field about which systems that hold it do not agree."""
    found = []
    for place, by_role in held.items():
        for name in sorted({name for values in by_role.values() for name in values}):
            values = [form(name, values[name]) for values in by_role.values() if name in values]
            if any(value != values[0] for value in values[1:]):
                found.append((place, name))
    return found


def drift(held: Held, place: Unit, name: str, writers: frozenset[str], form: Form) -> bool:
    """A named exception: only systems that may not write the field hold something; there is nothing to revert to."""
    may = [form(name, values[name]) for role, values in held[place].items() if role in writers and name in values]
    return bool(may) and all(value is None for value in may)


def nobodys(held: Held, entered: Mapping[Unit, Sequence[Mapping[str, Json]]], form: Form) -> list[tuple[Unit, str]]:
    """Every field that holds a value which nobody entered: not there at the beginning, not typed, not decided."""
    found = set()
    for place, known in entered.items():
        for values in held.get(place, {}).values():
            for name, value in values.items():
                if not any(name in one and form(name, one[name]) == form(name, value) for one in known):
                    found.add((place, name))
    return sorted(found)
