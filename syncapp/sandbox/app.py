"""Put one sandbox together: store, clock, faults, outbox, the dialect's API, the back door and the pages."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from syncapp.sandbox.access import Access
from syncapp.sandbox.archive import archive
from syncapp.sandbox.billing import billing_api
from syncapp.sandbox.book import Shelf
from syncapp.sandbox.control import control
from syncapp.sandbox.crm import crm_api
from syncapp.sandbox.dialects import DIALECTS
from syncapp.sandbox.diary import Author
from syncapp.sandbox.faults import Clock, FaultBox, Faults
from syncapp.sandbox.gate import Gate, Hanging, Stats, tell_the_time
from syncapp.sandbox.oauth import oauth
from syncapp.sandbox.outbox import Address, Outbox
from syncapp.sandbox.pages import common, error_page, record_pages, site_pages
from syncapp.sandbox.people import settle_in
from syncapp.sandbox.quota import Quota
from syncapp.sandbox.settings import Settings
from syncapp.sandbox.store import Store
from syncapp.sandbox.trouble import trouble
from syncapp.sandbox.workflow import Workflow

LARGEST_BODY = 1_000_000
# Of the file; a file with another one is not opened.
LAYOUT = 2
APIS = {"crm": crm_api, "billing": billing_api}


@dataclass(frozen=True)
class Sandbox:
    """The running parts, found at app.extensions["sandbox"]."""

    shelf: Shelf
    store: Store
    outbox: Outbox
    workflow: Workflow
    access: Access
    quota: Quota
    stats: Stats
    stopping: threading.Event

    def start(self) -> None:
        self.outbox.start()
        self.workflow.start(self.shelf)

    def stop(self) -> None:
        self.stopping.set()
        self.workflow.stop()
        self.outbox.stop()


def create_app(settings: Settings) -> Flask:
    """The WSGI app; nothing runs in the background until its sandbox is started."""
    sandbox = _open(settings)
    shelf, people = sandbox.shelf, sandbox.shelf.people
    gate = Gate(people.dialect, people.box, sandbox.access, sandbox.quota, sandbox.stats)
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["sandbox"] = sandbox
    for book in shelf.books.values():
        app.register_blueprint(APIS[settings.dialect](book, gate, Author("api", settings.client)))
        app.register_blueprint(record_pages(book))
    app.register_blueprint(archive(shelf, gate))
    app.register_blueprint(control(shelf, sandbox.stats, settings.title))
    app.register_blueprint(trouble(shelf, sandbox.workflow, sandbox.access, sandbox.quota))
    if settings.token_ttl:
        app.register_blueprint(oauth(sandbox.access, gate))
    app.register_blueprint(site_pages(people, sandbox.workflow, sandbox.access, sandbox.quota))
    app.context_processor(lambda: common(shelf, settings.title))
    app.register_error_handler(HTTPException, _answer_for_machines_and_people)
    app.after_request(_shut_out_foreign_content)
    tell_the_time(app, people.clock)
    app.wsgi_app = Hanging(app.wsgi_app, sandbox.stopping)  # type: ignore[method-assign]
    return app


def _open(settings: Settings) -> Sandbox:
    dialect, store = DIALECTS[settings.dialect], Store(settings.data)
    if store.setting("dialect") not in (None, dialect.name):
        raise ValueError(
            f"{settings.data} holds a {store.setting('dialect')} sandbox, not {dialect.name}. Name another file."
        )
    if store.setting("layout") != LAYOUT and store.setting("dialect"):
        raise ValueError(f"{settings.data} was made by another version of the sandbox. Name another file.")
    store.set_setting("dialect", dialect.name)
    store.set_setting("layout", LAYOUT)
    box = FaultBox(settings.faults or Faults.read(store.setting("faults") or {}))
    store.set_setting("faults", box.now.as_json())
    outbox = Outbox(dialect, store, box, settings.webhook_batch)
    if settings.webhook:
        outbox.point_at(Address.read({"url": settings.webhook.url, "secret": settings.webhook.secret}))
    workflow = Workflow(store)
    clock = Clock(box, dialect.granularity_ms)
    shelf = Shelf.of(dialect, store, clock, box, outbox, workflow.react)
    if settings.deletes:
        store.set_setting("deletes", settings.deletes)
    settle_in(shelf, settings.seed, settings.companies)
    quota = Quota(store, clock)
    if settings.daily_quota is not None:
        quota.change(limit=settings.daily_quota)
    access = Access(store, settings.token, settings.token_ttl, settings.client, settings.client_secret)
    access.accept(settings.refresh_token)
    return Sandbox(shelf, store, outbox, workflow, access, quota, Stats(), threading.Event())


def _answer_for_machines_and_people(error: HTTPException) -> Response | tuple[str, int]:
    if request.path.startswith(("/api/", "/v1/", "/oauth/", "/_sandbox/")):
        response = jsonify({"error": {"code": error.name.lower().replace(" ", "_"), "message": error.description}})
        response.status_code = error.code or 500
        return response
    return error_page(error.name, error.description or "", error.code or 500)


def _shut_out_foreign_content(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = "default-src 'self'; form-action 'self'; frame-ancestors 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
