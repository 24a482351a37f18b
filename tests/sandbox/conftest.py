"""A sandbox of each dialect over real HTTP, and a receiver that keeps every webhook it gets."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from syncapp.sandbox.faults import Faults
from syncapp.sandbox.outbox import Address
from syncapp.sandbox.server import SandboxServer
from syncapp.sandbox.settings import Settings

SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
AUTH = {"crm": {"Authorization": "Bearer t0ken"}, "billing": {"X-Api-Key": "t0ken"}}
PATH = {"crm": "/api/contacts", "billing": "/v1/customers"}


class Caller:
    """One sandbox, spoken to as a client would."""

    def __init__(self, server: SandboxServer) -> None:
        self.server, self.dialect = server, server.settings.dialect

    def call(self, method: str, path: str = "", **given: Any) -> requests.Response:
        headers = AUTH[self.dialect] | given.pop("headers", {})
        url = self.server.url + given.pop("at", PATH[self.dialect]) + path
        return requests.request(method, url, headers=headers, timeout=15, **given)

    def back(self, method: str, path: str, **given: Any) -> requests.Response:
        return requests.request(method, f"{self.server.url}/_sandbox/{path}", timeout=15, **given)

    def faults(self, **faults: Any) -> None:
        answer = self.back("PUT", "faults", json=faults)
        assert answer.status_code == 200, answer.text


@dataclass(frozen=True)
class Received:
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


class Receiver:
    """Where webhooks go. The first answers can be told; after them it is 204."""

    def __init__(self) -> None:
        self.got: list[Received] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.got.append(Received(headers, raw))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Tests read `got`, not standard error."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = Address(f"http://127.0.0.1:{self._server.server_port}/hook", SECRET)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def wait_for(self, number: int) -> list[Received]:
        deadline = time.monotonic() + 10
        while len(self.got) < number and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.got) >= number, f"only {len(self.got)} webhooks came"
        return self.got

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Caller]]:
    running: list[SandboxServer] = []

    def starter(dialect: str = "crm", **given: Any) -> Caller:
        data = given.pop("data", tmp_path / f"{dialect}.sqlite")
        faults = Faults.read(given.pop("faults")) if "faults" in given else None
        server = SandboxServer(Settings(dialect, data, token="t0ken", faults=faults, **given)).start()
        running.append(server)
        return Caller(server)

    yield starter
    for server in running:
        server.stop()


@pytest.fixture
def crm(start: Callable[..., Caller]) -> Caller:
    return start("crm", seed=12)


@pytest.fixture
def billing(start: Callable[..., Caller]) -> Caller:
    return start("billing", seed=12)
