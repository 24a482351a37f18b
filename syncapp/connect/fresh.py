"""A new sync from what one account holds: a field for each of the object's, matched by its e-mail address."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from policies.core.types import FIELD_TYPES
from policies.models import Sync
from syncapp.apply.changes import Changes
from syncapp.apply.locks import hold_set_up
from syncapp.apply.syncs import put_shape
from syncapp.connectors.spec import ObjectSpec
from syncapp.mapper.choices import Choice, choices_of

from .bind import Form

MOST = 100
# Types that need more than a name, or that only people can choose.
AS_TEXT = ("choice", "reference")


def sync_from(name: str, spec: ObjectSpec, body: Mapping[str, Any] | None) -> Sync:
    """Its fields may be changed before anything is bound to it."""
    fields, _ = proposed_fields(spec, body)
    match = [[field] for field, told in fields.items() if told["type"] == "email"][:1]
    with transaction.atomic():
        hold_set_up()
        told = {"name": name, "match": match, "title": list(fields)[:2], "fields": fields}
        return put_shape(Form(), Changes(), free_slug(name), told)


def proposed_fields(
    spec: ObjectSpec, body: Mapping[str, Any] | None
) -> tuple[dict[str, Mapping[str, Any]], dict[str, str]]:
    """As a set-up file says them, and what one real record holds of each."""
    found = [one for one in choices_of(spec, body) if one.writable][:MOST]
    named = dict(zip(_names(found), found, strict=True))
    fields: dict[str, Mapping[str, Any]]
    fields = {name: {"type": _type(one), "params": _params(one), "label": one.label} for name, one in named.items()}
    return fields, {name: one.shown for name, one in named.items()}


def _type(choice: Choice) -> str:
    return choice.type if choice.type in FIELD_TYPES and choice.type not in AS_TEXT else "text"


def _params(choice: Choice) -> dict[str, Any]:
    return {"scale": 2} if choice.type == "decimal" else {}


def _names(choices: Sequence[Choice]) -> list[str]:
    out: list[str] = []
    for one in choices:
        spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", one.path.rpartition(".")[2] or one.name)
        plain = re.sub(r"[^a-z0-9]+", "_", spaced.casefold()).strip("_")[:50]
        name = plain if plain[:1].isalpha() else f"field_{plain}".rstrip("_")
        out.append(next(each for each in (name, *(f"{name}_{n}" for n in range(2, MOST + 2))) if each not in out))
    return out


def free_slug(name: str) -> str:
    wanted = slugify(name)[:50] or "sync"
    taken = set(Sync.objects.values_list("slug", flat=True))
    return next(one for one in (wanted, *(f"{wanted}-{number}" for number in range(2, 10_000))) if one not in taken)
