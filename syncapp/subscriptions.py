"""How an account's changes come to the hub, in sentences for its page; and making its subscriptions anew."""

from __future__ import annotations

from dataclasses import dataclass

from .connectors.errors import ManifestError, Misconfigured
from .connectors.hookspec import WebhookSpec
from .facts import manifest_of
from .hookaddress import address_of
from .models import Account, Subscription
from .tending import end_all, list_rows, remake

State = Subscription.State
PROOFS = {
    "none": "Nothing proves where its deliveries come from: each is only a hint to look, at most {limit} a minute.",
    "address": "Its deliveries are not signed: the address itself is the secret, so keep it to yourself.",
    "basic": "Its deliveries prove themselves with a user and a password.",
    "token": "Its deliveries repeat a secret that only the provider and the hub know.",
    "jwt": "Its deliveries carry a token that is signed with the account's secret.",
}
SIGNED = "Its deliveries are signed, and one that is forged, changed or too old is refused."


@dataclass(frozen=True, slots=True)
class Line:
    """One subscription as people see it. ``fine``: nothing is to be done about it."""

    row: Subscription
    sentence: str
    fine: bool


def lines(account: Account) -> list[Line]:
    """For the account's page: a line for each subscription. Makes no call."""
    return [_line(row) for row in Subscription.objects.filter(account=account)]


def proof(account: Account) -> str:
    """How deliveries of this provider prove themselves; "" where it sends none."""
    spec = _spec(account)
    return "" if spec is None else PROOFS.get(spec.signature.scheme, SIGNED).format(limit=spec.signature.limit)


def setup(account: Account) -> str:
    """What a person does at the provider, where the hub cannot; "" where nothing is to be done."""
    spec = _spec(account)
    if spec is None or spec.subscription is not None:
        return ""
    return spec.setup or f"Tell the provider to send its webhooks to {address_of(account)}."


def resubscribe(account: Account) -> int:
    """Those that the hub makes are ended and made anew, a delta sync follows; how many there are."""
    list_rows(account)
    return remake(account)


def unsubscribe(account: Account) -> list[str]:
    """Before an account is removed: what could not be ended at the provider, each with why."""
    return end_all(account)


def _spec(account: Account) -> WebhookSpec | None:
    try:
        return manifest_of(account).webhook
    except (ManifestError, Misconfigured):
        return None


def _line(row: Subscription) -> Line:
    about = f"Changes ({row.object})" if row.object else "Changes"
    seen = f"; the last came {row.last_seen_at:%Y-%m-%d %H:%M} UTC" if row.last_seen_at else "; none came yet"
    if row.state == State.ACTIVE:
        ends = f", and is renewed by {row.renew_at:%Y-%m-%d %H:%M} UTC" if row.renew_at else ""
        trouble = f". The last call about it failed: {row.last_error}" if row.last_error else ""
        lost = f". It was made anew {row.losses} times, last because {row.last_loss}" if row.losses else ""
        return Line(
            row, f"{about} are told at once: the subscription is active{ends}{seen}{lost}{trouble}", not trouble
        )
    if row.state == State.BY_HAND and row.last_seen_at is None:
        return Line(row, f"{about} are found by delta syncs: no webhook has come yet", True)
    if row.state == State.BY_HAND:
        if row.last_error:
            return Line(row, f"{about} are not told: {row.last_error}. Look at its webhooks at the provider.", False)
        return Line(row, f"{about} are told by what a person set up at the provider{seen}", True)
    if row.state == State.OFF:
        return Line(row, f"{about} are not told: {row.last_error}", True)
    if row.state == State.FAILED:
        return Line(row, f"{about} are not told at once: {row.last_error}", False)
    return Line(row, f"{about} will be told: the subscription is about to be made", True)
