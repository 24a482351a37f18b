"""A listing that does not come to an end is noticed."""

from __future__ import annotations

from syncapp.connectors.errors import Malformed, NoEnd

SAME_PAGES = 3
Shown = tuple[object, ...]  # what tells one page from another


class Endless:
    """Notices a pager that does not move: a cursor seen before, or the same full page again and again."""

    def __init__(self, where: str, most: int = 0) -> None:
        self.where, self.most = where, most
        self._cursors: set[str] = set()
        self._page: Shown = ()
        self._same = 1

    def saw(self, cursor: str | None, shown: Shown) -> None:
        self._same = self._same + 1 if shown and shown == self._page else 1
        self._page = shown
        if cursor is None:
            return
        if cursor in self._cursors or self._same >= SAME_PAGES:
            raise Malformed(
                "the pager does not come to an end: the same page was offered again",
                self.where,
                "check the paging section of the manifest",
            )
        self._cursors.add(cursor)
        check_end(len(self._cursors), self.most, self.where)


def check_end(pages: int, most: int, where: str) -> None:
    """Raises NoEnd when a listing took more pages than it may; what it has read stays read."""
    if most and pages > most:
        raise NoEnd(
            f"the listing does not come to an end: {pages:,} pages",
            where,
            f"up to {most:,}; set 'most_pages' in the paging section if there really are more",
        )
