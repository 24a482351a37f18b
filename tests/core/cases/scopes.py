"""Records that a feed does not take, or not any more: they are not deleted, and nothing is taken from them."""

from __future__ import annotations

from policies.core.reasons import Reason, Verdict
from policies.core.values import Kind

from .making import NOTHING, Case, minutes, question, side

OUT = {"in_scope": False}
ASLEEP = {"link": {"asleep": True}}

CASES = [
    Case(
        "a record that left the scope is not deleted: its link sleeps, and the change that came with it is not taken",
        "Carl", Verdict.ASLEEP, Reason.OUT_OF_SCOPE, seen=OUT,
        then={"H": "Anna", "stored": "Anna", "k": 3, "asleep": True, "gone": False, "asks": [], "due": {}},
    ),
    Case(
        "work that was due at a record that left the scope is withdrawn",
        "Anna", Verdict.ASLEEP, Reason.OUT_OF_SCOPE, H="Berta", k=2, seen=OUT, then={"asleep": True, "due": {}},
    ),
    Case(
        "a record that is still out of scope is not told about twice",
        "Carl", None, **ASLEEP, seen=OUT, then={"H": "Anna", "stored": "Anna", "asleep": True},
    ),
    Case(
        "a write in flight is settled before its link falls asleep",
        "Berta", Verdict.WAITS, Reason.PUSH_IN_FLIGHT, H="Berta", k=2, sending="Berta", seen=OUT,
        then={"wait": True, "asleep": False, "sending": True, "stored": "Anna"},
    ),
    Case(
        "an old look that shows a record out of scope is stale like any other",
        "Anna", Verdict.STALE, Reason.OLDER_READ, seen={**OUT, "read_at": minutes(-11)},
        then={"asleep": False, "again": True},
    ),
    Case(
        "an old look that shows a record still in scope does not wake it",
        "Carl", Verdict.STALE, Reason.OLDER_READ, **ASLEEP, seen={"read_at": minutes(-11)},
        then={"asleep": True, "H": "Anna"},
    ),
    Case(
        "the side of a record that left the scope stays in the question, marked",
        "Carl", Verdict.ASLEEP, Reason.OUT_OF_SCOPE, seen=OUT, stored="Dora",
        asked=(question(side("crm", "Anna"), side("app", "Dora")),),
        then={"asks": ["value"], "sides": [("app", "Dora"), ("crm", "Anna")], "frozen": ["app"]},
    ),
    Case(
        "a record back in scope wakes its link, and its side of a question is like any other again",
        "Dora", Verdict.REVIVED, Reason.BACK_IN_SCOPE, **ASLEEP, stored="Dora",
        asked=(question(side("crm", "Anna"), side("app", "Dora", frozen=True)),),
        then={"asleep": False, "asks": ["value"], "frozen": []},
    ),
    Case(
        "what changed while its link slept is judged when the record is back in scope",
        "Carl", Verdict.ADOPT, Reason.ADOPTED, **ASLEEP, then={"asleep": False, "H": "Carl"},
    ),
    Case(
        "a change on each side while the link slept is a disagreement like any other",
        "Carl", Verdict.CONCURRENT, Reason.MANUAL, H="Berta", k=2, **ASLEEP,
        then={"asleep": False, "H": "Berta", "asks": ["value"]},
    ),
    Case(
        "what the hub came to believe while the link slept is due when the record is back in scope",
        "Anna", Verdict.REVIVED, Reason.BACK_IN_SCOPE, H="Berta", k=2, **ASLEEP, then={"due": {"app": "update"}},
    ),
    Case(
        "a sleeping record that is deleted is deleted, and a person is asked",
        NOTHING, Verdict.DELETED, Reason.DELETED_THERE, **ASLEEP, seen={"deleted": True},
        then={"gone": True, "asks": ["delete:app"]},
    ),
    Case(
        "what changed elsewhere while a record was out of scope does not beat its delete: it was not to be seen there",
        NOTHING, Verdict.DELETED, Reason.DELETED_THERE, H="Berta", k=2, **ASLEEP, seen={"deleted": True},
        then={"gone": True, "asks": ["delete:app"], "due": {}},
    ),
    Case(
        "a deleted record that comes back out of scope is no longer deleted and sleeps",
        "Anna", Verdict.REVIVED, Reason.CAME_BACK, link={"gone": minutes(-5)}, seen=OUT,
        asked=(question(kind=Kind.DELETE, role="app", unit=""),), then={"gone": False, "asleep": True, "asks": []},
    ),
    Case(
        "a link that a person cut does not fall asleep either",
        "Carl", None, link={"unlinked": True}, seen=OUT, then={"asleep": False},
    ),
]  # fmt: skip
