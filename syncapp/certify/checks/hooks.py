"""Webhooks: the handshake, signatures good and bad, and what an event tells."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

from syncapp.certify.bench import Bench
from syncapp.certify.checks.deliveries import can, collect, events_of, one_delivery, section, told_of
from syncapp.certify.fields import differing
from syncapp.certify.results import Capability, Check, Failed, NotOffered, NotTried
from syncapp.connectors import webhook
from syncapp.connectors.hookspec import POLL, WebhookSpec
from syncapp.connectors.records import Event
from syncapp.connectors.webhook import BadSignature
from syncapp.doubles.control import NoControl
from syncapp.doubles.delivery import Delivery

W = Capability.WEBHOOKS
# Schemes whose proof is over the body.
SIGNED = ("standard", "hmac", "hash")


def handshake(on: Bench) -> str:
    """The provider's question is answered as it wants it answered."""
    spec = section(on)
    try:
        asked = on.world.handshake()
    except NoControl as none:
        if not spec.challenges:
            raise NotOffered("the file declares no handshake") from None
        raise NotTried(f"needs a provider that asks: {none}") from None
    query = dict(parse_qsl(urlsplit(asked.url).query))
    answer = None
    for verified in (False, True):
        answer = answer or webhook.challenge(spec, asked.method, query, asked.headers, asked.body, verified=verified)
    mend = "`webhook.challenges`: where the question stands, and how it is answered"
    if answer is None:
        raise Failed(f"{asked.method} {asked.url} is not known as a handshake", mend)
    on.expect(answer.status == asked.status, f"answered {answer.status}, {asked.status} is wanted", mend)
    if asked.answer is not None:
        on.expect(answer.body == asked.answer, f"answered {answer.body[:80]!r}, {asked.answer[:80]!r} is wanted", mend)
    return f"{asked.method} is answered {answer.status} as wanted"


def good(on: Bench) -> str:
    """A delivery as the provider sends it is believed."""
    spec, delivery = section(on), one_delivery(on)
    try:
        _verify(on, spec, delivery, delivery.body, delivery.headers)
    except BadSignature as bad:
        mend = "`webhook.signature`: see scheme, header, template, encoding, prefix and secret"
        raise Failed(f"a delivery of the provider is not believed: {bad.what}", mend) from None
    return f"{len(delivery.body)} bytes, signed as the file says"


def bad(on: Bench) -> str:
    """One byte more, no signature at all, and another secret are each refused."""
    spec, delivery = section(on), one_delivery(on)
    scheme = spec.signature.scheme
    if scheme in ("address", "none"):
        raise NotOffered("the file says that nothing proves where a delivery comes from")
    mend = "`webhook.signature`: see scheme and secret; the template has to hold {body}"
    if scheme in SIGNED:
        _refused(on, spec, delivery, delivery.body + b" ", delivery.headers, "a body with one byte more", mend)
    if scheme != "token" or spec.signature.place not in ("body", "item"):
        bare = {name: text for name, text in delivery.headers.items() if name.lower() == "content-type"}
        plain = replace(delivery, url=delivery.url.partition("?")[0])
        _refused(on, spec, plain, delivery.body, bare, "a delivery without any signature", mend)
    _refused(on, spec, delivery, delivery.body, delivery.headers, "one signed with another secret", mend, other=True)
    return f"{'a changed body, ' if scheme in SIGNED else ''}no signature and another secret are refused"


def old(on: Bench) -> str:
    """A delivery that was signed long ago is refused, so that nobody sends it again."""
    spec, delivery = section(on), one_delivery(on)
    if spec.signature.scheme != "standard" and spec.signature.timestamp is None:
        raise NotOffered("the file says that no time is signed")
    try:
        headers = on.world.sign(delivery.body, at=datetime.now(UTC) - timedelta(days=1))
    except NoControl as none:
        raise NotTried(f"needs a signature of a time of choice: {none}") from None
    mend = "`webhook.signature.timestamp`: header, format and tolerance, and {timestamp} in the template"
    _refused(on, spec, delivery, delivery.body, headers, "a delivery signed a day ago", mend, {"old"})
    return "a delivery signed a day ago is refused"


