"""Send one request and bring back the whole answer: guarded, capped, timed, redirects followed by hand.

What went wrong is told apart by one question: can the request have reached the provider? For a write that decides
between "try again" and "unknown, read first".
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit

import orjson
import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError

from syncapp.connectors.egress import GuardedAdapter, check_url, origin, shown
from syncapp.connectors.errors import (
    ConnectorError,
    EgressDenied,
    Malformed,
    Misconfigured,
    TooLarge,
    Unavailable,
    Unknown,
)
from syncapp.connectors.jsonbody import parse
from syncapp.connectors.paths import ABSENT, getter

REDIRECTS = (301, 302, 303, 307, 308)
MAX_HOPS = 5
CHUNK = 65_536
HTML = (b"<!doctype html", b"<html")
PAGE = "check the account's address, and whether something stands between the hub and the provider"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, between two bytes, and for one whole answer."""

    connect: float = 5.0
    read: float = 30.0
    total: float = 120.0


USUAL = Timeouts()


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    url: str
    headers: Mapping[str, str]
    credentials: Mapping[str, str]
    body: bytes | None = None
    write: bool = False

    @property
    def where(self) -> str:
        parts = urlsplit(self.url)
        return f"{self.method} {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    where: str
    asked_at: float
    answered_at: float

    @property
    def round_trip(self) -> float:
        return max(0.0, self.answered_at - self.asked_at)

    @property
    def is_page(self) -> bool:
        """A web page (a login, a proxy, a maintenance note) where an API should answer."""
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        start = self.body[:64].lstrip().lower()
        return start.startswith(HTML) or (kind in ("text/html", "application/xhtml+xml") and start.startswith(b"<"))

    def json(self) -> Any:
        try:
            return parse(self.body)
        except orjson.JSONDecodeError:
            kind = self.headers.get("Content-Type", "no content type")
            what = f"the answer ({self.status}, {kind}, {len(self.body):,} bytes) is not JSON"
            raise Malformed(
                what, self.where, PAGE if self.is_page else "try again; if it stays, tell the provider"
            ) from None

    def part(self, path: str) -> Any:
        """What stands at a path of the body that the manifest names for the record. Raises Malformed."""
        part = getter(path)(self.json())
        if part is ABSENT:
            raise Malformed(f"there is no record at {path!r} in the answer", self.where, "check 'item' in the manifest")
        return part


class Transport:
    """One account's way out: a session without cookies, proxies or anything else taken from the environment."""

    def __init__(
        self,
        *,
        allow_private: bool,
        clock: Callable[[], float],
        session: requests.Session | None = None,
        timeouts: Timeouts = USUAL,
        max_bytes: int = 32 * 1024 * 1024,
    ) -> None:
        self.session = session or requests.Session()
        self.session.trust_env = False
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = GuardedAdapter(allow_private)
        self.session.mount("http://", adapter)
        self.session.mount("https://", adapter)
        self.clock, self.timeouts, self.max_bytes = clock, timeouts, max_bytes

    def send(self, request: Request) -> Answer:
        """The final answer, after any redirects. Raises EgressDenied, Unavailable, Unknown, TooLarge, Malformed."""
        home = origin(request.url)
        for _ in range(MAX_HOPS + 1):
            check_url(request.url, request.where)
            answer = self._once(request)
            target = answer.headers.get("Location")
            if answer.status not in REDIRECTS or not target:
                return answer
            request = _redirected(request, urljoin(request.url, target), home)
        raise Malformed(f"more than {MAX_HOPS} redirects", request.where, "check the account's address")

    def close(self) -> None:
        self.session.close()

    def _once(self, request: Request) -> Answer:
        asked_at = self.clock()
        deadline = time.monotonic() + self.timeouts.total
        try:
            with self.session.request(
                request.method,
                request.url,
                headers={**request.headers, **request.credentials},
                data=request.body,
                timeout=(self.timeouts.connect, self.timeouts.read),
                allow_redirects=False,
                stream=True,
            ) as response:
                body = self._read(response, request, deadline)
                headers: CaseInsensitiveDict[str] = CaseInsensitiveDict(response.headers)
                return Answer(response.status_code, headers, body, request.url, request.where, asked_at, self.clock())
        except UnicodeError:
            # raised while the request is put together: nothing has been sent
            raise Misconfigured(
                "a header or the host name holds characters that cannot be sent", request.where, "plain ASCII there"
            ) from None
        except (requests.RequestException, HTTPError) as error:
            raise self._failure(error, request) from None

    def _read(self, response: requests.Response, request: Request, deadline: float) -> bytes:
        parts: list[bytes] = []
        size = 0
        for chunk in response.iter_content(CHUNK):
            size += len(chunk)
            if size > self.max_bytes:
                raise _lost(
                    request,
                    TooLarge(
                        f"the answer is larger than {self.max_bytes:,} bytes", request.where, "ask for smaller pages"
                    ),
                )
            if time.monotonic() > deadline:
                raise _lost(request, Unavailable(f"no whole answer within {self.timeouts.total:g} s", request.where))
            parts.append(chunk)
        return b"".join(parts)

    def _failure(self, error: Exception, request: Request) -> ConnectorError:
        cause = _root(error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Misconfigured(
                f"the certificate of {urlsplit(request.url).hostname} is not trusted: {cause.verify_message}",
                request.where,
                "a certificate from a public authority for this very host name",
            )
        if isinstance(cause, NameResolutionError):
            return Unavailable("the host name could not be resolved", request.where, "check the account's address")
        if isinstance(error, requests.ConnectTimeout) or isinstance(cause, ConnectTimeoutError | NewConnectionError):
            return Unavailable(
                "no connection could be made", request.where, "check the address, or wait until it is up"
            )
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidHeader):
            return Misconfigured("the request could not be built: bad address or header", request.where)
        what = (
            "no answer in time"
            if isinstance(error, requests.Timeout)
            else "the connection was lost before a whole answer"
        )
        return _lost(request, Unavailable(what, request.where))


def _lost(request: Request, error: ConnectorError) -> ConnectorError:
    """The same trouble, told by whether something may have been changed."""
    if not request.write:
        return error
    return Unknown(f"{error.what}; the write may have landed", error.where, "read the record before writing again")


def _redirected(request: Request, target: str, home: tuple[str, str, int]) -> Request:
    """The next hop. Credentials and bodies, which may hold secrets too, never leave the host they were made for, and a
    write is never sent on.
    """
    if request.write:
        raise Misconfigured(
            f"the provider redirects a write to {target.split('?')[0]}",
            request.where,
            "set the account's address to where it really lives",
        )
    if origin(request.url)[0] == "https" and origin(target)[0] != "https":
        raise EgressDenied("a redirect from https to an unprotected address", request.where)
    same = origin(target) == home
    if request.body is not None and not same:
        raise EgressDenied(
            f"the provider redirects to another host ({shown(target)}), and what was asked is not told there",
            request.where,
            "set the account's address to where it really lives",
        )
    return Request(
        request.method,
        target,
        request.headers if same else {"Accept": "application/json"},
        request.credentials if same else {},
        request.body,
    )


def _root(error: BaseException) -> BaseException:
    """The innermost reason that urllib3 or ssl gave."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _root(reason)
    inner = error.args[0] if error.args and isinstance(error.args[0], BaseException) else error.__cause__
    return _root(inner) if inner is not None and not isinstance(error, HTTPError) else error
