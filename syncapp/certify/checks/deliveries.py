"""What a provider sent, as the hub reads it: for the checks of webhooks."""

from __future__ import annotations

from dataclasses import dataclass

from syncapp.certify.bench import Bench
from syncapp.certify.results import Failed, NotOffered, NotTried
from syncapp.connectors import webhook
from syncapp.connectors.errors import ConnectorError, Malformed
from syncapp.connectors.hookspec import EVERY, WebhookSpec
from syncapp.connectors.records import Event
from syncapp.doubles.control import NoControl
from syncapp.doubles.delivery import Delivery


@dataclass(frozen=True)
class Told:
    """A delivery, and what the hub reads in it."""

    delivery: Delivery
    events: list[Event]


def section(on: Bench) -> WebhookSpec:
    if on.manifest.webhook is None:
        raise NotOffered("the file declares no webhooks")
    objects = {object for object, _ in on.manifest.webhook.events.types.values()}
    if objects and EVERY not in objects and on.object not in objects:
        raise NotOffered(f"the file declares no webhooks for {on.object}")
    return on.manifest.webhook


def can(on: Bench, kind: str) -> bool:
    wanted = {"updated": "update", "deleted": "delete"}
    return kind not in wanted or on.spec.can(wanted[kind])


def told_of(on: Bench, kind: str) -> tuple[str, list[Told]]:
    """Do it, and see what is told: the record's id and the deliveries about it."""
    collect(on)
    made, _ = on.make()
    if kind != "created":
        collect(on)
        if kind == "updated":
            on.touched(made.id)
        else:
            on.remove(made.id)
    return made.id, collect(on)


def collect(on: Bench) -> list[Told]:
    section(on)
    try:
        sent = on.world.deliveries()
    except NoControl as none:
        raise NotTried(f"needs a provider whose webhooks can be seen: {none}") from None
    return [Told(delivery, events_of(on, delivery)) for delivery in sent]


def events_of(on: Bench, delivery: Delivery) -> list[Event]:
    try:
        return webhook.events(section(on), delivery.body, delivery.headers)
    except Malformed as error:
        raise Failed(
            f"a delivery cannot be read: {error}", "`webhook.events`: see items, type, types, ignore, record_id"
        ) from None


def one_delivery(on: Bench) -> Delivery:
    """One that the provider sent just now."""
    if not on.place.hook_secrets:
        raise NotTried("the account holds no webhook secret")
    try:
        on.world.deliveries()
        on.make()
        sent = on.world.deliveries()
    except NoControl as none:
        raise NotTried(f"needs a provider whose webhooks can be seen: {none}") from None
    except ConnectorError as error:
        raise NotTried(f"no change could be made that would be told: {error}") from None
    if not sent:
        raise NotTried("the provider sent nothing")
    return sent[-1]