def _refused(
    on: Bench, spec: WebhookSpec, delivery: Delivery, body: bytes, headers: Mapping[str, str], what: str, mend: str,
    reasons: set[str] | None = None, other: bool = False,
) -> None:  # fmt: skip
    try:
        _verify(on, spec, delivery, body, headers, other)
    except BadSignature as error:
        if reasons and error.reason not in reasons:
            raise Failed(f"{what} is refused for another reason: {error.what}", mend) from None
        return
    raise Failed(f"{what} is believed", mend)


def _verify(
    on: Bench, spec: WebhookSpec, delivery: Delivery, body: bytes, headers: Mapping[str, str], other: bool = False
) -> None:
    secrets = [_another(text) for text in on.place.hook_secrets] if other else on.place.hook_secrets
    webhook.verify(spec, secrets, delivery.method, delivery.url, headers, body, time.time())


def _another(secret: str) -> str:
    """A secret of the same shape."""
    head, _, rest = secret.rpartition("_")
    bare = secret.rstrip("=")
    return f"{head}_{rest[::-1]}" if head else bare[::-1] + "A" * (-len(secret) % 4) + secret[len(bare) :]


def tells(on: Bench) -> str:
    """A create, a change and a delete are each told with object, id and kind."""
    on.operation("create")
    told = {kind: told_of(on, kind) for kind in ("created", "updated", "deleted") if can(on, kind)}
    mend = "`webhook.events`: see items, type, types and record_id"
    for kind, (id, seen) in told.items():
        hits = [event for one in seen for event in one.events if _is_about(event, on.object, id)]
        sent = [one.delivery for one in seen if any(about[1] == id for about in one.delivery.about)]
        if not sent:
            continue
        on.expect(bool(hits), f"{id} was {kind}, and no event tells {on.object} {id}", mend)
        kinds = {event.kind for event in hits}
        on.expect(
            kind in kinds or POLL in kinds,
            f"{id} was {kind}, and told as {', '.join(sorted(kinds))}",
            "`webhook.events.types`",
        )
    counted = {kind: len(seen) for kind, (_, seen) in told.items()}
    if not any(counted.values()):
        raise NotTried("the provider sent nothing")
    return ", ".join(f"{kind}: {number} deliveries" for kind, number in counted.items())


def _is_about(event: Event, object: str, id: str) -> bool:
    """It names the record, or says that something of the account changed, whatever it is."""
    return event.kind == POLL or (event.object, event.record_id) == (object, id)


def known_again(on: Bench) -> str:
    """The same delivery twice is the same events; another change is others. Each has an id of the provider."""
    _, first = told_of(on, "created")
    _, second = told_of(on, "updated")
    if not first or not second:
        raise NotTried("the provider sent nothing")
    again = [event.id for event in events_of(on, first[0].delivery)]
    mend = "`webhook.events`: id or id_header, something that is the same when a delivery is repeated"
    on.expect(again == [event.id for event in first[0].events], "the same delivery gives other ids", mend)
    ids = [event.id for one in (*first, *second) for event in one.events]
    on.expect(len(ids) == len(set(ids)), f"different events have one id: {sorted(ids)[:3]}", mend)
    nameless = [event for one in (*first, *second) for event in one.events if event.nameless]
    if nameless and (on.manifest.webhook and on.manifest.webhook.events.id_header):
        raise Failed("the events come without the id that the file names", mend)
    return f"{len(ids)} events, each with an id of its own, the same when told again"


