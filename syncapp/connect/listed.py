"""How every account is doing, and what a person should do about it: a row each, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from syncapp.brakes import open_brakes
from syncapp.connectors import registry
from syncapp.connectors.errors import ManifestError
from syncapp.models import Account, Brake, Feed
from syncapp.overview import state_of

from .interactive import signs_in

WORST = {"bad": 0, "wait": 1, "good": 2}


@dataclass(frozen=True, slots=True)
class FeedRow:
    feed: Feed
    word: str
    tone: str
    trouble: str


@dataclass(frozen=True, slots=True)
class AccountRow:
    account: Account
    provider: str
    feeds: Sequence[FeedRow]
    word: str
    tone: str
    trouble: str
    next: str

    @property
    def last_success(self) -> datetime | None:
        return min((row.feed.last_success for row in self.feeds if row.feed.last_success), default=None)

    @property
    def lag(self) -> float | None:
        return max((row.feed.lag for row in self.feeds if row.feed.lag is not None), default=None)


def listed() -> list[AccountRow]:
    """Those that need a person first."""
    brakes = list(open_brakes())
    feeds: dict[int, list[Feed]] = {}
    for feed in Feed.objects.select_related("account", "role__sync").order_by("role__sync__slug", "role__order"):
        feeds.setdefault(feed.account_id, []).append(feed)
    rows = [row_of(account, feeds.get(account.pk, ()), brakes) for account in Account.objects.all()]
    return sorted(rows, key=lambda row: (WORST[row.tone], row.account.name.casefold()))


def row_of(account: Account, feeds: Sequence[Feed], brakes: Sequence[Brake]) -> AccountRow:
    now = timezone.now()
    rows = [FeedRow(feed, *state_of(feed, _about(feed, brakes), now)) for feed in feeds]
    word, tone, trouble, step = _state(account, rows)
    return AccountRow(account, provider_name(account.provider), rows, word, tone, trouble, step)


def _about(feed: Feed, brakes: Sequence[Brake]) -> list[Brake]:
    stops = [one for one in brakes if one.code == Brake.Code.STOP and one.sync_id == feed.role.sync_id]
    return stops + [one for one in brakes if one.feed_id == feed.pk or one.account_id == feed.account_id]


def _state(account: Account, rows: Sequence[FeedRow]) -> tuple[str, str, str, str]:
    """(word, tone, what is the matter, what to do), the worst of its parts."""
    if account.health == Account.Health.ATTENTION:
        mend = "sign in again" if signs_in(account) else "mend its address or credentials"
        return ("needs attention", "bad", account.last_error, f"Test it; then {mend}.")
    if account.paused:
        return ("paused", "wait", account.paused, "Let it go on when the reason is gone.")
    if account.direction == Account.Direction.OFF:
        return ("off", "wait", "nothing is read or written there", "Choose another direction to use it again.")
    if not account.tried and account.health == Account.Health.UNKNOWN:
        return ("not tested", "wait", "", "Test whether it can be reached.")
    if not rows:
        return ("not bound", "wait", "no records of it are kept in step", "Bind it to a role of a sync.")
    worst = min(rows, key=lambda row: WORST[row.tone])
    return (worst.word, worst.tone, worst.trouble, STEPS.get(worst.word, ""))


STEPS: Mapping[str, str] = {
    "halted": "Look at the brake, and release what is right.",
    "writes held": "Look at the brake, and release what is right.",
    "paused": "Let it go on when the reason is gone.",
    "in preview": "Make a plan of its sync, look at it, and approve it.",
    "not read yet": "The first sync begins by itself; if it does not, see that a worker and the scheduler run.",
    "late": "Test whether it can be reached; see that a worker and the scheduler run.",
    "holding": "Look at the brake, and release what is right.",
}


def provider_name(slug: str) -> str:
    try:
        return registry.load(slug, tuple(settings.PROVIDER_FOLDERS)).name
    except ManifestError:
        return slug  # its trouble is told where it is used
