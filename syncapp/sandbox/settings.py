"""What a sandbox is started with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from syncapp.sandbox.faults import Faults
from syncapp.sandbox.outbox import Address

# Guards nothing but invented data; a program that cares passes its own.
TOKEN = "sandbox-token"  # noqa: S105


@dataclass(frozen=True)
class Settings:
    dialect: str
    data: Path
    title: str = "Sandbox"
    # None keeps what an earlier run was told: a restart continues with its address and its faults.
    webhook: Address | None = None
    faults: Faults | None = None
    seed: int = 0
    companies: int = 0
    # Where deletions are reported: delta, feed or never; None keeps what an earlier run was told.
    deletes: str | None = None
    token: str = field(default=TOKEN, repr=False)
    # The name under which changes by token appear in records and events.
    client: str = "integration"
