"""What a new sync could be made of: a template's fields, or those of an account's records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from syncapp.connect.fresh import proposed_fields
from syncapp.connectors.located import Located
from syncapp.connectors.spec import ObjectSpec

HERE = Path(__file__).with_name("templates")
Wanted = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Proposal:
    """`fields`, `match`, `title` and `policy` are spelled as in a set-up file; `shown` are values of a real record."""

    name: str
    about: str
    fields: Mapping[str, Wanted]
    match: Sequence[Sequence[str]]
    title: Sequence[str]
    policy: Wanted
    open_types: bool = False
    shown: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_phones(self) -> bool:
        return any(spec["type"] == "phone" for spec in self.fields.values())


@cache
def templates() -> Mapping[str, Proposal]:
    """Every file of the folder, by its name."""
    return {path.stem: _read(path) for path in sorted(HERE.glob("*.yaml"))}


def _read(path: Path) -> Proposal:
    told = Located(path.read_text(encoding="utf-8"), str(path)).data
    return Proposal(told["name"], told["about"], told["fields"], told["match"], told["title"], told["policy"])


def from_object(spec: ObjectSpec, body: Mapping[str, Any] | None, account: str) -> Proposal:
    """The fields of a provider's file, and those that a real record shows; matched by e-mail where there is one."""
    fields, shown = proposed_fields(spec, body)
    match = [[name] for name, told in fields.items() if told["type"] == "email"][:1]
    policy = {"note": "Nobody owns a field yet; people are asked where two sides differ.", "rules": {}}
    about = f"The fields that {spec.name} of {account} have."
    return Proposal(spec.name, about, fields, match, list(fields)[:2], policy, open_types=True, shown=shown)
