"""Put one sandbox together: store, clock, faults, outbox, the dialect's API, the back door and the pages."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from syncapp.sandbox.billing import billing_api
from syncapp.sandbox.book import Author, Book
from syncapp.sandbox.control import control
from syncapp.sandbox.crm import crm_api
from syncapp.sandbox.dialects import DIALECTS
from syncapp.sandbox.faults import Clock, FaultBox, Faults
from syncapp.sandbox.gate import Gate, Hanging, Stats, tell_the_time
from syncapp.sandbox.outbox import Address, Outbox
from syncapp.sandbox.pages import error_page, pages
from syncapp.sandbox.people import settle_in
from syncapp.sandbox.settings import Settings
from syncapp.sandbox.store import Store

LARGEST_BODY = 1_000_000
APIS = {"crm": crm_api, "billing": billing_api}


@dataclass(frozen=True)
class Sandbox:
    """The running parts, found at app.extensions["sandbox"]."""

    book: Book
    stats: Stats
    stopping: threading.Event

    def start(self) -> None:
        self.book.outbox.start()

    def stop(self) -> None:
        self.stopping.set()
        self.book.outbox.stop()


def create_app(settings: Settings) -> Flask:
    """The WSGI app; nothing runs in the background until its sandbox is started."""
    book = _open(settings)
    sandbox = Sandbox(book, Stats(), threading.Event())
    gate = Gate(book, settings.token, sandbox.stats)
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["sandbox"] = sandbox
    app.register_blueprint(APIS[settings.dialect](book, gate, Author("api", settings.client)))
    app.register_blueprint(control(book, sandbox.stats, settings.title))
    app.register_blueprint(pages(book, settings.title))
    app.register_error_handler(HTTPException, _answer_for_machines_and_people)
    app.after_request(_shut_out_foreign_content)
    tell_the_time(app, book.clock)
    app.wsgi_app = Hanging(app.wsgi_app, sandbox.stopping)  # type: ignore[method-assign]
    return app


def _open(settings: Settings) -> Book:
    dialect, store = DIALECTS[settings.dialect], Store(settings.data)
    if store.setting("dialect") not in (None, dialect.name):
        raise ValueError(
            f"{settings.data} holds a {store.setting('dialect')} sandbox, not {dialect.name}. Name another file."
        )
    store.set_setting("dialect", dialect.name)
    box = FaultBox(settings.faults or Faults.read(store.setting("faults") or {}))
    store.set_setting("faults", box.now.as_json())
    outbox = Outbox(dialect, store, box)
    if settings.webhook:
        outbox.point_at(Address.read({"url": settings.webhook.url, "secret": settings.webhook.secret}))
    book = Book(dialect, store, Clock(box, dialect.granularity_ms), box, outbox)
    settle_in(book, settings.seed)
    return book


def _answer_for_machines_and_people(error: HTTPException) -> Response | tuple[str, int]:
    if request.path.startswith(("/api/", "/v1/", "/_sandbox/")):
        response = jsonify({"error": {"code": error.name.lower().replace(" ", "_"), "message": error.description}})
        response.status_code = error.code or 500
        return response
    return error_page(error.name, error.description or "", error.code or 500)


def _shut_out_foreign_content(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = "default-src 'self'; form-action 'self'; frame-ancestors 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
