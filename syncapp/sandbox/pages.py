"""The pages on which people work: list, record with its form, new record, and what the sandbox is told to do."""

from __future__ import annotations

from urllib.parse import quote, unquote

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from syncapp.sandbox.access import Access
from syncapp.sandbox.book import Book, Shelf
from syncapp.sandbox.control import person_called
from syncapp.sandbox.dialects import iso
from syncapp.sandbox.gate import whole_number
from syncapp.sandbox.merging import merge
from syncapp.sandbox.quota import Quota
from syncapp.sandbox.refusals import Refused
from syncapp.sandbox.store import Record
from syncapp.sandbox.values import KINDS, Field, Json
from syncapp.sandbox.workflow import Workflow

PAGE = 50
NAME_COOKIE = "sandbox_name"


def common(shelf: Shelf, title: str) -> dict[str, object]:
    """What every page needs."""
    name = unquote(request.cookies.get(NAME_COOKIE, ""))
    nav = [(book.sort.name.capitalize(), url_for(f"{book.sort.name}.home")) for book in shelf.books.values()]
    return {
        "title": title, "dialect": shelf.people.dialect, "show": show, "iso": iso, "who": who, "my_name": name,
        "nav": nav, "home": nav[0][1],
    }  # fmt: skip


def record_pages(book: Book) -> Blueprint:
    """List, record and new record of one sort; people's pages stand at the top."""
    sort = book.sort
    site = Blueprint(sort.name, __name__, url_prefix=None if sort is book.dialect.sorts[0] else f"/{sort.name}")
    site.before_request(own_pages_only)
    site.register_error_handler(Refused, refused)
    site.context_processor(lambda: {"sort": sort})

    @site.get("/")
    def home() -> str:
        number, search = whole_number("page", 1, 1, 10**6), request.args.get("q", "").strip()
        pattern = "%" + search.lower().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
        where = r"WHERE deleted = 0 AND search LIKE ? ESCAPE '\'"
        total = book.table.count(where, [pattern])
        last = max(1, -(-total // PAGE))
        number = min(number, last)
        records = book.table.records(f"{where} ORDER BY number LIMIT {PAGE} OFFSET ?", [pattern, (number - 1) * PAGE])
        return render_template("list.html", records=records, search=search, total=total, page=number, last=last)

    @site.get("/records/<identifier>")
    def record(identifier: str) -> str:
        found = book.find(identifier)
        return render_template("record.html", record=found, shown=_shown(found), was=_shown(found), error=None)

    @site.post("/records/<identifier>")
    def save(identifier: str) -> AnyResponse:
        try:
            raw = _typed(changed_only=True)
            if raw:
                book.update(person_called(request.form.get("actor")), identifier, raw)
        except Refused as error:
            return _again(error, book.find(identifier))
        return _remember(redirect(url_for(".record", identifier=identifier, saved=len(raw)), 303))

    @site.post("/records/<identifier>/delete")
    def delete(identifier: str) -> AnyResponse:
        book.delete(person_called(request.form.get("actor")), identifier)
        return _remember(redirect(url_for(".record", identifier=identifier), 303))

    @site.get("/new")
    def new() -> str:
        blank = {item.name: "" for item in sort.fields}
        return render_template("record.html", record=None, shown=blank, was=blank, error=None)

    @site.post("/new")
    def create() -> AnyResponse:
        try:
            made = book.create(person_called(request.form.get("actor")), _typed(changed_only=False))
        except Refused as error:
            return _again(error, None)
        return _remember(redirect(url_for(".record", identifier=made.id, saved=1), 303))

    @site.post("/records/<identifier>/merge")
    def merge_another(identifier: str) -> AnyResponse:
        loser = request.form.get("loser", "").strip()
        try:
            merge(book, person_called(request.form.get("actor")), identifier, loser)
        except Refused as error:
            found = book.find(identifier)
            page = render_template("record.html", record=found, shown=_shown(found), was=_shown(found), error=error)
            return make_response(page, error.status)
        return _remember(redirect(url_for(".record", identifier=identifier, saved=1), 303))

    def _shown(found: Record) -> dict[str, str]:
        return {item.name: show(item, found.fields[item.name]) for item in sort.fields}

    def _typed(changed_only: bool) -> dict[str, Json]:
        """What the person changed: a form posts every field, and the untouched ones are not the person's."""
        raw = {}
        for item in sort.fields:
            text = request.form.get(item.name)
            if text is None or (changed_only and text == request.form.get(f"was-{item.name}")):
                continue
            raw[item.name] = KINDS[item.kind].parse(item, text)
        return raw if changed_only else {name: value for name, value in raw.items() if value not in (None, [])}

    def _again(error: Refused, found: Record | None) -> Response:
        shown = {item.name: request.form.get(item.name, "") for item in sort.fields}
        was = {item.name: request.form.get(f"was-{item.name}", "") for item in sort.fields}
        page = render_template("record.html", record=found, shown=shown, was=was, error=error)
        return make_response(page, error.status)

    return site


def site_pages(people: Book, workflow: Workflow, access: Access, quota: Quota) -> Blueprint:
    site = Blueprint("pages", __name__)

    @site.get("/about")
    def about() -> str:
        address = people.outbox.address
        return render_template(
            "about.html", faults=people.box.now.as_json(), usual=type(people.box.now)().as_json(),
            webhook=address.url if address else None, counts=people.outbox.counts(),
            deletes=people.deletes, left=quota.look(), ttl=access.ttl, rules=workflow.rules,
        )  # fmt: skip

    return site


def refused(error: Refused) -> tuple[str, int]:
    return error_page("That did not work", error.message, error.status)


def own_pages_only() -> tuple[str, int] | None:
    """A form on somebody else's page may not edit here."""
    if request.method == "POST" and request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        return error_page("That did not work", "The form was sent from another site. Use the form here.", 403)
    return None


def show(item: Field, value: Json) -> str:
    return KINDS[item.kind].show(value)


def who(record: Record) -> str:
    return f"{record.actor} (by API)" if record.actor_kind == "api" else record.actor


def error_page(heading: str, sentence: str, status: int) -> tuple[str, int]:
    return render_template("error.html", heading=heading, sentence=sentence), status


def _remember(answer: AnyResponse) -> AnyResponse:
    """The name is asked once; a cookie brings it back."""
    name = quote(request.form.get("actor", "").strip()[:80])
    answer.set_cookie(NAME_COOKIE, name, max_age=31_536_000, samesite="Strict", httponly=True)
    return answer
