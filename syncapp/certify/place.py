"""Where the suite runs: an account that can be reached, and what can be made to happen at its provider, if anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from syncapp.connectors.client import Client
from syncapp.connectors.limitspec import LimitSpec, Use
from syncapp.connectors.renewal import Keeper, MemoryKeeper, Secrets
from syncapp.connectors.speaks import Speaks
from syncapp.connectors.spec import Manifest
from syncapp.connectors.throttle import PLAIN, MemoryThrottle, Told
from syncapp.connectors.transport import Timeouts
from syncapp.doubles.control import NoControl
from syncapp.doubles.delivery import Delivery, Handshake

BRIEF = Timeouts(3, 10, 30)
PATIENCE = 20.0


class Against(StrEnum):
    DOUBLE = "double, from documentation"
    SERVER = "real server"
    ACCOUNT = "live account"


class World(Protocol):
    """What people and fate do at the provider, as `doubles.control.Controls`. Every method may raise NoControl."""

    def edit(self, object: str, id: str, fields: dict[str, Any]) -> None: ...
    def erase(self, object: str, id: str) -> None: ...
    def stamp(self, object: str, ids: list[str], moment: datetime | None = None) -> None: ...
    def ids(self, object: str) -> list[str]: ...
    def fail(self, kind: str, times: int = 1, only: str = "any", headers: dict[str, str] | None = None) -> None: ...
    def calm(self) -> None: ...
    def expire(self) -> None: ...
    def revoke(self) -> None: ...
    def stand_still(self) -> None: ...
    def go_on(self) -> None: ...
    def target(self, url: str) -> None: ...
    def deliveries(self) -> list[Delivery]: ...
    def sign(self, body: bytes, *, at: datetime) -> dict[str, str]: ...
    def handshake(self) -> Handshake: ...


class NoWorld:
    """A real account: nobody but its own people makes anything happen there."""

    def _no(self, *given: Any, **named: Any) -> Any:
        raise NoControl("nothing can be made to happen at this provider from outside")

    edit = erase = stamp = ids = fail = calm = expire = revoke = stand_still = go_on = _no
    target = deliveries = sign = handshake = _no


class Hasty(MemoryThrottle):
    """At a double, only the pauses are kept that it asks for itself: our own budgets spare nobody there."""

    def take(self, account: str, app: str, limits: LimitSpec, use: Use = PLAIN, told: Told | None = None) -> float:
        return super().take(account, app, LimitSpec(), use, told)


class CountingKeeper(MemoryKeeper):
    """Keeps the secrets of a run, and counts how often they were renewed."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__(secrets)
        self.renewals = 0

    def renew(self, fresh: Callable[[Secrets], bool], ask: Callable[[Secrets], Secrets]) -> Secrets:
        def counted(held: Secrets) -> Secrets:
            self.renewals += 1
            return ask(held)

        return super().renew(fresh, counted)


@dataclass
class Place:
    """One account to try a provider at. ``objects``: those that are there; none named: all of the file. ``given``:
    object -> values that every record made there needs, such as the project of an issue."""

    manifest: Manifest
    config: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    against: Against
    world: World = field(default_factory=NoWorld)
    objects: tuple[str, ...] = ()
    name: str = ""
    allow_private: bool = True
    keeper: Keeper | None = None
    given: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # Of an object whose fields each account decides: path -> type of some that are there.
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    # The subscription that is there, where changes stand in its log.
    subscription: str = ""
    # For what is not spoken to over HTTP as its file says: makes the client.
    opener: Callable[[], Speaks] | None = None

    def __post_init__(self) -> None:
        self.keeper = self.keeper or CountingKeeper(self.calling(self.secrets))
        self.throttle = Hasty() if self.against is Against.DOUBLE else MemoryThrottle()

    def calling(self, secrets: Mapping[str, str]) -> dict[str, str]:
        """Second webhook secrets may stand beside the first; calls have no use for them."""
        known = self.manifest.secrets
        return {name: text for name, text in secrets.items() if name in known or not name.startswith("webhook")}

    def connect(
        self, secrets: Mapping[str, str] | None = None, timeouts: Timeouts = BRIEF, *, alone: bool = False
    ) -> Speaks:
        """A client of the account; with other secrets, one that shares nothing with it. ``alone``: what it is told
        about limits is not for the others."""
        own = secrets is None
        if self.opener is not None and own:
            return self.opener()
        if self.manifest.sql is not None:
            raise NoControl("a database is not asked with other credentials")
        # A token that was renewed meanwhile: the old one would be refused once more, and by chance with half an answer.
        kept = self.keeper.secrets if own and isinstance(self.keeper, MemoryKeeper) else self.secrets
        return Client(
            self.manifest, self.config, self.calling(kept if secrets is None else secrets),
            allow_private=self.allow_private, timeouts=timeouts, account=self.name or self.manifest.slug,
            keeper=self.keeper if own else None, throttle=self.throttle if own and not alone else None,
            patience=PATIENCE, subscription=self.subscription,
        )  # fmt: skip

    @property
    def hook_secrets(self) -> list[str]:
        return [text for name, text in sorted(self.secrets.items()) if name.startswith("webhook") and text]
