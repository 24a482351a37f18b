"""What every API request passes: counting, token, rate limit, server errors, and the lost answer after a write."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from email.utils import formatdate
from typing import Any

from flask import Blueprint, Flask, Response, g, jsonify, request
from waitress.channel import ClientDisconnected

from syncapp.sandbox.access import Access
from syncapp.sandbox.dialects import Dialect
from syncapp.sandbox.faults import Clock, FaultBox
from syncapp.sandbox.quota import Quota
from syncapp.sandbox.refusals import BadValue, Broken, Refused, TooMany
from syncapp.sandbox.values import Json

WRITES = {"create", "update", "delete", "batch_create", "batch_update"}
HANG = "sandbox.hang"
# Where each dialect looks for the token.
SHOWN: dict[str, Callable[[], str]] = {
    "crm": lambda: request.headers.get("Authorization", "").removeprefix("Bearer "),
    "billing": lambda: request.headers.get("X-Api-Key", ""),
}


class Stats:
    """Counts since the start of the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, Counter[str]] = {"api_calls": Counter(), "answers": Counter(), "faults": Counter()}

    def add(self, group: str, name: str) -> None:
        with self._lock:
            self._counts[group][name] += 1

    def as_json(self) -> dict[str, dict[str, int]]:
        with self._lock:
            return {group: dict(sorted(counts.items())) for group, counts in self._counts.items()}


class Window:
    """Requests per second, counted in whole seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._second, self._taken = 0, 0

    def take(self, limit: int) -> int:
        """Take one; the answer is what remains, negative if there was none left."""
        with self._lock:
            second = math.floor(time.monotonic())
            if second != self._second:
                self._second, self._taken = second, 0
            self._taken += 1
            return limit - self._taken


class Gate:
    def __init__(self, dialect: Dialect, box: FaultBox, access: Access, quota: Quota, stats: Stats) -> None:
        self._dialect, self._box, self._access, self._quota, self._stats = dialect, box, access, quota, stats
        self._window = Window()

    def guard(self, api: Blueprint) -> None:
        """Put the gate before every view of an API."""

        def before() -> None:
            self._access.check(SHOWN[self._dialect.name]())
            self._quota.take()
            self._limit()
            self._break()

        def after(response: Response) -> Response:
            left = self._quota.look()
            response.headers.update(left.headers() if left else {})
            if g.get("remaining") is not None:
                response.headers["X-RateLimit-Remaining"] = str(max(0, g.remaining))
                response.headers["X-RateLimit-Reset"] = "1"
            if _kind() in WRITES and response.status_code < 300 and self._box.strikes_next("hang_after_write"):
                self._stats.add("faults", "hang_after_write")
                request.environ[HANG] = self._box.now.hang_seconds
            return response

        self.count(api)
        api.before_request(before)
        api.after_request(after)

    def count(self, api: Blueprint) -> None:
        """Put every call and its answer into the statistics."""

        def counted(response: Response) -> Response:
            self._stats.add("answers", str(response.status_code))
            return response

        api.before_request(lambda: self._stats.add("api_calls", _kind()))
        api.after_request(counted)

    def _break(self) -> None:
        if self._box.strikes_next("server_error"):
            self._stats.add("faults", "server_error")
            raise Broken(503)

    def _limit(self) -> None:
        limit = self._box.now.rate_limit_per_second or self._dialect.requests_per_second
        if not limit:
            return
        g.remaining = self._window.take(limit)
        if g.remaining < 0:
            self._stats.add("faults", "rate_limited")
            raise TooMany(f"At most {limit} requests a second are answered. Wait one second.", 1)


def _kind() -> str:
    return (request.endpoint or "").rpartition(".")[2]


class Hanging:
    """WSGI wrapper: a marked answer is held back, then the connection is dropped without a byte."""

    def __init__(self, app: Callable[..., Iterable[bytes]], stopping: threading.Event) -> None:
        self._app, self._stopping = app, stopping

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = self._app(environ, start_response)
        if HANG not in environ:
            return answer
        self._stopping.wait(environ[HANG])
        # The server takes this for a client that went away, and closes the connection.
        raise ClientDisconnected


def tell_the_time(app: Flask, clock: Clock) -> None:
    """A skewed provider says so in its Date header."""

    @app.after_request
    def dated(response: Response) -> Response:
        response.headers["Date"] = formatdate(clock.seconds(), usegmt=True)
        return response


def refusal(error: Refused) -> tuple[Response, int]:
    """How a refusal is worded where no dialect has a say."""
    return jsonify({"error": {"code": error.code, "message": error.message, "param": error.param}}), error.status


def json_body(known: set[str]) -> dict[str, Json]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise BadValue("The body must be a JSON object, sent with Content-Type: application/json.")
    if unknown := sorted(set(body) - known):
        raise BadValue(f"“{unknown[0]}” is not known here. Known are: {', '.join(sorted(known))}.", unknown[0])
    return body


def json_object(body: dict[str, Json], name: str) -> dict[str, Json]:
    value = body.get(name)
    if not isinstance(value, dict):
        raise BadValue(f'“{name}” must be an object such as {{"email": "a@example.com"}}.', name)
    return value


def whole_number(name: str, default: int, least: int, most: int) -> int:
    """A number from the query string."""
    text = request.args.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 15 or not least <= int(text) <= most:
        raise BadValue(f"{name} must be a whole number from {least} to {most}, not “{text}”.", name)
    return int(text)


def milliseconds(text: str, name: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
    except ValueError:
        wanted = "an ISO time with a zone, for example 2026-03-01T12:00:00.000Z (write + as %2B)"
        raise BadValue(f"{name} must be {wanted}, not “{text}”.", name) from None
    epoch = datetime.fromisoformat("1970-01-01T00:00:00Z")
    since = moment - epoch
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
