"""Bad days for a server that cannot be told to have any: a forwarding app behind the faults that doubles have."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
from werkzeug.wrappers import Request, Response

from syncapp.certify.place import NoWorld
from syncapp.doubles.base import LARGEST_BODY
from syncapp.doubles.faults import Faults, Troubled
from syncapp.serving import Serving

# They belong to one connection, and what is sent on is a whole body of known length.
OWN = {"connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length"}


class Forward:
    """A WSGI app that asks another server, under the address that it was asked at itself."""

    def __init__(self, upstream: str) -> None:
        self._upstream, self._session = upstream.rstrip("/"), requests.Session()
        self._session.trust_env = False

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        asked = Request(environ)
        headers = {name: text for name, text in asked.headers if name.lower() not in OWN}
        headers["Accept-Encoding"] = "identity"
        address = f"{self._upstream}{asked.full_path if asked.query_string else asked.path}"
        told = self._session.request(
            asked.method, address, headers=headers, data=asked.get_data(), timeout=30, allow_redirects=False
        )
        kept = [(name, text) for name, text in told.headers.items() if name.lower() not in OWN]
        return Response(told.content, told.status_code, kept)(environ, start_response)


def _changes(request: Request) -> bool:
    return request.method not in ("GET", "HEAD")


@contextmanager
def troubled(upstream: str, writes: Callable[[Request], bool] = _changes) -> Iterator[tuple[str, Faults]]:
    """An address in front of a server, and the troubles of calls by it. ``writes``: which calls change something."""
    faults, stopping = Faults(), threading.Event()
    app = Troubled(
        Forward(upstream), faults, writes=writes,
        spared=lambda request: "oauth" in request.path, refused=_refused, stopping=stopping,
    )  # fmt: skip
    serving = Serving(app, "127.0.0.1", 0, LARGEST_BODY, f"in front of {upstream}")
    serving.start()
    try:
        yield serving.url, faults
    finally:
        stopping.set()
        serving.stop()


def _refused(status: int) -> Response:
    wait = {"Retry-After": "1"} if status in (429, 503) else {}
    return Response(b"{}", status, wait, mimetype="application/json")


class TroubledWorld(NoWorld):
    """A server whose people we are not, on a bad day."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def fail(self, kind: str, times: int = 1, only: str = "any", headers: dict[str, str] | None = None) -> None:
        self._faults.add(kind, times, only, headers)

    def calm(self) -> None:
        self._faults.clear()
