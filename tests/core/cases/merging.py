"""Section 4, `merge`: deltas from what was stored, applied to what the hub believes."""

from __future__ import annotations

from policies.core.reasons import Reason, Verdict
from policies.core.rules import Strategy

from .making import NOTHING, Case, question, side

MERGE = Strategy.MERGE
TAGS = {"kind": "set", "strategy": MERGE}
COUNT = {"kind": "counter", "strategy": MERGE}
NOTES = {"kind": "long_text", "strategy": MERGE}
EXTRA = {"kind": "map", "strategy": MERGE}

CASES = [
    Case(
        "an element added here and one added elsewhere both stay",
        ["a", "app"], Verdict.CONCURRENT, Reason.MERGED, **TAGS, stored=["a"], k=2, H=["a", "crm"],
        then={"H": ["a", "app", "crm"], "v": 4, "due": {"app": "update", "crm": "update"}},
    ),
    Case(
        "an element removed here goes, one added elsewhere stays",
        [], Verdict.CONCURRENT, Reason.MERGED, **TAGS, stored=["a"], k=2, H=["a", "crm"], then={"H": ["crm"]},
    ),
    Case(
        "an element that the hub re-added at a version this link had not seen survives its removal",
        ["b"], Verdict.CONCURRENT, Reason.MERGED, **TAGS, stored=["a", "b"], k=2, v=4, H=["a", "b"],
        past=((2, ["a", "b"]), (3, ["b"])), then={"H": ["a", "b"]},
    ),
    Case(
        "a tag can be removed at an account that spells it its own way",
        ["gold"], Verdict.ADOPT, Reason.ADOPTED, **TAGS, norms=["lower"], stored=["blue", "gold"],
        meant=["Blue", "Gold"], H=["Blue", "Gold"], then={"H": ["Gold"], "meant": ["Gold"], "stored": ["gold"]},
    ),
    Case(
        "what an account merely lower-cased does not travel back with a new tag",
        ["gold", "new"], Verdict.ADOPT, Reason.ADOPTED, **TAGS, norms=["lower"], stored=["gold"], meant=["Gold"],
        H=["Gold"], then={"H": ["Gold", "new"]},
    ),
    Case(
        "an element that the account dropped from our write is not removed by the next change there",
        ["a", "new"], Verdict.ADOPT, Reason.ADOPTED, **TAGS, stored=["a"], meant=["a", "long"], H=["a", "long"],
        flags={"near_miss": True}, then={"H": ["a", "long", "new"]},
    ),
    Case(
        "a key that the account dropped from our write is not removed by the next change there",
        {"a": "1", "b": "2"}, Verdict.ADOPT, Reason.ADOPTED, **EXTRA, stored={"a": "1"}, meant={"a": "1", "z": "9"},
        H={"a": "1", "z": "9"}, flags={"near_miss": True}, then={"H": {"a": "1", "b": "2", "z": "9"}},
    ),
    Case(
        "a key that the account spells its own way is read as what was meant by it",
        {"a": "one", "b": "2"}, Verdict.ADOPT, Reason.ADOPTED, **EXTRA, stored={"a": "one"}, meant={"a": "One"},
        H={"a": "One"}, then={"H": {"a": "One", "b": "2"}},
    ),
    Case(
        "a null base while the hub moved on cannot be merged: a person decides",
        ["a"], Verdict.CONCURRENT, Reason.MERGE_UNBASED, **TAGS, stored=None, k=2, H=["b"], then={"asks": ["value"]},
    ),
    Case(
        "a null base while k = v is a plain change",
        ["a"], Verdict.ADOPT, Reason.ADOPTED, **TAGS, stored=None, H=None, by=("crm",), then={"H": ["a"]},
    ),
    Case(
        "an empty set is a base like any other",
        ["a"], Verdict.CONCURRENT, Reason.MERGED, **TAGS, stored=[], k=2, H=["b"], then={"H": ["a", "b"]},
    ),
    Case(
        "a first link of two sets that differ has nothing to compare with",
        ["a"], Verdict.CONCURRENT, Reason.MERGE_UNBASED, **TAGS, stored=NOTHING, k=0, H=["b"], then={"asks": ["value"]},
    ),
    Case(
        "plus two here and plus two there is plus four, though the totals are equal",
        7, Verdict.CONCURRENT, Reason.MERGED, **COUNT, stored=5, k=2, H=7,
        then={"H": 9, "v": 4, "due": {"app": "update", "crm": "update"}},
    ),
    Case(
        "a counter that reaches the hub's total while k = v has come back to it",
        7, Verdict.AGREE, Reason.AGREED, **COUNT, stored=5, H=7, meant=5, then={"k": 3, "v": 3},
    ),
    Case(
        "a counter's delta is adopted while k = v",
        8, Verdict.ADOPT, Reason.ADOPTED, **COUNT, stored=5, H=5, then={"H": 8, "v": 4},
    ),
    Case(
        "a total that a provider stores its own way is counted from there",
        8, Verdict.ADOPT, Reason.ADOPTED, **COUNT, stored=5, meant=6, H=6, then={"H": 9},
    ),
    Case(
        "equal totals of an outsider are agreement: it adds nothing that may count",
        7, Verdict.AGREE, Reason.AGREED, **COUNT, stored=5, k=2, H=7, writers=("crm",), then={"H": 7, "k": 3},
    ),
    Case(
        "in review equal totals are no agreement either: both deltas count",
        7, Verdict.CANDIDATE, Reason.MANUAL, **COUNT, stored=6, k=2, H=7,
        asked=(question(side("crm", 7, k=3), side("app", 6, base=5, k=2)),), then={"H": 9, "asks": []},
    ),
    Case(
        "changes to different lines of a text come together",
        "a\nb\nC", Verdict.CONCURRENT, Reason.MERGED, **NOTES, stored="a\nb\nc", k=2, H="A\nb\nc",
        then={"H": "A\nb\nC"},
    ),
    Case(
        "changes to the same line of a text are asked about",
        "x\nb\nc", Verdict.CONCURRENT, Reason.MERGE_OVERLAPS, **NOTES, stored="a\nb\nc", k=2, H="A\nb\nc",
        then={"asks": ["value"], "H": "A\nb\nc"},
    ),
    Case(
        "changes to different keys of a map come together",
        {"a": "1", "c": "3"}, Verdict.CONCURRENT, Reason.MERGED, **EXTRA, stored={"a": "1"}, k=2, H={"a": "2"},
        then={"H": {"a": "2", "c": "3"}},
    ),
    Case(
        "changes to the same key of a map are asked about",
        {"a": "3"}, Verdict.CONCURRENT, Reason.MERGE_OVERLAPS, **EXTRA, stored={"a": "1"}, k=2, H={"a": "2"},
        then={"asks": ["value"]},
    ),
    Case(
        "a third side's delta is merged against what its own link had joined",
        ["a", "x", "y"], Verdict.CANDIDATE, Reason.MANUAL, **TAGS,
        stored=["a", "x"], meant=["a", "x"], k=2,
        H=["a", "z"],
        asked=(question(side("crm", ["a", "z"]), side("app", ["a", "x"], base=["a"], k=2)),),
        then={"H": ["a", "x", "y", "z"], "asks": []},
    ),
]  # fmt: skip
