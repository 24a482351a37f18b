"""Values that a person types: a form made from a unit, which reads text as the field's own type."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django import forms

from policies.core.ownership import problem
from policies.core.rules import Field, Unit
from policies.core.types import Invalid
from policies.core.values import Values

from .models import Record
from .words import Words, text

LISTS = ("set", "list")
JSON_KINDS = ("map", "json")
YES_NO = (("", "nothing"), ("true", "yes"), ("false", "no"))
HINTS = {
    "set": "Separate the entries by commas.",
    "list": "Separate the entries by commas; their order is kept.",
    "map": 'JSON, for example {"de": "Hallo"}.',
    "json": "JSON.",
    "reference": "The key of the other record, as the address of its page shows it.",
    "email": "An e-mail address, for example ada@example.org.",
    "phone": "With the country code, for example +49 30 1234567.",
    "date": "Year-month-day, for example 2026-03-31.",
    "datetime": "With its zone, for example 2026-03-31T12:00:00Z.",
}


CLEAR = "clear-everywhere"  # the hyphen keeps it apart from every field's name
CLEAR_LABEL = "Clear it everywhere"


class ValueForm(forms.Form):
    """One input per member. What was typed stays when it is not accepted, beside the reason.

    Empty inputs alone clear nothing: that takes the box of its own, which is there where `clears` says what it does.
    """

    def __init__(
        self,
        unit: Unit,
        words: Words,
        values: Values | None = None,
        *,
        clears: Sequence[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(prefix="value", label_suffix="", **kwargs)
        self.unit, self.label, self.clears = unit, words.field(unit.name), clears
        for member in unit.members:
            self.fields[member.name] = _input(member, words.field(member.name), (values or {}).get(member.name))
        if clears is not None:
            self.fields[CLEAR] = forms.BooleanField(label=CLEAR_LABEL, required=False)

    def inputs(self) -> list[forms.BoundField]:
        return [self[member.name] for member in self.unit.members]

    def clear_box(self) -> forms.BoundField | None:
        return self[CLEAR] if self.clears is not None else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        found: dict[str, Any] = {}
        for member in self.unit.members:
            try:
                found[member.name] = member.normalise(_raw(member.kind, cleaned.get(member.name, "")))
            except Invalid as wrong:
                self.add_error(member.name, wrong.reason)
            except json.JSONDecodeError as wrong:
                self.add_error(member.name, f"this is not JSON (character {wrong.pos + 1}); accepted: {HINTS['json']}")
        if not self.errors and (wrong_value := problem(self.unit, found) or _nobody(self.unit, found)):
            self.add_error(None, wrong_value)
        if not self.errors and (unclear := self._unclear(_empty(found), bool(cleaned.get(CLEAR)))):
            self.add_error(None, unclear)
        return found

    def _unclear(self, empty: bool, ticked: bool) -> str:
        """Why it cannot be told whether the field is to be emptied, or ""."""
        if ticked and not empty:
            return f"“{CLEAR_LABEL}” is ticked, but a value stands in the form; empty it, or take the tick away"
        if not empty or ticked:
            return ""
        if self.clears is None:
            return f"nothing was typed, and the policy lets no person empty {self.label}; type a value"
        return f"nothing was typed; type a value, or tick “{CLEAR_LABEL}” to empty {self.label} in every system"


def _nobody(unit: Unit, values: Values) -> str:
    """Why a reference names nothing, or ""."""
    for member in unit.members:
        key = values.get(member.name) if member.refers else None
        if key is not None and not Record.objects.filter(key=key, sync__slug=member.refers).exists():
            return (
                f"there is no record {key} of {member.refers}; open the one you mean and take the key from its address"
            )
    return ""


def _empty(values: Values) -> bool:
    """Nothing at all, or only lists without an entry, which empty inputs give as well."""
    return all(value is None or value == [] for value in values.values())


def _input(member: Field, label: str, value: Any) -> forms.Field:
    hint = HINTS.get(member.kind, "")
    if member.kind == "boolean":
        initial = {True: "true", False: "false"}.get(value, "")
        return forms.ChoiceField(label=label, choices=YES_NO, required=False, initial=initial)
    long = member.kind in ("long_text", *JSON_KINDS)
    widget = forms.Textarea(attrs={"rows": 4}) if long else forms.TextInput(attrs={"autocomplete": "off"})
    strip = not long
    return forms.CharField(
        label=label, help_text=hint, required=False, widget=widget, strip=strip, initial=_shown(value)
    )


def _shown(value: Any) -> str:
    return "" if value is None else text(value)


def _raw(kind: str, typed: str) -> Any:
    """Empty input is no value, except that an emptied list is an empty list."""
    if kind in LISTS:
        return [part.strip() for part in typed.split(",") if part.strip()]
    if typed == "":
        return None
    return json.loads(typed) if kind in JSON_KINDS else typed
