"""The records whose own records are listed: which there are, page by page, and which of them are still to come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from syncapp.connectors.listing import Listing, whole
from syncapp.connectors.places import Place
from syncapp.connectors.records import Page
from syncapp.connectors.spec import Manifest, ObjectSpec


@dataclass(frozen=True, slots=True)
class Some:
    """A page of parents, asked for by a cursor, and the place among them."""

    told: Page
    cursor: str | None
    at: Place

    def here(self, leg: str) -> Place:
        return Place(leg, beside=self.cursor)

    def parents(self, leg: str) -> Iterator[tuple[str, Place]]:
        """Each with where its own listing begins; the one that was being read when we stopped comes first, also where
        this page does not show it any more.
        """
        ids = [item.id for item in self.told.items if not item.deleted]
        if self.at.parent is not None:
            yield self.at.parent, self.at
        last = self.at.parent or self.at.done
        for id in ids[ids.index(last) + 1 :] if last in ids else ids:
            yield id, Place(leg, beside=self.cursor, parent=id)


class Parents:
    """They are asked for at the provider: what the hub knows of them may be older than their records."""

    def __init__(self, manifest: Manifest, listing: Listing) -> None:
        self._manifest, self._listing = manifest, listing

    def pages(self, spec: ObjectSpec, since: datetime | None, at: Place) -> Iterator[Some]:
        assert spec.depends_on is not None
        parent = self._manifest.objects[spec.depends_on.object]
        asked_from = since if spec.depends_on.changed else None
        cursor = at.beside
        for page in self._listing.walk(whole(parent, parent.operations["list"], {}, asked_from), cursor):
            yield Some(page, cursor, at)
            cursor, at = page.cursor, Place()
