"""The troubles that a double can be told to have, and where they strike: before the dialect, or on its answer."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify
from waitress.channel import ClientDisconnected
from werkzeug.wrappers import Request
from werkzeug.wrappers import Response as PlainResponse

from syncapp.serving import WSGI

PRIVATE = "http://169.254.169.254/latest/meta-data"
# What happens to a call, beside every status from 400 to 599 as text.
KINDS = {
    "timeout_after_write": "the write is done, and the connection ends without an answer",
    "timeout_before_write": "nothing is done, and the connection ends without an answer",
    "html": "200 and a page for people",
    "truncated": "the answer, cut in the middle",
    "empty": "200 without a body",
    "redirect": "302 to a private address",
    "lost_answer": "the connection ends in the middle of the answer's body",
}
ONLY = ("any", "read", "write")
HANG_SECONDS = 0.3


@dataclass
class Fault:
    kind: str
    times: int
    only: str
    headers: dict[str, str]


class Faults:
    """What the next calls meet. The first fault that fits a call strikes it, and is used up."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, kind: str, times: int = 1, only: str = "any", headers: dict[str, str] | None = None) -> None:
        if kind not in KINDS and not re.fullmatch(r"[45]\d\d", kind):
            raise ValueError(f"{kind!r} is no trouble; there are a status such as 429, and {', '.join(KINDS)}")
        if only not in ONLY:
            raise ValueError(f"{only!r} is none of {', '.join(ONLY)}")
        wanted = "write" if kind == "timeout_after_write" else only
        with self._lock:
            self._waiting.append(Fault(kind, times, wanted, dict(headers or {})))

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, writes: bool) -> Fault | None:
        with self._lock:
            for fault in self._waiting:
                if fault.only == "any" or (fault.only == "write") is writes:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._waiting.remove(fault)
                    return fault
        return None


class Troubled:
    """WSGI wrapper around a dialect. One call at a time, so that a double needs no locks of its own.

    `writes`, `spared`: what a request is; `refused`: the provider's own answer with a status (its body and headers).
    """

    def __init__(
        self,
        app: WSGI,
        faults: Faults,
        *,
        writes: Callable[[Request], bool],
        spared: Callable[[Request], bool],
        refused: Callable[[int], PlainResponse],
        stopping: threading.Event,
    ) -> None:
        self._app, self._faults, self._lock, self._stopping = app, faults, threading.RLock(), stopping
        self._writes, self._spared, self._refused = writes, spared, refused

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        fault = None if self._spared(request) else self._faults.take(self._writes(request))
        if fault is None:
            return self._answer(environ, start_response)
        if fault.kind.isdigit():
            with self._lock:
                answer = self._refused(int(fault.kind))
            answer.headers.update(fault.headers)
            return answer(environ, start_response)
        return self._strike(fault, environ, start_response)

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        with self._lock:
            return list(self._app(environ, start_response))

    def _strike(self, fault: Fault, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if fault.kind == "timeout_before_write":
            self._hang()
        if fault.kind == "html":
            page = "<!DOCTYPE html><html><title>Down for maintenance</title><h1>We are back soon</h1></html>"
            return PlainResponse(page, 200, mimetype="text/html")(environ, start_response)
        if fault.kind == "empty":
            return PlainResponse(b"", 200, mimetype="application/json")(environ, start_response)
        if fault.kind == "redirect":
            return PlainResponse(b"", 302, {"Location": PRIVATE})(environ, start_response)
        return self._spoil(fault, environ, start_response)

    def _spoil(self, fault: Fault, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """The dialect does its work; its answer does not arrive as it was."""
        with self._lock:
            done = PlainResponse.from_app(self._app, environ, buffered=True)
        whole = done.get_data()
        if fault.kind == "timeout_after_write":
            self._hang()
        if fault.kind == "lost_answer":
            done.headers["Content-Length"] = str(len(whole) + 10)
            start_response(done.status, list(done.headers.to_wsgi_list()))
            return [whole[: len(whole) // 2]]
        done.set_data(whole[: len(whole) // 2])
        return done(environ, start_response)

    def _hang(self) -> None:
        self._stopping.wait(HANG_SECONDS)
        # The server takes this for a client that went away, and closes the connection.
        raise ClientDisconnected


def plain_refusal(status: int) -> Response:
    """How a status is answered where a double does not say how its provider words it."""
    answer = jsonify({"message": f"status {status}, as asked for"})
    answer.status_code = status
    if status == 429:
        answer.headers["Retry-After"] = "1"
    return answer
