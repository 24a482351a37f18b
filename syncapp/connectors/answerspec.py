"""What a manifest says about answers: when one is a success, what an error tells, where a new record's id stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from syncapp.connectors.expressions import Expression, Source


@dataclass(frozen=True, slots=True)
class OkSpec:
    """One test of an answer whose status is a success: the path holds the value, holds nothing, or the test is true."""

    path: str = ""
    value: Any = True
    absent: bool = False
    test: Expression | None = None


@dataclass(frozen=True, slots=True)
class ErrorSpec:
    """Where an error answer keeps its sentence, its code and its complaints about single fields.

    ``code``: the first path that is there. Its meaning, whatever the status: the five lists of codes. ``busy``:
    statuses that say that nothing was done yet.
    """

    message: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    field: str = ""
    items: str = ""
    item_field: str = ""
    item_message: str = ""
    busy: tuple[int, ...] = ()
    limited_codes: tuple[str, ...] = ()
    busy_codes: tuple[str, ...] = ()
    unauthorised_codes: tuple[str, ...] = ()
    forbidden_codes: tuple[str, ...] = ()
    gone_codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewIdSpec:
    """Where the answer of a create says the new id, if not where records have theirs: in the body or in a header.

    ``match``: the first group is the id; without it, the last part of the header's address.
    """

    path: Source | None = None
    header: str = ""
    match: str = r"([^/?#]+?)(?:\.json|\.xml)?/?(?:[?#].*)?$"
