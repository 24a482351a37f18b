"""What real systems do and no documentation warns of, each to be switched on by itself: POST /_double/traps."""

from __future__ import annotations

TRAPS = {
    "null_until_updated": "updated_at is null until the first update, and a filter by it leaves such records out",
    "if_match_ignored": "If-Match is accepted and ignored: an old tag writes over what came in between",
    "no_patch": "PATCH is refused with 405; PUT changes only what is sent",
    "gone_403": "the id of a deleted record is answered 403, as one that somebody else owns",
    "gone_200": "the id of a deleted record is answered 200 with the record as it was, marked in a field",
    "only_id": "a write answers nothing but the id",
    "id_in_body": "a change names its record in the body, and its address is that of the list",
    "capped": "a page has five records at most, whatever is asked for, and nobody says so",
    "closed_hidden": "closed records are left out of lists unless status=all is asked for",
    "anonymous_200": "a wrong key is answered 200, as somebody who may see nothing",
    "space_times": "times have seconds, a blank instead of the T, and no zone (they are UTC)",
    "next_in_header": "the list is bare, and the number of the next page stands in X-Next-Page",
    "bare_hooks": "webhooks have no id, time or signature, another body for each event, and several rows in one",
    "page_loop": "the second page names itself as the next one",
    "endless_pages": "there is always a next page; after the last record they are empty",
    "field_gone": "the field phone is not there any more",
}
CAP = 5


class Traps(set[str]):
    """Those that are switched on."""

    def switch(self, names: list[str]) -> None:
        """Exactly these are on. Raises ValueError for one that there is not."""
        if strange := sorted(set(names) - set(TRAPS)):
            raise ValueError(f"{strange[0]!r} is no trap; there are {', '.join(TRAPS)}")
        self.clear()
        self.update(names)
