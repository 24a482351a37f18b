"""What the clerk asks of an account, whoever answers: a provider over HTTP or a database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from syncapp.connectors.filters import Filter
from syncapp.connectors.many import Change, New, Result
from syncapp.connectors.paths import Step
from syncapp.connectors.records import Check, Item, Page, Written
from syncapp.connectors.spec import Manifest

NONE: Mapping[str, str] = {}


class SpeaksOfMany(Protocol):
    """Many records in one call."""

    def find(self, object: str, wanted: Mapping[str, Sequence[str]]) -> list[Item]: ...

    def create(self, object: str, records: Sequence[New]) -> list[Result]: ...

    def update(self, object: str, changes: Sequence[Change]) -> list[Result]: ...


class Speaks(Protocol):
    """`connectors.client.Client` says what each of these does and raises."""

    @property
    def manifest(self) -> Manifest: ...

    @property
    def many(self) -> SpeaksOfMany: ...

    def pages(
        self,
        object: str,
        *,
        since: datetime | None = None,
        cursor: str | None = None,
        size: int | None = None,
        filters: Sequence[Filter] = (),
        marks: Mapping[str, str] = NONE,
    ) -> Iterator[Page]: ...

    def read(self, object: str, id: str) -> Item: ...

    def read_many(self, object: str, ids: Iterable[str]) -> dict[str, Item]: ...

    def columns(self, object: str) -> list[tuple[Step, ...]]: ...

    def find(self, object: str, field: str, value: str) -> list[Item]: ...

    def create(self, object: str, body: Mapping[str, Any], *, key: str, external_id: str | None = None) -> Written: ...

    def update(self, object: str, id: str, body: Mapping[str, Any], *, version: str | None, key: str) -> Written: ...

    def delete(self, object: str, id: str, *, version: str | None = None, key: str) -> None: ...

    def check(self) -> Check: ...

    def close(self) -> None: ...
