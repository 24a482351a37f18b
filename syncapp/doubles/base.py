"""The double: one provider's documented dialect as a Flask app, with controls for what people and fate do over there.

A subclass in ``syncapp/doubles/<slug>.py`` names its slug, fills ``app`` with routes, and says how its account is
reached. Each control that it does not have raises NotImplementedError, and the suite says "not tried".
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime
from types import TracebackType
from typing import ClassVar

from flask import Flask
from flask import Response as FlaskResponse
from werkzeug.wrappers import Request, Response

from syncapp.doubles.clock import Clock
from syncapp.doubles.control import control
from syncapp.doubles.delivery import Delivery, Handshake
from syncapp.doubles.faults import Faults, Troubled, plain_refusal
from syncapp.doubles.shelf import Fields, Shelf
from syncapp.serving import Serving

LARGEST_BODY = 8_000_000
HOOK = "https://hub.example/hooks/0123"


class Double:
    """One provider. Made new for every run; `serve` starts it in this process, and `url` is then its address."""

    slug: ClassVar[str]
    objects: ClassVar[tuple[str, ...]]
    # Seconds to which times in records are cut.
    resolution: ClassVar[float] = 0.001
    # Where files call one of its objects otherwise: their name -> ours.
    aliases: ClassVar[Mapping[str, str]] = {}
    # Of objects whose fields each account decides: path -> type of some that are there.
    columns: ClassVar[Mapping[str, Mapping[str, str]]] = {}

    def __init__(self) -> None:
        self.clock = Clock(self.resolution)
        self.shelf = Shelf(self.clock, self.objects)
        self.faults = Faults()
        self.hook_url = HOOK
        self.sent: list[Delivery] = []
        self.stopping = threading.Event()
        self.app = Flask(f"double of {self.slug}", static_folder=None)
        self.app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
        self.app.json.sort_keys = False  # type: ignore[attr-defined]
        self.app.register_blueprint(control(self))
        self.app.after_request(self._dated)
        self.app.wsgi_app = Troubled(  # type: ignore[method-assign]
            self.app.wsgi_app, self.faults,
            writes=self.is_write, spared=self.is_spared, refused=self._refused, stopping=self.stopping,
        )  # fmt: skip
        self.routes()

    # What every double says.

    def routes(self) -> None:
        """Put the dialect into `self.app`."""
        raise NotImplementedError(f"the double of {self.slug} has no routes")

    def config(self, address: str) -> dict[str, str]:
        """What an account needs to reach this double, in the words of the provider's docs; `server` is its address."""
        return {"server": address}

    def secrets(self) -> dict[str, str]:
        """Credentials that are good now: token, client id and secret, refresh token, webhook secret …"""
        return {}

    def is_write(self, request: Request) -> bool:
        """Whether a request changes something: a search by POST does not."""
        return request.method not in ("GET", "HEAD", "OPTIONS")

    def is_spared(self, request: Request) -> bool:
        """Calls that no trouble strikes: the controls, and where tokens are bought."""
        return request.path.startswith("/_double/") or "oauth" in request.path or request.path.endswith("/token")

    def refusal(self, status: int) -> Response:
        """The provider's own answer with this status: 429 with its headers, 401 in its words."""
        return plain_refusal(status)

    # What people and fate do over there. Each is optional.

    def edit(self, object: str, id: str, fields: Fields) -> None:
        """A person changes these fields, given in the shape in which a record is shown. By the provider's clock."""
        raise NotImplementedError

    def erase(self, object: str, id: str) -> None:
        """A person deletes the record."""
        raise NotImplementedError

    def stamp(self, object: str, ids: list[str], moment: datetime | None = None) -> None:
        """Give these records one time of change (now, if none is told), as an import does."""
        self.shelf.stamp(object, ids, moment or self.clock.now())

    def ids(self, object: str) -> list[str]:
        """What is really there and live: the truth that a listing is compared with."""
        return [row.id for row in self.shelf.rows(object)]

    def fail(self, kind: str, times: int = 1, only: str = "any", headers: dict[str, str] | None = None) -> None:
        """The next calls meet this trouble: a status as text, or one of `faults.KINDS`. `only`: read, write, any."""
        self.faults.add(kind, times, only, headers)

    def calm(self) -> None:
        """No trouble is waiting any more."""
        self.faults.clear()

    def expire(self) -> None:
        """The access token that is in use is not good any more; the refresh token is."""
        raise NotImplementedError

    def revoke(self) -> None:
        """Nothing of what the account holds is good any more: the grant was taken back."""
        raise NotImplementedError

    def target(self, url: str) -> None:
        """Where webhooks would be sent: some providers sign the address."""
        self.hook_url = url

    def deliveries(self) -> list[Delivery]:
        """The webhooks since the last time this was asked, signed as documented, in the order they happened."""
        told, self.sent = self.sent, []
        return told

    def sign(self, body: bytes, *, at: datetime) -> dict[str, str]:
        """The headers of a delivery of this body, signed at this time."""
        raise NotImplementedError

    def handshake(self) -> Handshake:
        """What the provider asks before it sends anything, and the answer that satisfies it."""
        raise NotImplementedError

    # What runs it.

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> Running:
        return Running(self, host, port)

    def _refused(self, status: int) -> Response:
        with self.app.app_context():
            return self.refusal(status)

    def _dated(self, response: FlaskResponse) -> FlaskResponse:
        response.headers["Date"] = format_datetime(self.clock.exact(), usegmt=True)
        return response


class Running:
    """`with double.serve() as running:` answers at `running.url` until the block ends."""

    def __init__(self, double: Double, host: str, port: int) -> None:
        self.double = double
        self._serving = Serving(double.app, host, port, LARGEST_BODY, f"double of {double.slug}")
        self.url = self._serving.url

    def __enter__(self) -> Running:
        self._serving.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.double.stopping.set()
        self._serving.stop()


__all__ = ["Clock", "Delivery", "Double", "Handshake", "Running", "Shelf"]
