"""Bundles and the lift: several members judged as one value, read through what a provider did to them."""

from __future__ import annotations

from policies.core.reasons import Reason, Verdict
from policies.core.rules import Strategy

from .making import NOTHING, Case

LONG = {"street": "12 Greene Street East", "zip": "10115"}
CUT = {"street": "12 Greene", "zip": "10115"}
PLACE = {"kind": "bundle", "H": LONG, "stored": CUT, "meant": LONG, "norms": [{"truncate": 9}]}
MOVED = {"street": "12 Greene Street East", "zip": "20095"}


def only(**told: str) -> dict[str, object]:
    """An observation that tells some members and keeps silent about the others."""
    return {"street": NOTHING, "zip": NOTHING, **told}


CASES = [
    Case("a street that the account cut is the street that was meant", CUT, None, **PLACE, then={"H": LONG}),
    Case(
        "a new zip does not carry the cut street back",
        {"street": "12 Greene", "zip": "20095"}, Verdict.ADOPT, Reason.ADOPTED, **PLACE,
        then={"H": MOVED, "stored": {"street": "12 Greene", "zip": "20095"}, "meant": MOVED},
    ),
    Case(
        "a member that was not told is taken from what is meant there",
        only(zip="20095"), Verdict.ADOPT, Reason.ADOPTED, **PLACE,
        then={"H": MOVED, "stored": {"street": "12 Greene", "zip": "20095"}},
    ),
    Case(
        "a member that is told unchanged says nothing about the others",
        only(zip="10115"), None, **PLACE, then={"H": LONG},
    ),
    Case(
        "an account that lacks a member gives the rest of its change: members are asked for one by one",
        only(street="9 Elm Road"), Verdict.ADOPT, Reason.ADOPTED, **PLACE,
        then={"H": {"street": "9 Elm Road", "zip": "10115"}},
    ),
    Case(
        "a bundle is one dispute: another street here and another zip there is asked as a whole",
        {"street": "9 Elm", "zip": "10115"}, Verdict.CONCURRENT, Reason.MANUAL,
        **{**PLACE, "H": MOVED, "k": 2}, then={"asks": ["value"], "H": MOVED, "k": 2},
    ),
    Case(
        "a bundle is owned as a whole: the owner's two members win together",
        {"street": "9 Elm", "zip": "10115"}, Verdict.CONCURRENT, Reason.OWNER_WON,
        **{**PLACE, "H": MOVED, "k": 2, "owner": "app", "strategy": Strategy.OWNER_WINS},
        then={"H": {"street": "9 Elm", "zip": "10115"}},
    ),
    Case(
        "one emptied member does not empty the bundle, so no clear rule is asked",
        {"street": "12 Greene", "zip": None}, Verdict.ADOPT, Reason.ADOPTED, **PLACE, clears=(),
        then={"H": {"street": "12 Greene Street East", "zip": None}},
    ),
    Case(
        "all members emptied is an emptied bundle",
        None, Verdict.UNAUTHORISED, Reason.MAY_NOT_CLEAR, **PLACE, clears=(), then={"H": LONG, "owed": True},
    ),
    Case(
        "the echo of a bundle is whole",
        {"street": "9 Elm Roa", "zip": "20095"}, Verdict.ECHO, Reason.ECHO,
        **{**PLACE, "H": {"street": "9 Elm Road", "zip": "20095"}, "k": 2},
        sending={"street": "9 Elm Road", "zip": "20095"},
        then={"k": 3, "meant": {"street": "9 Elm Road", "zip": "20095"}},
    ),
    Case(
        "half a bundle in flight and half of somebody's waits for the push to be settled",
        {"street": "9 Elm Roa", "zip": "77777"}, Verdict.WAITS, Reason.PUSH_IN_FLIGHT,
        **{**PLACE, "H": {"street": "9 Elm Road", "zip": "20095"}, "k": 2},
        sending={"street": "9 Elm Road", "zip": "20095"}, then={"wait": True, "stored": CUT},
    ),
    Case(
        "a cut text is lifted only while the cut part stands: a new text is the account's own",
        "Something", Verdict.ADOPT, Reason.ADOPTED, norms=[{"truncate": 9}], stored="A long na", meant="A long name",
        H="A long name", then={"H": "Something"},
    ),
    Case(
        "the owner of a bundle reverts an outsider's member",
        {"street": "12 Greene", "zip": "66666"}, Verdict.UNAUTHORISED, Reason.REVERTING, **PLACE, writers=("crm",),
        then={"owed": True, "stored": {"street": "12 Greene", "zip": "66666"}, "H": LONG},
    ),
]  # fmt: skip
