"""The steps about one subscription, each a call or two at the provider, and what is to be noted of them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .clients import caller_of
from .connectors.client import Client
from .connectors.errors import Gone, Rejected
from .connectors.subscribing import Subscribed, Subscribing, Wish
from .connectors.subscriptionspec import MADE
from .health import IN
from .hearing import last_heard, silence
from .hookaddress import address_of, why_not_reachable
from .hooksecrets import await_secret, drop_secrets, keep_secrets, subscription_secret
from .models import Feed, Subscription
from .receive import poll_soon
from .secrets import secrets_of
from .subscriptioncare import LOOK_EVERY, Known, Step, renewal

State = Subscription.State
# A number of our own choice, where a provider wants one: far from the small ones that people choose.
FIRST_NUMBER = 7_000_000_000
UNREACHABLE_WAIT = 300.0


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a row: when it is looked at next, and what is noted."""

    wait: float
    error: str = ""
    state: str | None = None
    failed: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)


def known_of(row: Subscription, object_slug: str, told: Collection[str], now: datetime) -> Known:
    """``object_slug``: what it is about, empty where that is the account; ``told``: the objects that it tells of."""
    heard = last_heard(row.account)
    if heard != row.last_seen_at:
        Subscription.objects.filter(pk=row.pk).update(last_seen_at=heard)
        row.last_seen_at = heard
    return Known(
        unwanted=_why_unwanted(row, object_slug),
        active=row.state == State.ACTIVE,
        remote_id=row.remote_id,
        same_address=row.address == address_of(row.account),
        made_at=row.made_at,
        renew_at=row.renew_at,
        checked_at=row.checked_at,
        silence=silence(row, told, now),
    )


def _why_unwanted(row: Subscription, object_slug: str) -> str:
    account = row.account
    if account.paused:
        return f"the account is paused: {account.paused}"
    if account.direction not in IN:
        return "the account's direction does not let the hub listen there"
    feeds = Feed.objects.filter(account=account, stage=Feed.Stage.LIVE, paused="")
    if object_slug:
        feeds = feeds.filter(object=object_slug)
    return "" if feeds.exists() else "no live feed reads it"


class Steps:
    """Over one client. Every step may raise what a call raises."""

    def __init__(self, row: Subscription, now: datetime, client: Client) -> None:
        self.row, self.account, self.now = row, row.account, now
        self.there: Subscribing = client.subscriptions
        self.secret_name = subscription_secret(row.pk)

    @classmethod
    @contextmanager
    def opened(cls, row: Subscription, now: datetime) -> Iterator[Steps]:
        client = caller_of(row.account)
        try:
            yield cls(row, now, client)
        finally:
            client.close()

    def take(self, step: Step, known: Known) -> Change:
        if step == Step.END:
            return self.end(known.unwanted)
        local = why_not_reachable(self.account)
        if local:
            return Change(wait=UNREACHABLE_WAIT, error=local, state=State.FAILED.value)
        if step == Step.CREATE:
            return self.create()
        if step == Step.RENEW:
            return self.renew()
        if step == Step.CHECK:
            return self.check()
        return self.remake(known.silence or "the hub's address or the end of its life asked for it")

    def wish(self) -> Wish:
        known = secrets_of(self.account).get(self.secret_name, "")
        return Wish(address_of(self.account), self.row.object, known, FIRST_NUMBER + self.row.pk)

    def create(self) -> Change:
        """The secret is kept before anybody is told it, or as soon as the answer tells it. What an attempt left there
        whose answer never came is ended first: nobody knows its secret."""
        if self.there.how.secret == MADE and not self.wish().secret:
            keep_secrets(self.account, {self.secret_name: secrets.token_urlsafe(32)})
        wish = self.wish()
        self._clear_away(wish)
        if self.there.tells_by_handshake:
            await_secret(self.account)
        made = self.there.create(wish)
        if made.secret:
            keep_secrets(self.account, {self.secret_name: made.secret})
        self._look_at_once("a subscription was made: what changed before it did is asked for")
        return Change(wait=LOOK_EVERY, state=State.ACTIVE.value, more=self._noted(made) | {"made_at": self.now})

    def _clear_away(self, wish: Wish) -> None:
        """Ours are those that send to our address and are no other row's."""
        others = set(
            Subscription.objects.filter(account=self.account)
            .exclude(pk=self.row.pk)
            .values_list("remote_id", flat=True)
        )
        ours = [one for one in self.there.listed(wish) if one.address.partition("?")[0] == wish.address]
        left = {one.id for one in ours if one.id not in others}
        for id in sorted(left | ({self.row.remote_id} - {""})):
            self.there.delete(id, wish)

    def renew(self) -> Change:
        """One that is not there any more, or may not be renewed, is made anew."""
        try:
            found = self.there.renew(self.row.remote_id, self.wish())
        except (Gone, Rejected) as error:
            return self.remake(f"it could not be renewed: {error}")
        return Change(wait=LOOK_EVERY, more=self._noted(found))

    def check(self) -> Change:
        found = self.there.look(self.row.remote_id, self.wish())
        if found is None or not found.alive:
            said = "it is not there any more" if found is None else "the provider has switched it off"
            return self.remake(said)
        more = {"checked_at": self.now}
        if found.expires_at is not None and found.expires_at != self.row.expires_at and self.there.how.expires:
            more |= self._ends(found)
        return Change(wait=LOOK_EVERY, more=more)

    def remake(self, why: str) -> Change:
        made = self.create()
        return Change(made.wait, "", made.state, more={**made.more, "losses": self.row.losses + 1, "last_loss": why})

    def end(self, unwanted: str) -> Change:
        self.there.delete(self.row.remote_id, self.wish())
        drop_secrets(self.account, self.secret_name)
        more = {"remote_id": "", "expires_at": None, "renew_at": None, "checked_at": None}
        return Change(wait=LOOK_EVERY, state=State.OFF.value, error=unwanted, more=more)

    def _look_at_once(self, why: str) -> None:
        about = self.there.how.object_of(self.row.object) or "*"
        poll_soon(self.account, about, why, whole=self.there.keeps_changes)

    def _noted(self, found: Subscribed) -> dict[str, Any]:
        told = {"remote_id": found.id, "address": address_of(self.account), "checked_at": self.now}
        return told | self._ends(found)

    def _ends(self, found: Subscribed) -> dict[str, Any]:
        share = hashlib.sha256(str(self.row.pk).encode()).digest()[0] / 255
        return {"expires_at": found.expires_at, "renew_at": renewal(self.now, found.expires_at, share)}
