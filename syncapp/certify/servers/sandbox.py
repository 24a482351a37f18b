"""The sandbox, both dialects, each as a process of its own; tokens expire, and webhooks are caught here."""

from __future__ import annotations

import base64
import json
import secrets
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from syncapp.certify.place import Against, Place
from syncapp.certify.servers.base import process, python
from syncapp.certify.servers.proxy import TroubledWorld, troubled
from syncapp.connectors.spec import Manifest
from syncapp.doubles.delivery import Delivery
from syncapp.doubles.faults import Faults
from syncapp.sandbox.outbox import signed_headers
from syncapp.serving import Serving

DIALECTS = {"crm": ("contacts", "companies"), "billing": ("customers", "accounts")}
NOUNS = {"contact": "contacts", "company": "companies", "customer": "customers", "account": "accounts"}
ONE_MEGABYTE = 1_000_000


class Catcher:
    """A WSGI app that keeps every delivery that is posted to it."""

    def __init__(self) -> None:
        self.caught: list[Delivery] = []
        self.url = ""

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        headers = {
            name[5:].replace("_", "-").title(): text for name, text in environ.items() if name.startswith("HTTP_")
        }
        headers["Content-Type"] = environ.get("CONTENT_TYPE", "")
        told = json.loads(body)
        about = tuple(_about(one) for one in (told if isinstance(told, list) else [told]))
        self.caught.append(Delivery(environ["REQUEST_METHOD"], self.url, headers, body, about))
        start_response("202 Accepted", [("Content-Length", "0")])
        return []


def _about(event: dict[str, Any]) -> tuple[str, str, str]:
    noun, _, kind = event["type"].partition(".")
    return NOUNS.get(noun, noun), event["data"]["id"], kind


class SandboxWorld(TroubledWorld):
    """People and fate, over the sandbox's back door."""

    def __init__(self, url: str, dialect: str, secret: str, catcher: Catcher, faults: Faults) -> None:
        self._door, self._dialect, self._secret, self._catcher = f"{url}/_sandbox", dialect, secret, catcher
        super().__init__(faults)
        self._do("PUT", "webhook", url=catcher.url, secret=secret)

    def edit(self, object: str, id: str, fields: dict[str, Any]) -> None:
        flat = fields.get("properties", {}) if self._dialect == "crm" else fields
        self._do("POST", "edit", object=object, id=id, fields=flat, actor="Ann")

    def erase(self, object: str, id: str) -> None:
        self._do("POST", "delete", object=object, id=id, actor="Ann")

    def stamp(self, object: str, ids: list[str], moment: datetime | None = None) -> None:
        at = (moment or datetime.now(UTC)).isoformat(timespec="milliseconds")
        self._do("POST", "touch", object=object, ids=ids, at=at)

    def ids(self, object: str) -> list[str]:
        records = self._do("GET", f"dump?object={object}")["records"]
        return [record["id"] for record in records if not record["deleted"]]

    def expire(self) -> None:
        self._do("POST", "expire")

    def deliveries(self) -> list[Delivery]:
        """All that was sent by now: the outbox is waited for."""
        deadline = time.monotonic() + 10
        while self._do("GET", "stats")["webhooks"].get("pending") and time.monotonic() < deadline:
            time.sleep(0.02)
        told, self._catcher.caught = self._catcher.caught, []
        return told

    def sign(self, body: bytes, *, at: datetime) -> dict[str, str]:
        return signed_headers(self._secret, f"msg_{secrets.token_hex(8)}", int(at.timestamp()), body)

    def _do(self, method: str, name: str, **given: Any) -> Any:
        body = None if method == "GET" else given
        answer = requests.request(method, f"{self._door}/{name}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def places(manifest: Manifest) -> Iterator[list[Place]]:
    """One place for each dialect."""
    with ExitStack() as running, tempfile.TemporaryDirectory() as folder:
        yield [_place(manifest, running, Path(folder), dialect) for dialect in DIALECTS]


def _place(manifest: Manifest, running: ExitStack, folder: Path, dialect: str) -> Place:
    refresh, client = secrets.token_hex(8), secrets.token_hex(8)
    hook = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    command = python(
        "-m", "syncapp.sandbox", "--dialect", dialect, "--data", str(folder / f"{dialect}.sqlite"), "--seed", "7",
        "--companies", "3", "--token-ttl", "3600", "--refresh-token", refresh, "--client-secret", client,
    )  # fmt: skip
    _, line = running.enter_context(process(command, first_line=True))
    url = line.rpartition(": ")[2].strip().rstrip("/")
    catcher = Catcher()
    serving = Serving(catcher, "127.0.0.1", 0, ONE_MEGABYTE, "catcher of webhooks")
    catcher.url = f"{serving.url}/hook"
    serving.start()
    running.callback(serving.stop)
    keys = {"refresh_token": refresh, "client_secret": client, "webhook": hook}
    address, faults = running.enter_context(troubled(url))
    world = SandboxWorld(url, dialect, hook, catcher, faults)
    return Place(manifest, {"server": address}, keys, Against.SERVER, world, DIALECTS[dialect], dialect)
