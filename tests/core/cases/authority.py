"""Rows 12 to 15: what an authorised value that differs does: ask, join a question, be adopted, or stand in dispute."""

from __future__ import annotations

from policies.core.invalid import invalid_value
from policies.core.reasons import Reason, Verdict
from policies.core.rules import Guards, Strategy
from policies.core.values import Failed, Kind

from .making import NOW, Case, minutes, question, side, span

OWNER, MAX, MIN = Strategy.OWNER_WINS, Strategy.MAX, Strategy.MIN
STRICT = (lambda value: "must not be Carl" if value == "Carl" else None,)
ASKED_HERE = (question(side("app", "Carl"), kind=Kind.INVALID, role="app"),)
OFTEN = [minutes(-m) for m in (5, 4, 3)]

CASES = [
    Case(
        "a value that fails its validator asks, at this link only, and says why",
        "Carl", Verdict.INVALID, Reason.INVALID_VALUE, checks=STRICT,
        then={"H": "Anna", "asks": ["invalid:app"], "stored": "Carl", "k": 3, "due": {}},
    ),
    Case(
        "a value that its type refused asks by name and is never null",
        invalid_value("x1", "not a number"), Verdict.INVALID, Reason.INVALID_VALUE, then={"asks": ["invalid:app"]},
    ),
    Case(
        "an invalid value holds the hub's newer value back from this link until it is dealt with",
        "Carl", Verdict.INVALID, Reason.INVALID_VALUE, checks=STRICT, H="Berta", k=2, then={"due": {}},
    ),
    Case(
        "an invalid value in review asks beside the question and is no candidate of it",
        "Carl", Verdict.INVALID, Reason.INVALID_VALUE, checks=STRICT,
        asked=(question(side("crm", "Anna"), side("billing", "Dora")),), then={"asks": ["value", "invalid:app"]},
    ),
    Case(
        "a later valid value there makes the invalid one needless: adopted, on record",
        "Emil", Verdict.ADOPT, Reason.ADOPTED, stored="Carl", asked=ASKED_HERE, checks=STRICT,
        then={"H": "Emil", "asks": [], "closed": [Reason.SUPERSEDED]},
    ),
    Case(
        "a later valid value that loses a dispute also ends the question of this link, so the winner can be written",
        "Emil", Verdict.CONCURRENT, Reason.OWNER_WON, stored="Carl", asked=ASKED_HERE, checks=STRICT, strategy=OWNER,
        H="Berta", k=2, then={"H": "Berta", "asks": [], "due": {"app": "update"}},
    ),
    Case(
        "a later valid value that opens a dispute leaves one question, not two",
        "Emil", Verdict.CONCURRENT, Reason.MANUAL, stored="Carl", asked=ASKED_HERE, checks=STRICT, H="Berta", k=2,
        then={"asks": ["value"]},
    ),
    Case(
        "a later valid value that is too low also ends the question of this link",
        4, Verdict.ADOPT, Reason.HIGHER_WON, kind="integer", strategy=MAX, stored=-1, H=5,
        asked=(question(side("app", -1), kind=Kind.INVALID, role="app"),), then={"asks": [], "due": {"app": "update"}},
    ),
    Case(
        "in review a new value of a side takes the place of its old one",
        "Emil", Verdict.CANDIDATE, Reason.MANUAL, stored="Carl", k=2,
        asked=(question(side("crm", "Anna"), side("app", "Carl")),),
        then={"asks": ["value"], "sides": [("app", "Emil"), ("crm", "Anna")], "H": "Anna"},
    ),
    Case(
        "in review a third side joins",
        "Emil", Verdict.CANDIDATE, Reason.MANUAL,
        asked=(question(side("crm", "Anna"), side("billing", "Dora")),),
        then={"sides": [("app", "Emil"), ("billing", "Dora"), ("crm", "Anna")], "due": {}},
    ),
    Case(
        "in review an overwritten edit of the same side stays beside its new value",
        "Emil", Verdict.CANDIDATE, Reason.MANUAL, stored="Carl", k=2,
        asked=(question(side("crm", "Anna"), side("app", "Zoe", overwritten=True), side("app", "Carl")),),
        then={"sides": [("app", "Emil"), ("app", "Zoe"), ("crm", "Anna")]},
    ),
    Case(
        "in review all sides come to hold one value that is not the hub's: the question ends and it is believed",
        "Dora", Verdict.CANDIDATE, Reason.MANUAL, stored="Carl", k=2,
        asked=(question(side("billing", "Dora"), side("app", "Carl")),),
        then={"H": "Dora", "v": 4, "asks": [], "closed": [Reason.CANDIDATES_AGREE], "due": {"crm": "update"}},
    ),
    Case(
        "in review the owner speaks: the strategy is run again and settles it",
        "Emil", Verdict.CANDIDATE, Reason.MANUAL, strategy=OWNER, owner="app",
        asked=(question(side("crm", "Anna"), side("billing", "Dora")),), then={"H": "Emil", "v": 4, "asks": []},
    ),
    Case(
        "a field that is held for going to and fro is not settled by its strategy, only by a person",
        "Emil", Verdict.CANDIDATE, Reason.MANUAL, strategy=OWNER, owner="app",
        asked=(question(side("crm", "Anna"), side("app", "Carl"), kind=Kind.PING_PONG),),
        then={"H": "Anna", "asks": ["ping_pong"]},
    ),
    Case(
        "a field that is held for going to and fro is let go when all sides agree",
        "Anna", Verdict.AGREE, Reason.AGREED, stored="Carl",
        asked=(question(side("crm", "Anna"), side("app", "Carl"), kind=Kind.PING_PONG),),
        then={"asks": [], "H": "Anna"},
    ),
    Case(
        "the account held what the hub believes: its change is adopted and due everywhere else",
        "Carl", Verdict.ADOPT, Reason.ADOPTED,
        then={"H": "Carl", "v": 4, "k": 4, "by": ["app"], "stored": "Carl", "meant": "Carl", "due": {"crm": "update"}},
    ),
    Case(
        "an adopted value joins every link that already holds it",
        "Carl", Verdict.ADOPT, Reason.ADOPTED, crm="Carl", then={"H": "Carl", "due": {}},
    ),
    Case(
        "an adopted change ends a drift and a debt at its link",
        "Carl", Verdict.ADOPT, Reason.ADOPTED, stored="Dora", flags={"drift": True, "owed": True},
        then={"drift": False, "owed": False},
    ),
    Case(
        "a change of a value that the account had refused from the hub is adopted and the refusal forgotten",
        "Carl", Verdict.ADOPT, Reason.ADOPTED, flags={"failed": Failed(3, "too long")}, then={"H": "Carl", "k": 4},
    ),
    Case(
        "a change after a near miss is a person's and is adopted",
        "Carl", Verdict.ADOPT, Reason.ADOPTED, stored="4nna", meant="Anna", flags={"near_miss": True},
        then={"H": "Carl", "near": False},
    ),
    Case(
        "a field that changed hands too often is held as a question",
        "Carl", Verdict.ADOPT, Reason.ADOPTED, guards=Guards(ping_pong=3), moves=OFTEN,
        then={"H": "Anna", "asks": ["ping_pong"], "due": {}},
    ),
    Case(
        "a side that changes its own value again does not change hands",
        "Carl", Verdict.ADOPT, Reason.ADOPTED, guards=Guards(ping_pong=3), moves=OFTEN, by=("app",),
        then={"H": "Carl", "asks": []},
    ),
    Case(
        "a lower value never replaces the highest: the link is owed",
        4, Verdict.ADOPT, Reason.HIGHER_WON, kind="integer", strategy=MAX, H=5, stored=5,
        then={"H": 5, "v": 3, "owed": True, "due": {"app": "update"}},
    ),
    Case(
        "a higher value is adopted by max",
        9, Verdict.ADOPT, Reason.ADOPTED, kind="integer", strategy=MAX, H=5, stored=5, then={"H": 9, "v": 4},
    ),
    Case(
        "a higher value never replaces the lowest",
        9, Verdict.ADOPT, Reason.LOWER_WON, kind="integer", strategy=MIN, H=5, stored=5, then={"H": 5, "owed": True},
    ),
    Case(
        "ten is more than nine: decimals are ordered as numbers, not as text",
        "10.0", Verdict.ADOPT, Reason.ADOPTED, kind="decimal", strategy=MAX, H="9.0", stored="9.0", then={"H": "10.0"},
    ),
    Case(
        "emptied under max by a role that may clear: nothing is below everything",
        None, Verdict.ADOPT, Reason.HIGHER_WON, kind="integer", strategy=MAX, H=5, stored=5,
        then={"H": 5, "owed": True},
    ),
    Case(
        "concurrent: the account had not seen the hub's version and a person decides; nothing is written",
        "Carl", Verdict.CONCURRENT, Reason.MANUAL, H="Berta", k=2,
        then={"H": "Berta", "k": 2, "asks": ["value"], "sides": [("app", "Carl"), ("crm", "Berta")], "due": {}},
    ),
    Case(
        "concurrent: the candidates name every role that entered or agreed with the hub's value",
        "Carl", Verdict.CONCURRENT, Reason.MANUAL, H="Berta", k=2, by=("crm", "billing"),
        then={"sides": [("app", "Carl"), ("billing", "Berta"), ("crm", "Berta")]},
    ),
    Case(
        "a concurrent change by a writer ends its drift, whoever wins",
        "Carl", Verdict.CONCURRENT, Reason.OWNER_WON, strategy=OWNER, H="Berta", k=2, flags={"drift": True},
        readers=("crm",), then={"drift": False, "H": "Berta"},
    ),
    Case(
        "a role that the hub never writes to counts as having seen what it was judged against",
        "Carl", Verdict.CONCURRENT, Reason.OWNER_WON, strategy=OWNER, H="Berta", k=2, readers=("crm",),
        then={"k": 3, "H": "Berta", "due": {}},
    ),
    Case(
        "a dispute over a value that the owner itself had joined keeps the owner's newest word",
        "Carl", Verdict.CONCURRENT, Reason.OWNER_WON, strategy=OWNER, owner="app", H="Berta", k=2, by=("app", "crm"),
        span=span(-30, -20), seen={"read_at": NOW}, then={"H": "Carl", "v": 4},
    ),
]  # fmt: skip
