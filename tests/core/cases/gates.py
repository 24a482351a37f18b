"""Rows 2 to 5: what is decided about a whole observation before any field is looked at."""

from __future__ import annotations

from policies.core.reasons import Reason, Verdict
from policies.core.rules import Strategy
from policies.core.seen import How
from policies.core.values import Base, Candidate, Kind, Window

from .making import NOTHING, Case, minutes, question, side

EVENT = {"how": How.EVENT}


def written(guard: str | None = "4", write: str | None = "8", before: str = "Anna", sent: str = "Berta") -> Window:
    """The hub wrote Berta over Anna, having looked at version 4 and written version 8."""
    base = Base({"name": before}, {"name": before}, 2)
    return Window(minutes(-6), minutes(-4), guard, write, {"name": base}, {"name": {"name": sent}})


WROTE = {"H": "Berta", "stored": "Berta", "link": {"windows": (written(),), "version": "8"}}
UNTIMED = {
    "H": "Berta",
    "stored": "Berta",
    "role": {"ordered": False},
    "link": {"windows": (written("a", "b"),), "version": "b"},
}

CASES = [
    Case(
        "an event between our look and our write shows an edit we wrote over, so a person is asked",
        "Carl", Verdict.OVERWRITTEN, Reason.OVERWRITTEN_EDIT, **WROTE, seen={**EVENT, "version": "6"},
        then={"H": "Berta", "asks": ["overwritten"], "sides": [("app", "Carl"), ("crm", "Berta")], "again": True},
    ),
    Case(
        "an overwritten edit by the owner wins by rule and travels back",
        "Carl", Verdict.OVERWRITTEN, Reason.OVERWRITTEN_EDIT, **WROTE, seen={**EVENT, "version": "6"},
        owner="app", strategy=Strategy.OWNER_WINS,
        then={"H": "Carl", "v": 4, "asks": [], "due": {"app": "update", "crm": "update"}},
    ),
    Case(
        "an overwritten edit by a role that may not write is only a line in the ledger",
        "Carl", Verdict.OVERWRITTEN, Reason.OVERWRITTEN_BY_OUTSIDER, **WROTE, writers=("crm",),
        seen={**EVENT, "version": "6"}, then={"H": "Berta", "asks": [], "due": {}},
    ),
    Case(
        "an event at the version of our write is the write itself",
        "Carl", None, **WROTE, seen={**EVENT, "version": "8"}, then={"asks": [], "again": True},
    ),
    Case(
        "an event at the version of our look was already seen by it",
        "Carl", None, **WROTE, seen={**EVENT, "version": "4"}, then={"asks": [], "again": True},
    ),
    Case(
        "an event in the window that shows what was stored lost nothing",
        "Anna", None, **WROTE, seen={**EVENT, "version": "6"}, then={"asks": []},
    ),
    Case(
        "an event in the window that shows what we wrote is our own",
        "Berta", None, **WROTE, seen={**EVENT, "version": "6"}, then={"asks": []},
    ),
    Case(
        "an event in the window that is marked as ours is nobody's edit",
        "Carl", None, **WROTE, seen={**EVENT, "version": "6", "ours": True}, then={"asks": []},
    ),
    Case(
        "without ordered versions the provider's time decides whether an event fell into the window",
        "Carl", Verdict.OVERWRITTEN, Reason.OVERWRITTEN_EDIT, **UNTIMED,
        seen={**EVENT, "version": "x", "updated_at": minutes(-5)}, then={"asks": ["overwritten"]},
    ),
    Case(
        "without ordered versions an event at the very time of the look is inside the window",
        "Carl", Verdict.OVERWRITTEN, Reason.OVERWRITTEN_EDIT, **UNTIMED,
        seen={**EVENT, "version": "x", "updated_at": minutes(-6)}, then={"asks": ["overwritten"]},
    ),
    Case(
        "an event from after the window is left to the look that it rings for",
        "Carl", None, **UNTIMED, seen={**EVENT, "version": "x", "updated_at": minutes(-1)},
        then={"asks": [], "again": True},
    ),
    Case(
        "with an unknown skew no time decides that an edit was overwritten",
        "Carl", None, **UNTIMED, seen={**EVENT, "version": "x", "updated_at": minutes(-5)}, clock={"skew": None},
        then={"asks": [], "again": True},
    ),
    Case(
        "a delivery waits while the push there is unsettled, for its window is not known yet",
        "Carl", None, sending="Berta", seen={**EVENT, "version": "6"}, then={"wait": True, "sending": True},
    ),
    Case(
        "an event's values are never judged as an observation",
        "Carl", None, seen={**EVENT, "version": "9"}, then={"H": "Anna", "stored": "Anna", "again": True},
    ),
    Case(
        "a second overwritten edit of the same role stands beside the first",
        "Dora", Verdict.OVERWRITTEN, Reason.OVERWRITTEN_EDIT, **WROTE, seen={**EVENT, "version": "7"},
        asked=(question(side("crm", "Berta"), side("app", "Carl", overwritten=True, version="6")),),
        then={"sides": [("app", "Carl"), ("app", "Dora"), ("crm", "Berta")]},
    ),
    Case(
        "the same overwritten edit delivered twice asks once",
        "Carl", Verdict.OVERWRITTEN, Reason.OVERWRITTEN_EDIT, **WROTE, seen={**EVENT, "version": "6"},
        asked=(question(side("crm", "Berta"), Candidate("app", {"name": "Carl"}, minutes(-2), version="6", k=2,
                                                       base={"name": "Anna"}, overwritten=True)),),
        then={"sides": [("app", "Carl"), ("crm", "Berta")]},
    ),
    Case(
        "a look from before the last judged one is stale and is repeated",
        "Carl", Verdict.STALE, Reason.OLDER_READ, seen={"read_at": minutes(-11)},
        then={"H": "Anna", "stored": "Anna", "again": True},
    ),
    Case(
        "a look at the very moment of the last one is judged",
        "Carl", Verdict.ADOPT, Reason.ADOPTED, seen={"read_at": minutes(-10)}, then={"H": "Carl"},
    ),
    Case(
        "a lower remote version is stale, however it was read",
        "Carl", Verdict.STALE, Reason.OLDER_VERSION, seen={"version": "4", "how": How.LIST},
        then={"H": "Anna", "again": True},
    ),
    Case(
        "without ordered versions a smaller number proves nothing",
        "Carl", Verdict.ADOPT, Reason.ADOPTED, role={"ordered": False}, seen={"version": "4"}, then={"H": "Carl"},
    ),
    Case(
        "the last repeated look that is still lower is what the account holds: it was set back",
        "Carl", Verdict.REWOUND, Reason.REWOUND, seen={"version": "4", "last": True},
        then={"H": "Carl", "again": False},
    ),
    Case(
        "a list page is never the last word on a lower version",
        "Carl", Verdict.STALE, Reason.OLDER_VERSION, seen={"version": "4", "last": True, "how": How.LIST},
        then={"H": "Anna", "again": True},
    ),
    Case(
        "an old read stays old even when it was the last one: only versions may be rewound",
        "Carl", Verdict.STALE, Reason.OLDER_READ, seen={"read_at": minutes(-11), "last": True}, then={"H": "Anna"},
    ),
    Case(
        "a pushed field that is neither stored nor what we write waits for the push to be settled",
        "Carl", Verdict.WAITS, Reason.PUSH_IN_FLIGHT, sending="Berta", H="Berta", k=2,
        then={"wait": True, "stored": "Anna", "sending": True},
    ),
    Case(
        "a pushed field that still shows what was stored does not wait",
        "Anna", None, sending="Berta", H="Berta", k=2, then={"wait": False, "sending": True, "k": 2},
    ),
    Case(
        "a counter that shows the pushed total waits, for equal totals prove nothing",
        7, Verdict.WAITS, Reason.PUSH_IN_FLIGHT, kind="counter", strategy=Strategy.MERGE, H=7, stored=5, k=2,
        sending=7, then={"wait": True, "stored": 5},
    ),
    Case(
        "a counter that shows the pushed total with the write's own correlation id is our echo",
        7, Verdict.ECHO, Reason.ECHO, kind="counter", strategy=Strategy.MERGE, H=7, stored=5, k=2, sending=7,
        seen={"correlation": "key"}, then={"k": 3, "sending": False},
    ),
    Case(
        "a counter changed by our own actor after the look's version is our echo",
        7, Verdict.ECHO, Reason.ECHO, kind="counter", strategy=Strategy.MERGE, H=7, stored=5, k=2, sending=7,
        guard="5", seen={"ours": True, "version": "6"}, then={"k": 3, "sending": False},
    ),
    Case(
        "our own actor at the look's own version proves nothing",
        7, Verdict.WAITS, Reason.PUSH_IN_FLIGHT, kind="counter", strategy=Strategy.MERGE, H=7, stored=5, k=2, sending=7,
        guard="6", seen={"ours": True, "version": "6"}, then={"wait": True},
    ),
    Case(
        "a field that the push does not carry is not told, so nothing waits",
        NOTHING, None, sending="Berta", H="Berta", k=2, then={"wait": False, "sending": True},
    ),
    Case(
        "a link that a person cut is not judged any more",
        "Carl", None, link={"unlinked": True}, then={"H": "Anna", "stored": "Anna"},
    ),
    Case(
        "a deleted record leaves a tombstone and asks",
        NOTHING, Verdict.DELETED, Reason.DELETED_THERE, seen={"deleted": True},
        then={"gone": True, "asks": ["delete:app"], "due": {}},
    ),
    Case(
        "an edit that the account had not seen beats its delete: the record is made again there",
        NOTHING, Verdict.DECIDED, Reason.EDIT_BEATS_DELETE, H="Berta", k=2, seen={"deleted": True},
        then={"gone": False, "asks": [], "due": {"app": "create"}},
    ),
    Case(
        "an unseen edit does not bring the record back where the role does not read the field",
        NOTHING, Verdict.DELETED, Reason.DELETED_THERE, H="Berta", k=2, readers=("crm",), seen={"deleted": True},
        then={"gone": True, "asks": ["delete:app"]},
    ),
    Case(
        "a delete while a question is open asks about both",
        NOTHING, Verdict.DELETED, Reason.DELETED_THERE, seen={"deleted": True},
        asked=(question(side("crm", "Anna"), side("app", "Carl")),),
        then={"gone": True, "asks": ["value", "delete:app"]},
    ),
    Case(
        "an old look that shows a delete is stale like any other",
        NOTHING, Verdict.STALE, Reason.OLDER_READ, seen={"deleted": True, "read_at": minutes(-11)},
        then={"gone": False},
    ),
    Case(
        "a tombstone is laid once",
        NOTHING, None, link={"gone": minutes(-5)}, seen={"deleted": True}, then={"asks": []},
    ),
    Case(
        "an id that comes back revives its tombstone, closes the question and is judged",
        "Carl", Verdict.REVIVED, Reason.CAME_BACK, link={"gone": minutes(-5)},
        asked=(question(kind=Kind.DELETE, role="app", unit=""),), then={"gone": False, "asks": [], "H": "Carl"},
    ),
]  # fmt: skip
