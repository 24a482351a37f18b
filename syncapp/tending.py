"""Subscriptions at the providers: made when an account has live feeds, renewed early, ended when it is paused, and made
anew when they are lost. Nothing that was missed meanwhile is believed lost: a delta sync is made due at once.

A row is the queue. Calls are made outside of any transaction, by whoever holds the row's claim.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from .connectors.answers import redactor
from .connectors.errors import ConnectorError, Limited, ManifestError, Misconfigured, Retryable
from .connectors.hookspec import WebhookSpec
from .connectors.subscriptionspec import SubscriptionSpec
from .facts import manifest_of
from .health import IN, RUNNING
from .hooksecrets import webhook_secrets
from .leases import lease
from .load import database_now
from .models import Account, Feed, Subscription
from .secrets import SecretProblem
from .subscriptioncare import LOOK_EVERY, Step, back_off, next_step
from .subscriptionsteps import Change, Steps, known_of

TEND_JOB = "syncapp.jobs.tend_subscriptions"
LEASE = lease(120)
BATCH = 20
NO_HOOKS = "this provider sends no webhooks that the hub knows: changes are found by delta syncs"
NO_SUCH_PART = "the provider's file makes its subscriptions in another way now"
WANTED = RUNNING & Q(account__direction__in=IN)
State = Subscription.State


def subscriptions_are_due(now: datetime) -> bool:
    """Two small questions each tick."""
    return Subscription.objects.filter(_free(now), next_try__lte=now).exists() or _unlisted().exists()


def _free(now: datetime) -> Q:
    return Q(claimed_until=None) | Q(claimed_until__lte=now)


def _unlisted() -> QuerySet[Account]:
    """Accounts that have come to life and have no row yet."""
    rows = Subscription.objects.filter(account=OuterRef("pk"))
    feeds = Feed.objects.filter(WANTED, account=OuterRef("pk"))
    return Account.objects.filter(Exists(feeds)).exclude(Exists(rows))


def tend(limit: int = BATCH) -> int:
    """Claim what is due and bring each to its next step; how many rows there were."""
    for account in _unlisted():
        list_rows(account)
    done = 0
    while done < limit and (row := _claim()) is not None:
        list_rows(row.account)  # an object may have come to life since
        _carry_out(row)
        done += 1
    return done


def list_rows(account: Account) -> None:
    """A row for the account, or for each of its live objects where the provider wants one for each."""
    now = database_now()
    Subscription.objects.bulk_create(
        [Subscription(account=account, object=one, next_try=now) for one in _objects(account)], ignore_conflicts=True
    )


def _objects(account: Account) -> list[str]:
    try:
        spec = manifest_of(account).webhook
    except (ManifestError, Misconfigured):
        return [""]
    if spec is None or spec.subscription is None or not spec.subscription.objects:
        return [""]
    live = set(Feed.objects.filter(WANTED, account=account).values_list("object", flat=True))
    return sorted(part for part in spec.subscription.objects if spec.subscription.object_of(part) in live)


def _claim() -> Subscription | None:
    now = database_now()
    due = Subscription.objects.filter(_free(now), next_try__lte=now).order_by("next_try", "pk")
    for pk in due.values_list("pk", flat=True)[:BATCH]:
        mine = Subscription.objects.filter(_free(now), pk=pk, next_try__lte=now)
        if mine.update(claimed_until=now + LEASE):
            return Subscription.objects.select_related("account").get(pk=pk)
    return None


def _carry_out(row: Subscription) -> None:
    now = database_now()
    try:
        spec = manifest_of(row.account).webhook
        change = _stepped(row, spec, now)
    except Limited as error:
        change = Change(wait=error.retry_after or back_off(row.attempts), error=_said(row, error))
    except Retryable as error:
        change = Change(wait=back_off(row.attempts), error=_said(row, error), failed=True)
    except (ConnectorError, SecretProblem) as error:
        wait = max(LOOK_EVERY, back_off(row.attempts))
        change = Change(wait=wait, error=_said(row, error), failed=True, state=_failed(row))
    _write(row, change, now)


def _said(row: Subscription, error: Exception) -> str:
    """A provider may repeat what it was sent: neither the secret nor our address, which is as good as one, is shown."""
    try:
        hidden = {str(at): text for at, text in enumerate(webhook_secrets(row.account))}
    except SecretProblem:
        hidden = {}
    return redactor({**hidden, "address": row.account.webhook_token})(str(error))


def _failed(row: Subscription) -> str | None:
    """One that lives on is not failed, because a call about it was refused."""
    return None if row.state == State.ACTIVE else State.FAILED.value


def _stepped(row: Subscription, spec: WebhookSpec | None, now: datetime) -> Change:
    if spec is None:
        return Change(wait=3600.0, state=State.OFF.value, error=NO_HOOKS)
    how = spec.subscription
    about = how.object_of(row.object) if how else ""
    told = {about} if about else {object_slug for object_slug, _ in spec.events.types.values()}
    known = known_of(row, about, told, now)
    if row.object not in _parts(how):
        known = replace(known, unwanted=NO_SUCH_PART)
    step = next_step(known, how, now)
    if step in (Step.OFF, Step.BY_HAND, Step.NOTHING):
        return _at_rest(row, step, known.unwanted, known.silence)
    with Steps.opened(row, now) as steps:
        return steps.take(step, known)


def _parts(how: SubscriptionSpec | None) -> Collection[str]:
    return how.objects if how is not None and how.objects else ("",)


def _at_rest(row: Subscription, step: Step, unwanted: str, silence: str) -> Change:
    if step == Step.OFF:
        return Change(wait=LOOK_EVERY, state=State.OFF.value, error=unwanted)
    if step == Step.BY_HAND:
        return Change(wait=LOOK_EVERY, state=State.BY_HAND.value, error=silence)
    return Change(wait=LOOK_EVERY)


def _write(row: Subscription, change: Change, now: datetime) -> None:
    """Only by whoever still holds the claim. A wish that came meanwhile (`next_try` moved) is not overwritten."""
    told = dict(change.more)
    if change.state is not None:
        told["state"] = change.state
    told["last_error"] = change.error
    told["attempts"] = row.attempts + 1 if change.failed else 0
    mine = Subscription.objects.filter(pk=row.pk, claimed_until=row.claimed_until)
    due = now + timedelta(seconds=change.wait)
    if not mine.filter(next_try=row.next_try).update(**told, claimed_until=None, next_try=due):
        mine.update(**told, claimed_until=None)


def is_gone(account: Account, remote_id: str, why: str) -> None:
    """It is made anew as soon as somebody looks at it, and a delta sync follows."""
    rows = Subscription.objects.filter(_of(account, remote_id), state=State.ACTIVE)
    rows.update(
        state=State.WANTED, remote_id="", losses=F("losses") + 1, last_loss=why, next_try=Now(), claimed_until=None
    )


def renew_now(account: Account, remote_id: str) -> None:
    rows = Subscription.objects.filter(_of(account, remote_id), state=State.ACTIVE)
    rows.update(renew_at=Now(), next_try=Now())


def _of(account: Account, remote_id: str) -> Q:
    """The one that is named, all where none is. What is said twice of one that was made anew concerns nobody."""
    return Q(account=account, remote_id=remote_id) if remote_id else Q(account=account)


def look_again(account: Account) -> None:
    """Something about the account was changed: what that means for its subscriptions is found out at once."""
    Subscription.objects.filter(account=account).update(next_try=Now())


def end_all(account: Account) -> list[str]:
    """End everything at the provider now, because the account is to be removed. What could not be ended, each with why;
    such a one ends by its own time, and until then its deliveries are told that there is no such address.
    """
    problems: list[str] = []
    now = database_now()
    for row in Subscription.objects.select_related("account").filter(account=account).exclude(remote_id=""):
        try:
            with Steps.opened(row, now) as steps:
                steps.there.delete(row.remote_id, steps.wish())
        except (ConnectorError, SecretProblem) as error:
            problems.append(f"the subscription {row.remote_id} could not be ended: {_said(row, error)}")
        else:
            told = {
                "remote_id": "",
                "expires_at": None,
                "renew_at": None,
                "next_try": now + timedelta(seconds=LOOK_EVERY),
            }
            Subscription.objects.filter(pk=row.pk).update(state=State.OFF, last_error="the account is removed", **told)
    return problems


def remake(account: Account) -> int:
    """End them and make them anew; how many there are."""
    list_rows(account)
    rows = Subscription.objects.filter(account=account).exclude(state__in=[State.BY_HAND, State.OFF])
    number = rows.update(state=State.WANTED, next_try=Now(), attempts=0, last_error="it is made anew")
    look_again(account)
    return number
