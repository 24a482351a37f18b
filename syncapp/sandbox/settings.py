"""What a sandbox is started with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from syncapp.sandbox.faults import Faults
from syncapp.sandbox.outbox import Address

# Guards nothing but invented data; a program that cares passes its own.
TOKEN = "sandbox-token"  # noqa: S105
CLIENT_SECRET = "sandbox-client-secret"  # noqa: S105
REFRESH_TOKEN = "sandbox-refresh-token"  # noqa: S105


@dataclass(frozen=True)
class Settings:
    dialect: str
    data: Path
    title: str = "Sandbox"
    # None keeps what an earlier run was told: a restart continues with its address and its faults.
    webhook: Address | None = None
    faults: Faults | None = None
    # So many events at most in one delivery, as a list; 1: each alone, as an object.
    webhook_batch: int = 1
    seed: int = 0
    companies: int = 0
    # Where deletions are reported: delta, feed or never; None keeps what an earlier run was told.
    deletes: str | None = None
    token: str = field(default=TOKEN, repr=False)
    # Seconds until access tokens expire; 0: the token above stays good, and nothing is renewed.
    token_ttl: float = 0.0
    client_secret: str = field(default=CLIENT_SECRET, repr=False)
    refresh_token: str = field(default=REFRESH_TOKEN, repr=False)
    # Calls a day; 0: no limit, None keeps what an earlier run was told.
    daily_quota: int | None = None
    # Names of portals, each a sandbox of its own below /p/NAME, with "-NAME" at the end of its tokens.
    portals: tuple[str, ...] = ()
    # The name under which changes by token appear in records and events.
    client: str = "integration"
