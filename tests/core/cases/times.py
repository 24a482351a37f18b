"""Section 4, `latest_valid_change`: provider clocks as intervals, and every reason not to trust them."""

from __future__ import annotations

from datetime import datetime, timedelta

from policies.core.reasons import Reason, Verdict
from policies.core.rules import Strategy

from .making import NOW, Case, minutes, question, side, span

# The hub's value was made 40 to 30 minutes ago; app was last seen unchanged 10 minutes ago.
LATEST = {"strategy": Strategy.LATEST, "H": "Berta", "k": 2, "span": span(-40, -30)}
NAIVE = datetime.fromisoformat("2026-03-01T11:58:00")
HOUR = timedelta(hours=1)

CASES = [
    Case(
        "the change is certainly later than the hub's: it wins",
        "Carl", Verdict.CONCURRENT, Reason.LATER_WON, **LATEST, then={"H": "Carl", "v": 4, "span": span(-10, -2)},
    ),
    Case(
        "the change is certainly earlier than the hub's: the hub's stays and is due there",
        "Carl", Verdict.CONCURRENT, Reason.LATER_WON, **{**LATEST, "span": span(-1, -1)},
        then={"H": "Berta", "due": {"app": "update"}},
    ),
    Case(
        "intervals that touch decide nothing",
        "Carl", Verdict.CONCURRENT, Reason.TIMES_TOUCH, **{**LATEST, "span": span(-40, -10)}, then={"asks": ["value"]},
    ),
    Case(
        "a hub edit inside the interval decides nothing",
        "Carl", Verdict.CONCURRENT, Reason.TIMES_TOUCH, **{**LATEST, "span": span(-5, -5)}, then={"asks": ["value"]},
    ),
    Case(
        "a missing time decides nothing",
        "Carl", Verdict.CONCURRENT, Reason.TIME_UNKNOWN, **LATEST, seen={"updated_at": None}, then={"asks": ["value"]},
    ),
    Case(
        "a time without an offset decides nothing",
        "Carl", Verdict.CONCURRENT, Reason.TIME_UNKNOWN, **LATEST, seen={"updated_at": NAIVE}, then={"asks": ["value"]},
    ),
    Case(
        "an unknown skew decides nothing",
        "Carl", Verdict.CONCURRENT, Reason.TIME_UNKNOWN, **LATEST, clock={"skew": None}, then={"asks": ["value"]},
    ),
    Case(
        "a feed whose times are not to be trusted decides nothing",
        "Carl", Verdict.CONCURRENT, Reason.TIME_UNKNOWN, **LATEST, role={"timed": False}, then={"asks": ["value"]},
    ),
    Case(
        "a time that many records of the run share is a bulk touch and decides nothing",
        "Carl", Verdict.CONCURRENT, Reason.TIME_UNKNOWN, **LATEST, clock={"bulk": {minutes(-2): 20}},
        then={"asks": ["value"]},
    ),
    Case(
        "a time that a few records share is a time",
        "Carl", Verdict.CONCURRENT, Reason.LATER_WON, **LATEST, clock={"bulk": {minutes(-2): 19}}, then={"H": "Carl"},
    ),
    Case(
        "a clock that runs ahead is set right before it is compared",
        "Carl", Verdict.CONCURRENT, Reason.LATER_WON, **{**LATEST, "span": span(-1, -1)}, clock={"skew": HOUR / 20},
        seen={"updated_at": minutes(-1)}, then={"H": "Berta"},
    ),
    Case(
        "an update that the account dates before our last look makes no statement",
        "Carl", Verdict.CONCURRENT, Reason.TIME_UNKNOWN, **LATEST, clock={"skew": HOUR}, then={"asks": ["value"]},
    ),
    Case(
        "a coarse clock widens the interval until it touches",
        "Carl", Verdict.CONCURRENT, Reason.TIMES_TOUCH, **{**LATEST, "span": span(-1, -1)},
        clock={"granularity": timedelta(minutes=1)}, then={"asks": ["value"]},
    ),
    Case(
        "an uncertain skew widens the interval until it touches",
        "Carl", Verdict.CONCURRENT, Reason.TIMES_TOUCH, **{**LATEST, "span": span(-1, -1)},
        clock={"uncertainty": timedelta(minutes=1)}, then={"asks": ["value"]},
    ),
    Case(
        "a hub value whose time is not known is not beaten by any time",
        "Carl", Verdict.CONCURRENT, Reason.TIME_UNKNOWN, **{**LATEST, "span": None}, then={"asks": ["value"]},
    ),
    Case(
        "a field that later reads did not tell keeps the time of the last one that did",
        "Carl", Verdict.CONCURRENT, Reason.TIMES_TOUCH, **LATEST, flags={"seen_at": minutes(-35)},
        then={"asks": ["value"]},
    ),
    Case(
        "arrival decides nothing: the later of three candidates wins though it was seen first",
        "Carl", Verdict.CANDIDATE, Reason.MANUAL, strategy=Strategy.LATEST, H="Anna", span=span(-60, -60),
        asked=(question(side("crm", "Anna", span=span(-60, -60)), side("billing", "Dora", span=span(-1, -1))),),
        seen={"read_at": NOW}, then={"H": "Dora", "asks": [], "due": {"crm": "update", "app": "update"}},
    ),
    Case(
        "while k = v no time is asked: the change is adopted",
        "Carl", Verdict.ADOPT, Reason.ADOPTED, strategy=Strategy.LATEST, span=span(-1, -1), then={"H": "Carl"},
    ),
    Case(
        "an outsider that repeats the hub's value late gives it no later time: the dispute stands",
        "Anna", Verdict.AGREE, Reason.AGREED, strategy=Strategy.LATEST, writers=("crm", "billing"), stored="Zoe",
        asked=(question(side("crm", "Anna", span=span(-60, -40)), side("billing", "Dora", span=span(-50, -30))),),
        then={"asks": ["value"], "sides": [("billing", "Dora"), ("crm", "Anna")]},
    ),
]  # fmt: skip
