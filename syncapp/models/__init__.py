"""The clerk's nouns. No I/O and no decisions here; sync state is written by `syncapp.reconcile` only."""

from .accounts import Account, Feed, Run
from .ledger import Ledger
from .questions import Conflict
from .records import Link, MatchKey, Record
from .work import Delivery, Push, Revision, Tally

__all__ = [
    "Account",
    "Conflict",
    "Delivery",
    "Feed",
    "Ledger",
    "Link",
    "MatchKey",
    "Push",
    "Record",
    "Revision",
    "Run",
    "Tally",
]
