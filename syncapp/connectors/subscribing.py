"""Subscriptions at one account: made, looked at, renewed and ended, as its provider file says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from syncapp.connectors import times
from syncapp.connectors.answerspec import ErrorSpec
from syncapp.connectors.calls import Call
from syncapp.connectors.errors import Gone, Malformed
from syncapp.connectors.expressions import listed
from syncapp.connectors.opspec import Operation
from syncapp.connectors.paths import ABSENT, as_text, first, getter
from syncapp.connectors.spec import Manifest, ObjectSpec
from syncapp.connectors.subscriptionspec import SUBSCRIPTION_ID, SubscriptionSpec
from syncapp.connectors.templates import fill_body
from syncapp.connectors.transport import Answer

if TYPE_CHECKING:
    from syncapp.connectors.calls import Caller


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription as an answer showed it. ``secret``: told this once, and never again."""

    id: str
    expires_at: datetime | None = None
    secret: str = ""
    address: str = ""
    alive: bool = True


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be subscribed to, and what the provider is told about us."""

    address: str
    object: str = ""
    secret: str = ""
    number: int = 0


class Subscribing:
    """The calls of one account. Each raises what any call raises; Gone where the subscription is not there any more."""

    def __init__(self, manifest: Manifest, caller: Caller) -> None:
        self._caller, self._manifest = caller, manifest
        errors = next((spec.errors for spec in manifest.objects.values()), ErrorSpec())
        self._where = f"{manifest.slug}.webhook.subscription"
        self._spec = ObjectSpec("webhook", "Webhooks", "id", {}, {}, errors=errors)

    @property
    def how(self) -> SubscriptionSpec:
        webhook = self._manifest.webhook
        assert webhook is not None and webhook.subscription is not None
        return webhook.subscription

    @property
    def tells_by_handshake(self) -> bool:
        """Each new subscription tells a secret of its own, in a request that comes before the answer."""
        webhook = self._manifest.webhook
        return webhook is not None and any(one.keep and one.header for one in webhook.challenges)

    @property
    def keeps_changes(self) -> bool:
        """Changes are read from the subscription's own log: what came before it was made does not stand there."""
        return f"{{{SUBSCRIPTION_ID}}}" in repr(self._manifest.objects)

    def create(self, wish: Wish) -> Subscribed:
        answer = self._send("subscribe", self.how.create, self._values(wish))
        found = self._read(answer.json() if answer.body else {}, str(wish.number))
        if self.how.secret_path and not found.secret:
            what = f"the answer has no secret at {self.how.secret_path!r}"
            raise Malformed(what, self._where, "check 'secret_path'")
        return found

    def renew(self, id: str, wish: Wish) -> Subscribed:
        assert self.how.renew is not None
        answer = self._send("renew_subscription", self.how.renew, self._about(id, wish))
        return self._read(answer.json() if answer.body.strip() else {}, id)

    def listed(self, wish: Wish) -> list[Subscribed]:
        """Empty where the provider has no list."""
        operation = self.how.list
        if operation is None:
            return []
        answer = self._send("list_subscriptions", operation, self._values(wish))
        entries = listed(operation.items or "", answer.json())
        if entries is None:
            raise Malformed(f"there is no list of subscriptions at {operation.items!r}", answer.where, "check 'items'")
        return [self._read(entry, "") for entry in entries]

    def look(self, id: str, wish: Wish) -> Subscribed | None:
        """The subscription as it is there now; None if it is not. Where nothing can be asked, it is taken for alive."""
        if self.how.read is not None:
            try:
                return self._read(self._send("read_subscription", self.how.read, self._about(id, wish)).json(), id)
            except Gone:
                return None
        if self.how.list is not None:
            return next((one for one in self.listed(wish) if one.id == id), None)
        return Subscribed(id)

    def delete(self, id: str, wish: Wish) -> None:
        """Nothing to do where it is gone already, or where it cannot be ended, or where the file knows of none now."""
        webhook = self._manifest.webhook
        how = webhook.subscription if webhook is not None else None
        if how is None or how.delete is None:
            return
        try:
            self._send("unsubscribe", how.delete, self._about(id, wish))
        except Gone:
            return

    def _about(self, id: str, wish: Wish) -> dict[str, Any]:
        number = int(id) if id.isdecimal() else id
        return {**self._values(wish), "subscription": id, "subscription_number": number, "id": id}

    def _values(self, wish: Wish) -> dict[str, Any]:
        own = fill_body(dict(self.how.objects.get(wish.object, {})), self._caller.config, self._where)
        until = datetime.fromtimestamp(self._caller.clock(), UTC) + timedelta(seconds=self.how.lifetime or 0)
        told = {
            "address": wish.address,
            "object": self.how.object_of(wish.object),
            "secret": wish.secret,
            "number": wish.number,
        }
        return {**own, **told, "expires": times.write(until, self.how.expires_format)}

    def _send(self, name: str, operation: Operation, values: Mapping[str, Any]) -> Answer:
        where = f"{self._manifest.slug}.webhook.{name}"
        body = self._caller.body(operation, values, where)
        return self._caller.send(Call(name, self._spec, operation, values, {}, {}, body))

    def _read(self, body: Any, id: str) -> Subscribed:
        how = self.how
        found = as_text(first(how.id)(body)) or id
        if not found:
            raise Malformed(f"there is no subscription id at {' or '.join(how.id)}", self._where, "check 'id'")
        secret = as_text(getter(how.secret_path)(body)) if how.secret_path else None
        address = as_text(getter(how.address)(body)) if how.address else None
        alive = how.alive is None or getter(how.alive.path)(body) in (how.alive.value, ABSENT)
        return Subscribed(found, self._expires(body), secret or "", address or "", alive)

    def _expires(self, body: Any) -> datetime | None:
        """As the provider says; else as long as it is known to live."""
        value = getter(self.how.expires)(body) if self.how.expires else ABSENT
        if value is not ABSENT and value is not None:
            try:
                return times.parse(value, self.how.expires_format)
            except (ValueError, TypeError, OverflowError):
                where = f"{self._manifest.slug}.webhook.subscription"
                raise Malformed(
                    f"{value!r} at {self.how.expires!r} is no time", where, "check 'expires_format'"
                ) from None
        if self.how.lifetime is None:
            return None
        return datetime.fromtimestamp(self._caller.clock(), UTC) + timedelta(seconds=self.how.lifetime)
