"""Where an account's database is and how it may be reached: its settings, checked, before anything is connected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syncapp.connectors.errors import EgressDenied, Misconfigured
from syncapp.connectors.spec import Manifest

TLS = ("verify", "require", "off")


@dataclass(frozen=True, slots=True)
class Place:
    """One database. ``account`` is what the hub calls itself there."""

    dialect: str
    account: str
    host: str = ""
    port: int = 0
    database: str = ""
    schema: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    tls: str = "verify"
    tls_ca: str = ""
    path: str = ""
    allow_private: bool = False

    @property
    def where(self) -> str:
        """For messages: no credentials."""
        return self.path or f"{self.database} at {self.host}"

    @property
    def is_socket(self) -> bool:
        return self.host.startswith("/")


def place_of(
    manifest: Manifest,
    config: Mapping[str, Any],
    secrets: Mapping[str, str],
    *,
    account: str = "",
    allow_private: bool = False,
    folders: Sequence[str] = (),
) -> Place:
    """Raises Misconfigured or EgressDenied, each naming the setting to change."""
    assert manifest.sql is not None
    told = {name: str(config.get(name) or spec.default or "").strip() for name, spec in manifest.config.items()}
    for name, spec in manifest.config.items():
        if spec.required and not told[name]:
            raise Misconfigured(f"the setting {name!r} is missing ({spec.label})", account, ", ".join(manifest.config))
    if manifest.sql.dialect == "sqlite":
        return Place("sqlite", account, path=str(_allowed(told["path"], folders, account)))
    if told["tls"] not in TLS:
        raise Misconfigured(f"tls: {told['tls']!r} is not accepted", account, ", ".join(TLS))
    place = Place(
        manifest.sql.dialect, account, told["host"], _port(told["port"], account), told["database"],
        told.get("schema", ""), told["user"], secrets.get("password", ""), told["tls"], told["tls_ca"], "",
        allow_private,
    )  # fmt: skip
    if place.is_socket and not allow_private:
        raise EgressDenied(
            "a socket is on this very machine", account, "allow private addresses for this account if that is meant"
        )
    return place


def _port(text: str, account: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise Misconfigured(f"port: {text!r} is no port", account, "a number from 1 to 65535")
    return int(text)


def _allowed(text: str, folders: Sequence[str], account: str) -> Path:
    """The file, if it lies in a folder that an operator opened, whatever links lead there."""
    path = Path(text).expanduser().resolve()
    roots = [Path(folder).expanduser().resolve() for folder in folders]
    if not any(path.is_relative_to(root) for root in roots):
        raise EgressDenied(
            f"the file {text!r} lies in no folder that SQLite accounts may use", account,
            "a file below " + " or ".join(map(str, roots)) if roots else "set CONCORD_SQLITE_FOLDERS",
        )  # fmt: skip
    if not path.is_file():
        raise Misconfigured(f"there is no file {text!r}", account, "the path of an existing SQLite database")
    return path
