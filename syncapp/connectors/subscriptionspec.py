"""What a manifest says about the subscriptions that a provider wants made, renewed and ended over its API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syncapp.connectors.opspec import Operation

MADE = "made"
# The remote id of the account's subscription, in calls that read what it keeps.
SUBSCRIPTION_ID = "subscription.id"


@dataclass(frozen=True, slots=True)
class AliveSpec:
    """How a listed subscription shows that it still delivers: the value at a path."""

    path: str
    value: Any = True


@dataclass(frozen=True, slots=True)
class SubscriptionSpec:
    """One for the whole account, or one for each of ``objects``, whose entries fill slots of the calls; several for
    one object have names of their own and say ``object``.

    Slots: ``{address}``, ``{secret}`` (made by the hub), ``{expires}``, ``{subscription}`` (the remote id, as
    ``{subscription_number}`` without quotes), ``{number}`` (an id of our own choice), ``{object}`` and what ``objects``
    names. ``id`` (the first that is there), ``expires`` and ``secret_path`` are paths in the answers and in an entry of
    ``list``.
    """

    create: Operation
    id: tuple[str, ...] = ("id",)
    secret: str = "none"  # noqa: S105 - none, made (by the hub, sent along), once (in the answer, never again)
    secret_path: str = ""
    lifetime: float | None = None
    expires: str = ""
    expires_format: str = "iso"
    renew: Operation | None = None
    list: Operation | None = None
    read: Operation | None = None
    delete: Operation | None = None
    address: str = ""
    alive: AliveSpec | None = None
    objects: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def object_of(self, part: str) -> str:
        """The object that a subscription by this name is about: its own name, unless its entry says another."""
        return str(self.objects.get(part, {}).get("object", part))
