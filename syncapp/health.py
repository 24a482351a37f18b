"""May this feed be read or written just now, and what to do with an account whose calls fail."""

from __future__ import annotations

from django.db.models import Q

from .brakes import FEED_STOPPED, WRITES_STOPPED, why_not_listening, why_stopped
from .connectors.errors import EgressDenied, ManifestError, Misconfigured, Unauthorised
from .models import Account, Feed
from .secrets import SecretProblem

IN = (Account.Direction.BOTH.value, Account.Direction.IN.value)
OUT = (Account.Direction.BOTH.value, Account.Direction.OUT.value)
# Nothing that waiting alone would cure: a person has to look at the account.
NEEDS_A_PERSON = (Unauthorised, Misconfigured, EgressDenied, ManifestError, SecretProblem)

RUNNING = Q(paused="", account__paused="", stage=Feed.Stage.LIVE.value)
READABLE = RUNNING & ~FEED_STOPPED & Q(account__direction__in=IN)
# What is there already is matched before anything is made there; an account that is only written to is never listed.
LOADED = Q(cursor__full_at__isnull=False) | Q(account__direction=Account.Direction.OUT.value)
WRITABLE = RUNNING & ~WRITES_STOPPED & LOADED & Q(account__direction__in=OUT, role__sync__paused="")


def why_not_read(feed: Feed) -> str:
    """Why the hub does not listen there now; "" if it does. Looks before a write and settling are no listening."""
    if feed.account.direction not in IN:
        return "the account's direction does not let the hub listen there"
    return str(feed.account.paused or feed.paused) or why_not_listening(feed) or why_in_preview(feed)


def why_not_written(feed: Feed) -> str:
    if feed.account.direction not in OUT:
        return "the account's direction does not let the hub write there"
    if feed.account.direction in IN and "full_at" not in feed.cursor:
        return "its records have not been read once as a whole, so what is there already cannot be matched yet"
    stopped = str(feed.account.paused or feed.paused or feed.role.sync.paused) or why_stopped(feed)
    return stopped or why_in_preview(feed)


def why_in_preview(feed: Feed) -> str:
    """Until a person approves what would happen, nothing does; "" if the feed is live."""
    if feed.stage == Feed.Stage.LIVE:
        return ""
    why = f" ({feed.stage_reason})" if feed.stage_reason else ""
    return f"it is in preview{why}: nothing is read or written until its plan is approved"


def attention(account: Account, error: Exception) -> None:
    """The account waits for a person; the sentence is the provider's own where it gave one."""
    Account.objects.filter(pk=account.pk).update(health=Account.Health.ATTENTION, last_error=str(error))


def well(account: Account) -> None:
    """A call succeeded; only written if something else was known."""
    if account.health != Account.Health.WELL:
        account.health = Account.Health.WELL
        Account.objects.filter(pk=account.pk).update(health=Account.Health.WELL, last_error="")
