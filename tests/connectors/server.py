"""A real HTTP server on a port of its own, answering whatever a test tells it to, and remembering what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    raw: bytes = b""
    line: str = ""


@dataclass
class Reply:
    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    drop: bool = False
    wait: float = 0.0


@dataclass
class Provider:
    """One server. ``answers[(method, path)]`` is a Reply, a list of them in turn, or a function of the request."""

    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def on(self, method: str, path: str, *replies: Reply | Callable[[Asked], Reply]) -> None:
        self.answers[(method, path)] = list(replies)

    def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        found = self.answers.get((asked.method, asked.path))
        if not found:
            return Reply({"message": f"nothing at {asked.path}"}, 404)
        reply = found.pop(0) if len(found) > 1 else found[0]
        return reply(asked) if callable(reply) else reply


def usual(length: int) -> dict[str, str]:
    return {"Date": formatdate(usegmt=True), "Content-Type": "application/json", "Content-Length": str(length)}


def handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            content = self.rfile.read(length)
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            form = headers.get("content-type") == "application/x-www-form-urlencoded"
            text = "json" not in headers.get("content-type", "json")
            read = content.decode() if text else json.loads(content) if content else None
            body = dict(parse_qsl(content.decode())) if form else read
            reply = provider.reply(Asked(self.command, parts.path, query, headers, body, content, self.path))
            if reply.wait:
                provider.released.wait(reply.wait)
            if reply.drop:
                self.close_connection = True
                self.connection.close()
                return
            out = reply.raw if reply.raw is not None else json.dumps(reply.body).encode()
            self.send_response_only(reply.status)
            for name, value in {**usual(len(out)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(out)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Tests speak for themselves."""

    return Handler


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Connections are cut on purpose in here."""


def serve() -> Iterator[Provider]:
    provider = Provider()
    server = Quiet(("127.0.0.1", 0), handler(provider))
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield provider
    provider.released.set()
    server.shutdown()
    server.server_close()
    thread.join(5)
