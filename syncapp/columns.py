"""Is a value empty, or is its column gone? Asked of the account before anything is read as emptied by a person."""

from __future__ import annotations

from collections.abc import Sequence

from .connectors.errors import Misconfigured
from .connectors.mapping import Mapping
from .connectors.paths import ABSENT, Step, getter, split
from .connectors.records import Item
from .connectors.speaks import Speaks
from .connectors.spec import ObjectSpec


def check_columns(client: Speaks, spec: ObjectSpec, mapping: Mapping, items: Sequence[Item]) -> None:
    """Raises Misconfigured if a mapped column is not there any more: it was renamed or taken away.

    Only where the provider leaves out what is empty and can be asked for its columns; and only when none of these
    records shows a column, just after they were read: usually one of a page does, and nothing is asked.
    """
    if not spec.can("columns"):
        return
    bodies = [item.body for item in items if not item.deleted]
    absent = {name: path for name, path in _omitted(mapping).items() if bodies and not _shown(path, bodies)}
    if not absent:
        return
    known = client.columns(spec.slug)
    for name, path in absent.items():
        if not any(split(path)[: len(one)] == one for one in known):
            gone = f"there is no column {split(path)[-1]} any more, to which the field {name} is mapped"
            raise Misconfigured(
                f"{gone}: it was renamed or taken away. Nothing was read as emptied",
                f"{client.manifest.slug}.{spec.slug}, {path}",
                "its old name over there, or another path in the mapping; there is " + _said(known),
            )


def _omitted(mapping: Mapping) -> dict[str, str]:
    """The fields that may be left out because they are empty -> their paths."""
    read = mapping.fields.items()
    return {name: one.path for name, one in read if one.reads and one.path and one.omitted == "null"}


def _shown(path: str, bodies: Sequence[object]) -> bool:
    look = getter(path)
    return any(look(body) is not ABSENT for body in bodies)


def _said(known: Sequence[tuple[Step, ...]]) -> str:
    return ", ".join(sorted(str(one[-1]) for one in known)) or "none"
