"""The clerk's nouns. No I/O and no decisions here; sync state is written by `syncapp.reconcile` only."""

from .accounts import Account, Feed, Run
from .brakes import Brake, Held, Lately, Spending
from .certificates import Certificate
from .drafts import Draft
from .hooks import Sequence, Subscription
from .ledger import Ledger
from .plans import Approval, Planned
from .questions import Conflict
from .records import Link, MatchKey, Record, Waiting
from .signins import SignIn
from .work import Delivery, Push, Revision, Shown, Tally

__all__ = [
    "Account",
    "Approval",
    "Brake",
    "Certificate",
    "Conflict",
    "Delivery",
    "Draft",
    "Feed",
    "Held",
    "Lately",
    "Ledger",
    "Link",
    "MatchKey",
    "Planned",
    "Push",
    "Record",
    "Revision",
    "Run",
    "Sequence",
    "Shown",
    "SignIn",
    "Spending",
    "Subscription",
    "Tally",
    "Waiting",
]
