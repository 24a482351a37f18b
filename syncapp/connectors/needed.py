"""What a new record needs at a provider, and which fields of a mapping tell it."""

from __future__ import annotations

from collections.abc import Mapping

from syncapp.connectors.mapped import MappingField
from syncapp.connectors.spec import FieldSpec, ObjectSpec


def needed(spec: ObjectSpec, fields: Mapping[str, MappingField]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The fields of ours that tell what a new record needs, with the provider's names; and what nothing tells."""
    if not spec.can("create"):
        return {}, ()
    told = {name: field for name, field in fields.items() if field.writes}
    filled: dict[str, str] = {}
    left: list[str] = []
    for slug, known in spec.fields.items():
        if known.required:
            name = next((name for name, field in told.items() if _tells(field, slug, known)), None)
            label = known.label or slug
            if name is None:
                left.append(label)
            else:
                filled[name] = label
    # What an expression of the mapping's own makes of a whole body may be anything, also what is looked for here.
    unsure = any(not _place(field) and not field.known for field in told.values())
    return filled, () if unsure else tuple(left)


def _tells(field: MappingField, slug: str, known: FieldSpec) -> bool:
    place = known.writes_to or known.path
    return field.known == slug or (bool(place) and _place(field) == place)


def _place(field: MappingField) -> str:
    return field.writes_to or field.path
