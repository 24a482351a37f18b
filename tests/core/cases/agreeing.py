"""Rows 6 to 9a: nothing new, our own echo, agreement, agreement with the past, and the first look at a link."""

from __future__ import annotations

from policies.core.reasons import Reason, Verdict
from policies.core.rules import Strategy, Unauthorised
from policies.core.values import Failed, Kind

from .making import NOTHING, Case, minutes, question, side

LOWER = ["lower"]
FIRST = {"stored": NOTHING, "k": 0}

CASES = [
    Case("a value that stands as it was stored is unchanged", "Anna", None, then={"k": 3, "H": "Anna", "due": {}}),
    Case(
        "a value that was stored stays unchanged though the hub has moved on: it is due there",
        "Anna", None, H="Berta", k=2, then={"H": "Berta", "k": 2, "due": {"app": "update"}},
    ),
    Case(
        "unchanged is judged after N, so a provider's spelling of what it stored is no change",
        "ANNA", None, norms=LOWER, then={"stored": "Anna"},
    ),
    Case(
        "a question that was answered does not return when the same value is read again",
        "Carl", None, stored="Carl", H="Anna", k=2, then={"H": "Anna", "asks": [], "due": {"app": "update"}},
    ),
    Case("a drift that stands is unchanged", "Carl", None, stored="Carl", flags={"drift": True}, then={"drift": True}),
    Case(
        "a near miss that is read again is unchanged and not adopted",
        "4nna", None, stored="4nna", meant="Anna", flags={"near_miss": True},
        then={"H": "Anna", "near": True, "due": {}},
    ),
    Case(
        "a null that was stored is unchanged, though this role may not clear",
        None, None, stored=None, clears=(), H="Anna", k=2, then={"owed": False, "due": {"app": "update"}},
    ),
    Case("a field that was not told is not judged: missing is not null", NOTHING, None, then={"H": "Anna", "k": 3}),
    Case(
        "the value in flight shows: the push of that field is confirmed",
        "Berta", Verdict.ECHO, Reason.ECHO, H="Berta", k=2, sending="Berta",
        then={"k": 3, "stored": "Berta", "sending": False, "due": {}},
    ),
    Case(
        "the value in flight as the account stores it is its echo, and it means what was sent",
        "berta", Verdict.ECHO, Reason.ECHO, norms=LOWER, H="Berta", k=2, sending="Berta",
        then={"k": 3, "stored": "berta", "meant": "Berta", "H": "Berta"},
    ),
    Case(
        "the echo of an older version joins that version, and the newer one stays due",
        "Berta", Verdict.ECHO, Reason.ECHO, H="Carla", v=4, k=2, sending="Berta", sent_v=3,
        then={"k": 3, "H": "Carla", "due": {"app": "update"}},
    ),
    Case(
        "an echo pays what was owed",
        "Anna", Verdict.ECHO, Reason.ECHO, stored="Carl", flags={"owed": True}, sending="Anna",
        then={"owed": False, "k": 3, "due": {}},
    ),
    Case(
        "an echo forgets that the value was once refused",
        "Berta", Verdict.ECHO, Reason.ECHO, H="Berta", k=2, sending="Berta", flags={"failed": Failed(2, "no")},
        then={"k": 3, "due": {}},
    ),
    Case(
        "a role that comes to hold what the hub believes joins it without a write and without a person",
        "Berta", Verdict.AGREE, Reason.AGREED, H="Berta", k=2,
        then={"k": 3, "v": 3, "by": ["app", "crm"], "due": {}, "asks": []},
    ),
    Case(
        "agreement is judged after N",
        "berta", Verdict.AGREE, Reason.AGREED, norms=LOWER, H="Berta", k=2,
        then={"k": 3, "stored": "berta", "meant": "Berta"},
    ),
    Case(
        "a role that may not write may repeat what the hub believes",
        "Berta", Verdict.AGREE, Reason.AGREED, H="Berta", k=2, writers=("crm",), then={"k": 3, "due": {}},
    ),
    Case(
        "agreement ends a drift",
        "Anna", Verdict.AGREE, Reason.AGREED, stored="Carl", flags={"drift": True}, writers=("crm",),
        how=Unauthorised.KEEP, then={"drift": False},
    ),
    Case(
        "agreement pays what was owed",
        "Anna", Verdict.AGREE, Reason.AGREED, stored="Carl", flags={"owed": True}, then={"owed": False, "due": {}},
    ),
    Case(
        "agreement comes before validity: what the hub believes may be repeated",
        "Berta", Verdict.AGREE, Reason.AGREED, H="Berta", k=2, checks=(lambda value: "never good",), then={"k": 3},
    ),
    Case(
        "agreement makes a proposal of this link needless",
        "Anna", Verdict.AGREE, Reason.AGREED, stored="Carl", writers=("crm",), how=Unauthorised.PROPOSE,
        asked=(question(side("app", "Carl"), kind=Kind.PROPOSAL, role="app"),),
        then={"asks": [], "closed": [Reason.SUPERSEDED]},
    ),
    Case(
        "in review, agreement of the last dissenter closes the question by itself",
        "Anna", Verdict.AGREE, Reason.AGREED, stored="Carl", k=2,
        asked=(question(side("crm", "Anna"), side("app", "Carl")),),
        then={"asks": [], "closed": [Reason.CANDIDATES_AGREE], "k": 3, "H": "Anna", "due": {}},
    ),
    Case(
        "in review, agreement of one side leaves the others in dispute",
        "Anna", Verdict.AGREE, Reason.AGREED, stored="Carl", k=2,
        asked=(question(side("crm", "Anna"), side("billing", "Dora"), side("app", "Carl")),),
        then={"asks": ["value"], "sides": [("app", "Anna"), ("billing", "Dora"), ("crm", "Anna")]},
    ),
    Case(
        "emptied where the hub believes nothing: both agree",
        None, Verdict.AGREE, Reason.AGREED, H=None, stored="Anna", k=2, then={"k": 3, "due": {}},
    ),
    Case(
        "a role that returns to an earlier hub value agrees with the past and is brought up to date",
        "Bert", Verdict.AGREE_PAST, Reason.AGREED_PAST, H="Carla", v=5, past=((3, "Anna"), (4, "Bert")),
        then={"k": 4, "v": 5, "H": "Carla", "due": {"app": "update"}, "asks": []},
    ),
    Case(
        "the value at k itself is not the past: going back to it is a change",
        "Anna", Verdict.CONCURRENT, Reason.MANUAL, stored="Zoe", meant="Zoe", H="Carla", v=5,
        past=((3, "Anna"), (4, "Bert")), then={"asks": ["value"], "k": 3},
    ),
    Case(
        "an empty value never agrees with the past",
        None, Verdict.CONCURRENT, Reason.MANUAL, H="Carla", v=5, past=((3, "Anna"), (4, None)),
        then={"asks": ["value"]},
    ),
    Case(
        "a strategy about time does not ask the past",
        "Bert", Verdict.CONCURRENT, Reason.TIME_UNKNOWN, strategy=Strategy.LATEST, H="Carla", v=5,
        past=((3, "Anna"), (4, "Bert")), then={"asks": ["value"]},
    ),
    Case(
        "a monotonic strategy does not ask the past",
        4, Verdict.CONCURRENT, Reason.HIGHER_WON, strategy=Strategy.MAX, kind="integer", stored=3, H=5, v=5,
        past=((3, 3), (4, 4)), then={"H": 5, "due": {"app": "update"}},
    ),
    Case(
        "a field in review does not ask the past",
        "Bert", Verdict.CANDIDATE, Reason.MANUAL, H="Carla", v=5, past=((4, "Bert"),),
        asked=(question(side("crm", "Carla"), side("billing", "Dora")),),
        then={"sides": [("app", "Bert"), ("billing", "Dora"), ("crm", "Carla")]},
    ),
    Case(
        "a link without a base does not ask the past: a first link is a dispute",
        "Bert", Verdict.CONCURRENT, Reason.MANUAL, **FIRST, H="Carla", v=5, past=((4, "Bert"),),
        then={"asks": ["value"]},
    ),
    Case(
        "an outsider that returns to an earlier hub value is not reverted but brought up to date",
        "Bert", Verdict.AGREE_PAST, Reason.AGREED_PAST, H="Carla", v=5, past=((4, "Bert"),), writers=("crm",),
        then={"owed": False, "k": 4, "due": {"app": "update"}},
    ),
    Case(
        "agreeing with the past settles a proposal of this link: its value is gone",
        "Bert", Verdict.AGREE_PAST, Reason.AGREED_PAST, stored="Zoe", H="Carla", v=5, past=((4, "Bert"),),
        asked=(question(side("app", "Zoe"), kind=Kind.INVALID, role="app"),),
        then={"asks": [], "due": {"app": "update"}},
    ),
    Case(
        "first link, empty side: it disputes nothing and is filled",
        None, Verdict.EMPTY, Reason.EMPTY_SIDE, **FIRST, then={"k": 0, "due": {"app": "update"}, "asks": []},
    ),
    Case(
        "first link, empty side that does not read the field: nothing is due there",
        None, Verdict.EMPTY, Reason.EMPTY_SIDE, **FIRST, readers=("crm",), then={"k": 3, "due": {}},
    ),
    Case(
        "first link, empty side: a clear rule is no matter, nothing was cleared",
        None, Verdict.EMPTY, Reason.EMPTY_SIDE, **FIRST, clears=(), writers=("crm",), then={"owed": False},
    ),
    Case(
        "first link, hub empty: the value of a writer is adopted",
        "Anna", Verdict.ADOPT, Reason.FIRST_SEEN, **FIRST, H=None, v=0, by=(), then={"H": "Anna", "v": 1, "k": 1},
    ),
    Case(
        "first link, hub emptied at some version: the value of a writer is adopted",
        "Anna", Verdict.ADOPT, Reason.ADOPTED, **FIRST, H=None, then={"H": "Anna", "v": 4, "by": ["app"]},
    ),
    Case(
        "first link, hub empty: the value of an outsider is shown as drift, there is nothing to write back",
        "Anna", Verdict.UNAUTHORISED, Reason.NOTHING_TO_REVERT, **FIRST, H=None, v=0, by=(), writers=("crm",),
        then={"H": None, "drift": True, "owed": False, "due": {}},
    ),
    Case(
        "first link, both empty: agreement",
        None, Verdict.AGREE, Reason.AGREED, **FIRST, H=None, v=0, by=(), then={"v": 0, "due": {}},
    ),
    Case(
        "first link, same values: agreement, and the role joins the origins",
        "Anna", Verdict.AGREE, Reason.AGREED, **FIRST, then={"k": 3, "by": ["app", "crm"], "due": {}},
    ),
    Case(
        "first link of equal counters: there is no delta to lose, so they agree",
        7, Verdict.AGREE, Reason.AGREED, **FIRST, kind="counter", strategy=Strategy.MERGE, H=7, then={"k": 3},
    ),
    Case(
        "first link, two values, an outsider: reverted like any other change of its",
        "Carl", Verdict.UNAUTHORISED, Reason.REVERTING, **FIRST, writers=("crm",), then={"owed": True, "H": "Anna"},
    ),
    Case(
        "first link, two values, the new one invalid: a question of this link",
        "Carl", Verdict.INVALID, Reason.INVALID_VALUE, **FIRST, checks=(lambda value: "no",),
        then={"asks": ["invalid:app"]},
    ),
    Case(
        "first link, the owner's side was chosen: the owner's value stands and the other side is due",
        "Carl", Verdict.CONCURRENT, Reason.FIRST_LINK_RULE, **FIRST, first_link="owner",
        then={"H": "Anna", "v": 3, "due": {"app": "update"}, "closed": [Reason.FIRST_LINK_RULE]},
    ),
    Case(
        "first link, the owner's side was chosen and it is the one that joins: its value is adopted",
        "Carl", Verdict.CONCURRENT, Reason.FIRST_LINK_RULE, **FIRST, first_link="owner", owner="app",
        then={"H": "Carl", "v": 4, "k": 4, "due": {"crm": "update"}},
    ),
    Case(
        "first link, a role was chosen by name",
        "Carl", Verdict.CONCURRENT, Reason.FIRST_LINK_RULE, **FIRST, first_link="app",
        then={"H": "Carl", "by": ["app"]},
    ),
    Case(
        "first link, a person was chosen",
        "Carl", Verdict.CONCURRENT, Reason.FIRST_LINK_ASKS, **FIRST, first_link="ask",
        then={"H": "Anna", "asks": ["value"], "due": {}},
    ),
    Case(
        "first link, a role was chosen that is no party to it: a person decides",
        "Carl", Verdict.CONCURRENT, Reason.FIRST_LINK_RULE, **FIRST, first_link="billing", then={"asks": ["value"]},
    ),
    Case(
        "first link, no rule chosen: the strategy of the field decides",
        "Carl", Verdict.CONCURRENT, Reason.OWNER_WON, **FIRST, strategy=Strategy.OWNER_WINS, then={"H": "Anna", "v": 3},
    ),
    Case(
        "first link while the field is in review: the value joins the candidates before any rule of first links",
        "Carl", Verdict.CANDIDATE, Reason.MANUAL, **FIRST, first_link="app",
        asked=(question(side("crm", "Anna"), side("billing", "Dora")),),
        then={"asks": ["value"], "sides": [("app", "Carl"), ("billing", "Dora"), ("crm", "Anna")]},
    ),
    Case(
        "a base that only remembers a refusal is none: the look is a first link",
        None, Verdict.EMPTY, Reason.EMPTY_SIDE, stored=NOTHING, k=0, seen={"read_at": minutes(0)},
        then={"due": {"app": "update"}},
    ),
]  # fmt: skip
