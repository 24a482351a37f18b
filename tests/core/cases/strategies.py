"""Section 4, the strategies by value: who wins when neither side saw the other's change."""

from __future__ import annotations

from policies.core.reasons import Reason, Verdict
from policies.core.rules import Strategy

from .making import Case, question, side

OWNER, MAX, MIN = Strategy.OWNER_WINS, Strategy.MAX, Strategy.MIN
APART = {"H": "Berta", "k": 2}
NUMBERS = {"kind": "integer", "stored": 1, "k": 2}

CASES = [
    Case(
        "the owner holds what the hub believes and wins: the other side is due",
        "Carl", Verdict.CONCURRENT, Reason.OWNER_WON, **APART, strategy=OWNER,
        then={"H": "Berta", "v": 3, "k": 2, "due": {"app": "update"}, "closed": [Reason.OWNER_WON], "asks": []},
    ),
    Case(
        "the owner's change comes last and wins all the same",
        "Carl", Verdict.CONCURRENT, Reason.OWNER_WON, **APART, strategy=OWNER, owner="app",
        then={"H": "Carl", "v": 4, "k": 4, "due": {"crm": "update"}, "closed": [Reason.OWNER_WON]},
    ),
    Case(
        "neither side is the owner's: a person decides",
        "Carl", Verdict.CONCURRENT, Reason.NO_OWNER_SIDE, **APART, strategy=OWNER, owner="billing",
        then={"asks": ["value"]},
    ),
    Case(
        "the hub owns the field and a person's edit there stands",
        "Carl", Verdict.CONCURRENT, Reason.OWNER_WON, **APART, strategy=OWNER, owner="hub", by=("hub",),
        then={"H": "Berta", "due": {"app": "update", "crm": "update"}}, crm="Anna",
    ),
    Case(
        "the creator's side wins a field that its creator owns",
        "Carl", Verdict.CONCURRENT, Reason.OWNER_WON, **APART, strategy=OWNER, owner="creator", then={"H": "Berta"},
    ),
    Case(
        "the owner's third edit wins though two others are already in question",
        "Carl", Verdict.CANDIDATE, Reason.MANUAL, strategy=OWNER, owner="app", H="Anna",
        asked=(question(side("crm", "Anna"), side("billing", "Dora")),), then={"H": "Carl", "asks": []},
    ),
    Case(
        "max keeps the higher of two that were typed apart",
        9, Verdict.CONCURRENT, Reason.HIGHER_WON, **NUMBERS, strategy=MAX, H=5, then={"H": 9, "v": 4},
    ),
    Case(
        "max keeps the hub's if it is higher, and the account is brought up to it",
        4, Verdict.CONCURRENT, Reason.HIGHER_WON, **NUMBERS, strategy=MAX, H=5, then={"H": 5, "due": {"app": "update"}},
    ),
    Case(
        "min keeps the lower of two that were typed apart",
        4, Verdict.CONCURRENT, Reason.LOWER_WON, **NUMBERS, strategy=MIN, H=5, then={"H": 4, "v": 4},
    ),
    Case(
        "min takes any value before none: an emptied side asks nothing of the others",
        None, Verdict.CONCURRENT, Reason.LOWER_WON, **NUMBERS, strategy=MIN, H=5, then={"H": 5, "asks": []},
    ),
    Case(
        "values that have no order are asked about",
        ["b"], Verdict.CONCURRENT, Reason.NOT_COMPARABLE, kind="set", strategy=MAX, stored=["x"], k=2, H=["a"],
        then={"asks": ["value"]},
    ),
    Case(
        "dates are ordered by max",
        "2026-02-01", Verdict.CONCURRENT, Reason.HIGHER_WON, kind="date", strategy=MAX, stored="2025-01-01", k=2,
        H="2026-01-01", then={"H": "2026-02-01"},
    ),
    Case(
        "both sides typed the same apart from how the account spells it: no dispute",
        "berta", Verdict.AGREE, Reason.AGREED, **APART, norms=["lower"], strategy=OWNER,
        then={"H": "Berta", "asks": []},
    ),
    Case(
        "a person is the default: every other field goes on, this one is written nowhere",
        "Carl", Verdict.CONCURRENT, Reason.MANUAL, **APART, crm="Anna", then={"asks": ["value"], "due": {}},
    ),
]  # fmt: skip
