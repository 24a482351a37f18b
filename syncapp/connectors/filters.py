"""A listing narrowed at the provider, as its file says it can be: which conditions it takes, and how they are asked."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncapp.connectors.paths import setter

if TYPE_CHECKING:
    from syncapp.connectors.opspec import Operation

VALUE = re.compile(r"\{value(\|\w+)?\}")


@dataclass(frozen=True, slots=True)
class FilterSpec:
    """How a listing is narrowed to records whose ``field`` passes ``op`` with a value: parameters or parts of the body,
    templates over ``{value}``. It has to list at least every record that passes; what comes back is checked again.
    """

    field: str
    op: str
    query: Mapping[str, str] = dataclasses.field(default_factory=dict)
    body: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition in the provider's own words."""

    spec: FilterSpec
    value: Any


def chosen(operation: Operation | None, wanted: Sequence[tuple[str, str, Any]]) -> tuple[Filter, ...]:
    """What of (field, operator, value) the listing takes; of two that need one parameter, only the first."""
    out: list[Filter] = []
    taken: set[str] = set()
    for name, op, value in wanted:
        for spec in operation.filters if operation is not None else ():
            places = {*spec.query, *(f"body {path}" for path in spec.body)}
            if (spec.field, spec.op) == (name, op) and not places & taken:
                out.append(Filter(spec, value))
                taken |= places
                break
    return tuple(out)


def narrowed(operation: Operation, filters: Sequence[Filter]) -> tuple[Operation, dict[str, Any]]:
    """The operation with these filters, and the values of its new slots."""
    query, body = dict(operation.query), deepcopy(operation.body)
    values: dict[str, Any] = {}
    for number, one in enumerate(filters):
        slot = f"filter{number}"
        values[slot] = one.value
        query |= {name: _renamed(template, slot) for name, template in one.spec.query.items()}
        for path, template in one.spec.body.items():
            body = {} if body is None else body
            setter(path)(body, _renamed(template, slot))
    return dataclasses.replace(operation, query=query, body=body), values


def _renamed(template: Any, slot: str) -> Any:
    """`{value}` under a name of its own: several filters stand in one request."""
    if isinstance(template, str):
        return VALUE.sub(lambda found: f"{{{slot}{found.group(1) or ''}}}", template)
    if isinstance(template, Mapping):
        return {key: _renamed(entry, slot) for key, entry in template.items()}
    return [_renamed(entry, slot) for entry in template] if isinstance(template, list) else template
