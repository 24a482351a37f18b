"""What a person chose for a new sync, read from a form; what is wrong is told, and nothing typed is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policies.core.types import FIELD_TYPES
from syncapp.connect.mappages import role_name

from .proposal import Proposal

LONGEST, FEWEST = 120, 2
# A choice needs its options, a reference needs another sync: those are for a set-up file.
OFFERED = tuple(sorted(set(FIELD_TYPES) - {"choice", "reference"}))
REGION = re.compile(r"[A-Z]{2}")


class Unclear(ValueError):
    """What is missing or wrong in the form; one sentence that says what is accepted."""


@dataclass(frozen=True, slots=True)
class Row:
    """One field as the page shows it."""

    name: str
    label: str
    type: str
    bundle: str
    group: str
    shown: str
    ticked: bool
    matches: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """`post` is empty as long as nothing was sent: then the proposal stands as it is."""

    proposal: Proposal
    post: Mapping[str, str]

    def text(self, name: str) -> str:
        return self.post.get(name, "").replace("\0", "").strip()

    @property
    def name(self) -> str:
        return self.text("name") if self.post else self.proposal.name

    @property
    def roles(self) -> str:
        return self.text("roles") if self.post else ""

    @property
    def region(self) -> str:
        return self.text("region").upper()

    def rows(self) -> Iterator[Row]:
        matched = {name for key in self.proposal.match for name in key}
        for name, spec in self.proposal.fields.items():
            ticked = f"use-{name}" in self.post if self.post else True
            matches = f"match-{name}" in self.post if self.post else name in matched
            yield Row(
                name, self._label(name), self._type(name), spec.get("bundle", ""), spec.get("group", ""),
                self.proposal.shown.get(name, ""), ticked, matches,
            )  # fmt: skip

    def _label(self, name: str) -> str:
        told = str(self.proposal.fields[name].get("label", ""))
        return self.text(f"label-{name}") or told if self.post else told

    def _type(self, name: str) -> str:
        told = str(self.proposal.fields[name]["type"])
        return self.text(f"type-{name}") or told if self.proposal.open_types else told

    def wanted(self) -> dict[str, Any]:
        """As a set-up file says it, without roles. Raises Unclear."""
        if not self.name or len(self.name) > LONGEST:
            raise Unclear(f"give the sync a name of at most {LONGEST} characters, such as {self.proposal.name}")
        fields = {row.name: self._field(row) for row in self.rows() if row.ticked}
        if not fields:
            raise Unclear("tick at least one field: a sync keeps fields in step")
        rules = self.proposal.policy["rules"]
        units = {spec.get("bundle", name) for name, spec in fields.items()}
        return {
            "fields": fields,
            "match": self._match(fields),
            "title": [name for name in self.proposal.title if name in fields] or list(fields)[:1],
            "policy": {**self.proposal.policy, "rules": {unit: rules[unit] for unit in rules if unit in units}},
        }

    def _field(self, row: Row) -> dict[str, Any]:
        if row.type not in OFFERED:
            raise Unclear(f"“{row.label}”: there is no type {row.type!r}; accepted: {', '.join(OFFERED)}")
        if len(row.label) > LONGEST:
            raise Unclear(f"“{row.label[:30]}…”: shorten its name to {LONGEST} characters")
        spec = self.proposal.fields[row.name]
        kept = spec.get("params", {}) if spec["type"] == row.type else {"scale": 2} if row.type == "decimal" else {}
        params = {**kept, "region": self._region()} if row.type == "phone" and self.region else kept
        return {**spec, "type": row.type, "params": params, "label": row.label}

    def _region(self) -> str:
        if not REGION.fullmatch(self.region):
            raise Unclear(f"country: {self.region!r} is none; accepted: two letters such as DE or US, or nothing")
        return self.region

    def _match(self, fields: Mapping[str, Any]) -> list[list[str]]:
        """A template's own keys as far as their fields are there; else each ticked field by itself."""
        if not self.proposal.open_types:
            return [list(key) for key in self.proposal.match if all(name in fields for name in key)]
        return [[row.name] for row in self.rows() if row.ticked and row.matches]

    def labels(self) -> list[str]:
        """The sides, a line each. Raises Unclear."""
        return sides(self.roles)


def sides(text: str) -> list[str]:
    """Raises Unclear."""
    labels = [line.strip() for line in text.splitlines() if line.strip()]
    names: dict[str, str] = {}
    for label in labels:
        if len(label) > LONGEST:
            raise Unclear(f"“{label[:30]}…”: shorten the name of this system to {LONGEST} characters")
        other = names.get(role_name(label), "")
        names[role_name(label)] = label
        if other == label:
            raise Unclear(
                f"“{label}” stands there twice; give each system a name of its own, such as {label} 1 and {label} 2, "
                "or take one line out"
            )
        if other:
            raise Unclear(f"“{other}” and “{label}” would have the same short name; call one of them otherwise")
    if len(labels) < FEWEST:
        told = f"only “{labels[0]}” is named" if labels else "no system is named"
        raise Unclear(
            f"{told}, and one by itself has nothing to be kept in step with; name two or more, a line each, such as "
            "CRM and Billing: their accounts are connected afterwards"
        )
    return labels


def keys_in_words(match: Sequence[Sequence[str]], labels: Mapping[str, str]) -> list[str]:
    return [" and ".join(labels.get(name, name) for name in key) for key in match]