def in_any_order(on: Bench) -> str:
    """Events carry what puts late ones into their place: a time or a version that fits the record's."""
    made, _ = on.make()
    collect(on)
    on.touched(made.id)
    on.touched(made.id)
    told = [event for one in collect(on) for event in one.events]
    if told and all(event.kind == POLL for event in told):
        return "events name no record: each only wakes the hub up, which reads what changed, in its order"
    seen = [event for event in told if event.record_id == made.id]
    if len(seen) < 2:
        raise NotTried("the provider told fewer than two changes of one record")
    spec = section(on)
    if not spec.events.time and not spec.events.version:
        return "events carry neither a time nor a version: each only wakes the hub up, which reads the record"
    mend = "`webhook.events`: time (with time_format) or version"
    if spec.events.time:
        on.expect(all(event.occurred_at is not None for event in seen), "an event tells no time", mend)
        ago = min(event.occurred_at for event in seen if event.occurred_at is not None)
        on.expect(abs((datetime.now(UTC) - ago).total_seconds()) < 86_400, f"an event of now is told as {ago}", mend)
    if spec.events.version:
        versions = [event.version for event in seen]
        on.expect(on.read(made.id).version in versions, f"versions {versions} told, none is the record's", mend)
    return "late events can be put into their place; the record itself is read before it is judged"


def carries(on: Bench) -> str:
    """The record in an event, where the file says there is one, reads as the record does."""
    if not section(on).events.record:
        raise NotOffered("the file says that events carry no record")
    made, _ = on.make()
    told = [event for one in collect(on) for event in one.events if event.record_id == made.id]
    if not told:
        raise NotTried("the provider sent nothing")
    mend = "`webhook.events.record`: where the record is in an event"
    fields = told[-1].fields
    if fields is None:
        raise Failed("the event carries no record where the file says so", mend)
    shown, read = on.fields.read(fields), on.values(made.id)
    unlike = differing(shown, read)
    on.expect(not unlike, f"the event tells {', '.join(unlike)} otherwise than a read", mend)
    return f"{len(read)} fields in the event as a read tells them"


def echo(on: Bench) -> str:
    """What we did and what a person did can be told apart in events."""
    spec = section(on)
    if not spec.events.actor and not spec.events.origin:
        raise NotOffered("the file declares neither actor nor origin of an event")
    on.operation("update")
    made, _ = on.make()
    name = on.changeable()
    values = [on.fields.samples(on.next() + 1, on.mark)[name] for _ in range(2)]
    collect(on)
    on.write(made.id, {name: values[0]})
    ours = [event for one in collect(on) for event in one.events if event.record_id == made.id]
    try:
        on.world.edit(on.object, made.id, on.fields.mapping.write({name: values[1]}))
    except NoControl as none:
        raise NotTried(f"needs a person over there: {none}") from None
    theirs = [event for one in collect(on) for event in one.events if event.record_id == made.id]
    if not ours or not theirs:
        raise NotTried("the provider sent nothing")
    mine, other = {(e.actor, e.origin) for e in ours}, {(e.actor, e.origin) for e in theirs}
    mend = "`webhook.events`: actor or origin, whatever differs between a person's change and one of the API"
    on.expect(not mine & other, f"our change and a person's look alike: {sorted(map(str, mine & other))}", mend)
    return f"our change is told as {next(iter(mine))}, a person's as {next(iter(other))}"


CHECKS = (
    Check("webhook.handshake", "the handshake is answered", W, handshake, False, True),
    Check("webhook.good", "a delivery of the provider is believed", W, good),
    Check("webhook.bad", "a changed, unsigned or strangely signed delivery is refused", W, bad),
    Check("webhook.old", "a delivery signed long ago is refused", W, old),
    Check("webhook.tells", "events tell object, record and kind", W, tells),
    Check("webhook.known_again", "a repeated delivery is known again", W, known_again),
    Check("webhook.any_order", "late events can be put into their place", W, in_any_order),
    Check("webhook.carries", "the record in an event reads as the record", W, carries),
    Check("webhook.echo", "our own changes are told apart from people's", W, echo),
)
