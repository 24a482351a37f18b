"""Graph's change tracking: a first round of everything, then rounds of what changed, each ended by a delta link.

From https://learn.microsoft.com/graph/api/contact-delta and https://learn.microsoft.com/graph/delta-query-overview:
options only in the first call, tokens hold them; no order; items may come twice and a page may be empty though more
follow; what was removed is `{"id", "@removed"}`; a token that is not known any more is answered 410 with a `Location`.
A round with more than one page has an empty page and repeats one item, so that nobody relies on the contrary.
"""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from syncapp.doubles.shelf import Row

Json = Any


@dataclass(frozen=True)
class State:
    """What a token says: changes after `since` up to `until`, the newest first, from below one on.

    What changes while a round is read belongs to the next one: nothing moves under the reader.
    """

    epoch: int
    since: int = 0
    until: int = 0
    below: int = 0
    size: int = 10
    select: str = ""
    empty: bool = False

    def token(self) -> str:
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode().rstrip("=")

    @classmethod
    def of(cls, token: str) -> State:
        """Raises ValueError where the token is none of ours."""
        try:
            return cls(**json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))))
        except (TypeError, ValueError) as error:
            raise ValueError(f"no token of ours: {error}") from None


@dataclass(frozen=True)
class Page:
    rows: list[Row]
    # Exactly one of them: more of this round, or where the next round starts.
    next: State | None
    after: State | None


def page(state: State, rows: list[Row]) -> Page:
    """`rows`: all there ever were. In the first round those that are gone are left out."""
    round = [row for row in rows if state.since < row.number <= state.until and not (row.deleted and not state.since)]
    round.sort(key=lambda row: -row.number)
    rest = [row for row in round if not state.below or row.number < state.below]
    if state.below and not state.empty and rest:
        return Page([], replace(state, empty=True), None)
    found = rest[: state.size]
    if len(rest) > state.size:
        return Page(found, replace(state, below=found[-1].number), None)
    again = round[:1] if state.below else []
    return Page(found + again, None, replace(state, since=state.until, until=0, below=0, empty=False))


def shown_removed(row: Row) -> dict[str, Json]:
    return {"@odata.type": "#microsoft.graph.contact", "id": row.id, "@removed": {"reason": "deleted"}}
