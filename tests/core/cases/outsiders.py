"""Rows 10 and 11: a role that may not write, or may not empty, a field."""

from __future__ import annotations

from policies.core.reasons import Reason, Verdict
from policies.core.rules import Guards, Strategy, Unauthorised
from policies.core.values import Kind

from .making import Case, minutes, question, side

KEEP, PROPOSE = Unauthorised.KEEP, Unauthorised.PROPOSE
OUTSIDE = {"writers": ("crm",)}
OFTEN = [minutes(-m) for m in (5, 4, 3)]

CASES = [
    Case(
        "a value of a role that may not write is reverted: the hub owes its own value",
        "Carl", Verdict.UNAUTHORISED, Reason.REVERTING, **OUTSIDE,
        then={"H": "Anna", "v": 3, "k": 3, "owed": True, "stored": "Carl", "meant": "Carl", "due": {"app": "update"}},
    ),
    Case(
        "the owner may write though no list of writers names it",
        "Carl", Verdict.ADOPT, Reason.ADOPTED, owner="app", writers=(), then={"H": "Carl"},
    ),
    Case(
        "the creator owns a field whose owner is the creator",
        "Carl", Verdict.UNAUTHORISED, Reason.REVERTING, owner="creator", writers=(), then={"H": "Anna", "owed": True},
    ),
    Case(
        "authority comes before validity: an unauthorised invalid value is reverted, not asked about",
        "Carl", Verdict.UNAUTHORISED, Reason.REVERTING, **OUTSIDE, checks=(lambda value: "no",),
        then={"asks": [], "owed": True},
    ),
    Case(
        "authority comes before the strategy: a higher value of an outsider is reverted",
        9, Verdict.UNAUTHORISED, Reason.REVERTING, **OUTSIDE, kind="integer", strategy=Strategy.MAX, H=5, stored=5,
        then={"H": 5, "owed": True},
    ),
    Case(
        "authority comes before merging: an outsider's element is reverted",
        ["a", "b"], Verdict.UNAUTHORISED, Reason.REVERTING, **OUTSIDE, kind="set", strategy=Strategy.MERGE, H=["a"],
        stored=["a"], then={"H": ["a"], "owed": True},
    ),
    Case(
        "an outsider's change while the hub moved on is reverted too, to the newest value",
        "Carl", Verdict.UNAUTHORISED, Reason.REVERTING, **OUTSIDE, H="Berta", k=2, then={"owed": True, "k": 2},
    ),
    Case(
        "an outsider's value never becomes a candidate of a question about the field",
        "Carl", Verdict.UNAUTHORISED, Reason.REVERTING, **OUTSIDE,
        asked=(question(side("crm", "Anna"), side("billing", "Dora")),),
        then={"sides": [("billing", "Dora"), ("crm", "Anna")], "owed": True, "due": {}},
    ),
    Case(
        "what a role that the hub does not write to holds cannot be reverted: it is kept as drift",
        "Carl", Verdict.UNAUTHORISED, Reason.KEPT_DRIFT, **OUTSIDE, readers=("crm",), then={"drift": True, "due": {}},
    ),
    Case(
        "kept: the value stays there, goes no further, and the link counts as joined",
        "Carl", Verdict.UNAUTHORISED, Reason.KEPT_DRIFT, **OUTSIDE, how=KEEP,
        then={"H": "Anna", "drift": True, "owed": False, "k": 3, "due": {}},
    ),
    Case(
        "kept, but a newer hub value is due there: the push goes over it",
        "Carl", Verdict.UNAUTHORISED, Reason.KEPT_DRIFT, **OUTSIDE, how=KEEP, H="Berta", k=2,
        then={"drift": True, "k": 2, "due": {"app": "update"}},
    ),
    Case(
        "kept, but a value is owed there: the debt is not forgiven by the drift",
        "Carl", Verdict.UNAUTHORISED, Reason.KEPT_DRIFT, **OUTSIDE, how=KEEP, stored="Dora", flags={"owed": True},
        then={"drift": True, "owed": True, "due": {"app": "update"}},
    ),
    Case(
        "proposed: a question of this link holds the writes to it, others go on",
        "Carl", Verdict.UNAUTHORISED, Reason.PROPOSED, **OUTSIDE, how=PROPOSE, H="Anna",
        then={"asks": ["proposal:app"], "sides": [("app", "Carl"), ("crm", "Anna")], "owed": False, "due": {}},
    ),
    Case(
        "a second proposal of the same link takes the place of the first",
        "Carl", Verdict.UNAUTHORISED, Reason.PROPOSED, **OUTSIDE, how=PROPOSE, stored="Dora",
        asked=(question(side("app", "Dora"), kind=Kind.PROPOSAL, role="app"),),
        then={"asks": ["proposal:app"], "sides": [("app", "Carl"), ("crm", "Anna")]},
    ),
    Case(
        "emptied by a writer that may not clear: its own value comes back",
        None, Verdict.UNAUTHORISED, Reason.MAY_NOT_CLEAR, clears=(), then={"H": "Anna", "owed": True, "stored": None},
    ),
    Case(
        "emptied by a writer that may clear: adopted",
        None, Verdict.ADOPT, Reason.ADOPTED, then={"H": None, "v": 4, "due": {"crm": "update"}},
    ),
    Case(
        "a clear rule gives no right to write: an outsider that may clear may not",
        None, Verdict.UNAUTHORISED, Reason.MAY_NOT_CLEAR, **OUTSIDE, clears=("app",), then={"H": "Anna", "owed": True},
    ),
    Case(
        "an empty set is a value, not a null: a writer that may not clear may empty it",
        [], Verdict.ADOPT, Reason.ADOPTED, kind="set", strategy=Strategy.MERGE, clears=(), H=["a"], stored=["a"],
        then={"H": [], "v": 4},
    ),
    Case(
        "emptied under keep: drift",
        None, Verdict.UNAUTHORISED, Reason.KEPT_DRIFT, clears=(), how=KEEP, then={"drift": True, "H": "Anna", "k": 3},
    ),
    Case(
        "emptied under propose: a question of this link",
        None, Verdict.UNAUTHORISED, Reason.MAY_NOT_CLEAR, clears=(), how=PROPOSE, then={"asks": ["proposal:app"]},
    ),
    Case(
        "emptied on both sides of a counter: no total is left to differ, and no rule about clearing is broken",
        None, Verdict.AGREE, Reason.AGREED, kind="counter", strategy=Strategy.MERGE, clears=(), H=None, v=4,
        stored=5, past=((3, 5),), crm=5, then={"H": None, "k": 4, "drift": False, "asks": []},
    ),
    Case(
        "an outsider that is reverted again and again is held as a question",
        "Carl", Verdict.UNAUTHORISED, Reason.REVERTING, **OUTSIDE, guards=Guards(ping_pong=3), moves=OFTEN,
        then={"asks": ["ping_pong"], "owed": True, "due": {}},
    ),
    Case(
        "reverts from before the window are forgotten",
        "Carl", Verdict.UNAUTHORISED, Reason.REVERTING, **OUTSIDE, guards=Guards(ping_pong=3),
        moves=[minutes(-m) for m in (15, 4, 3)], then={"asks": [], "due": {"app": "update"}},
    ),
]  # fmt: skip
