"""For an account of a database: which of its tables are kept in step, chosen from those that are there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from syncapp.access import ADMINISTER, needs
from syncapp.apply.changes import Changes
from syncapp.apply.locks import hold_set_up
from syncapp.connectors.errors import ConnectorError
from syncapp.connectors.sql.describe import Described
from syncapp.models import Account
from syncapp.secrets import SecretProblem
from syncapp.shell import shell
from syncapp.tables import choose, describe, is_database, look_again, tables_of
from syncapp.words import sentence

from .credentials import Moved, seen
from .noted import note
from .pages import PLACE, account_or_404

MOVED = "somebody else changed this account since the page was shown; look at it again"
# What a person may say otherwise than it was suggested; a set-up file may say more.
ASKED = ("key", "updated_at", "created_at", "deleted", "zone")


class Unclear(ValueError):
    """What cannot be used, and what to do; one sentence."""


@needs(ADMINISTER)
@require_http_methods(["GET", "POST"])
def tables(request: HttpRequest, slug: str) -> HttpResponse:
    account = account_or_404(slug)
    if not is_database(account):
        raise Http404("This account is no database: its records are those that its provider's file names.")
    if request.method == "GET":
        return _page(request, account)
    try:
        messages.success(request, _done(account, request.POST, request.user.get_username()))
    except Moved as moved:
        account.refresh_from_db()
        return _page(request, account, sentence(f"Nothing was changed: {moved}"), 409)
    except (Unclear, ConnectorError, SecretProblem) as error:
        return _page(request, account, sentence(f"Nothing was changed: {error}"), 422)
    return redirect("account_tables", slug)


def _done(account: Account, post: Mapping[str, str], by: str) -> str:
    """Raises Moved, Unclear, ConnectorError and SecretProblem."""
    name, deed = post.get("name", "").strip(), post.get("do", "")
    if deed == "drop":
        return _drop(account, name, post.get("seen", ""), by)
    if deed == "refresh":
        changed = look_again(account)
        _keep(account, account.tables, post.get("seen", ""), by)
        return f"Changed: {', '.join(changed)}." if changed else "Every chosen table is as it was."
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or len(name) > 60:
        raise Unclear(f"{name!r} cannot be its name here; accepted: lower-case letters, digits and underscores")
    found = choose(account, name, _choice(post))
    _keep(account, {**account.tables, name: found}, post.get("seen", ""), by)
    return f"{name} can be bound now."


def _choice(post: Mapping[str, str]) -> dict[str, Any]:
    told = {part: post.get(part, "").replace("\0", "").strip()[:300] for part in ASKED}
    key = [one.strip() for one in told.pop("key").split(",") if one.strip()]
    said: dict[str, Any] = {part: text for part, text in told.items() if text}
    return {"table": post.get("table", "").replace("\0", "")[:200], **({"key": key} if key else {}), **said}


def _drop(account: Account, name: str, shown: str, by: str) -> str:
    if account.feeds.filter(object=name).exists():
        raise Unclear(f"{name} is kept in step; remove the account, or pause that feed")
    if name not in account.tables:
        raise Unclear(f"{name!r} is not among the chosen tables")
    _keep(account, {slug: told for slug, told in account.tables.items() if slug != name}, shown, by)
    return f"{name} is no longer among the chosen tables; nothing in the database was changed."


def _keep(account: Account, wanted: Mapping[str, Any], shown: str, by: str) -> None:
    """What the database was asked for has been found by now: nothing waits for it while the set-up is held."""
    with transaction.atomic():
        hold_set_up()
        row = Account.objects.get(pk=account.pk)
        if seen(row) != shown:
            raise Moved(MOVED)
        changes = Changes()
        changes.put(row, f"account {row.slug}", {"tables": dict(wanted)})
        note(row, by, [f"{row.name}: other tables"] if changes.lines else [])


def _page(request: HttpRequest, account: Account, problem: str = "", status: int = 200) -> HttpResponse:
    found: list[Described] = []
    try:
        found = describe(account)
    except (ConnectorError, SecretProblem) as error:
        problem = problem or f"The database cannot be looked at: {sentence(str(error))}"
    chosen = tables_of(account)
    told = {"account": account, "chosen": chosen, "found": [(one, _name(one, chosen)) for one in found]}
    told |= {"problem": problem, "seen": seen(account), "given": request.POST}
    page = shell(request, f"Tables of {account.name}", place=PLACE, **told)
    return render(request, "accounts/tables.html", page, status=status)


def _name(table: Described, chosen: Mapping[str, object]) -> str:
    """How feeds will call it."""
    plain = re.sub(r"[^a-z0-9]+", "_", table.name.casefold()).strip("_") or "table"
    name = (plain if plain[0].isalpha() else f"t_{plain}")[:50]
    return next(one for one in (name, *(f"{name}_{n}" for n in range(2, 1000))) if one not in chosen)
