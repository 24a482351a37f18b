"""A change of a sync in the browser: typed, looked at, and only then done, with a reason."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from policies.models import Sync
from syncapp.access import ADMINISTER, needs
from syncapp.apply.file import ApplyError
from syncapp.connect.credentials import Moved
from syncapp.connectors.errors import ManifestError
from syncapp.models import Run
from syncapp.shell import shell
from syncapp.words import sentence

from .changing import Change, Outlook, carry_out, foresee, seen
from .chosen import OFFERED, Unclear
from .pages import PLACE, sync_or_404
from .wishes import RETYPED, TITLES, TYPED, Post, change_of, fillers, text, title_of

LONGEST_WHY = 200
FRAME = ("csrfmiddlewaretoken", "do", "seen", "looked", "why")


@dataclass(slots=True)
class Shown:
    """What the page shows besides what was typed."""

    post: Post
    outlook: Outlook | None = None
    problem: str = ""
    status: int = 200


@needs(ADMINISTER)
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    if kind not in TITLES:
        raise Http404("There is no such change. The page of the sync lists what can be changed.")
    sync, asked = sync_or_404(slug), request.POST or request.GET
    if sync.retired and kind != "take-up":
        messages.warning(request, f"{sync} is retired; take it up again before it is changed.")
        return redirect("sync", slug)
    if request.method == "GET" and kind in TYPED:
        return _page(request, sync, kind, Shown({}))
    shown = Shown(asked)
    try:
        wish = change_of(kind, sync, asked)
        if request.POST.get("do") == "confirm" and (problem := _not_yet(request.POST)) == "":
            return _done(request, sync, kind, carry_out(sync, wish, *_signed(request)))
        if request.POST.get("do") == "confirm":
            shown.problem, shown.status = problem, 422
        _look(shown, sync, wish, request.user.get_username())
    except Unclear as error:
        shown.problem, shown.status = sentence(str(error)[:1].upper() + str(error)[1:]), 422
    except Moved as moved:
        shown.problem, shown.status = sentence(f"Nothing was changed: {moved}"), 409
    except (ApplyError, ManifestError) as error:
        accepted = f"; accepted: {error.accepted}" if error.accepted else ""
        shown.problem, shown.status = sentence(f"It cannot be done like that: {error.message}{accepted}"), 422
    return _page(request, sync, kind, shown)


def _look(shown: Shown, sync: Sync, wish: Change, by: str) -> None:
    shown.outlook = foresee(sync, wish, by)
    if shown.outlook.blocked and not shown.problem:
        shown.status = 409


def _not_yet(post: Post) -> str:
    """Why what was looked at cannot be done yet."""
    if post.get("looked") != _print(post):
        return "What you typed is not what you looked at; below is what it would do now."
    why = text(post, "why")
    if not why or len(why) > LONGEST_WHY:
        return f"Say why, in 1 to {LONGEST_WHY} characters: it is kept with the change, and nothing was changed yet."
    return ""


def _print(post: Post) -> str:
    """What was typed, without the frame around it."""
    told = sorted((name, value) for name, value in post.items() if name not in FRAME)
    return hashlib.sha256(repr(told).encode()).hexdigest()[:32]


def _signed(request: HttpRequest) -> tuple[str, str, str]:
    return request.POST.get("seen", ""), request.user.get_username(), text(request.POST, "why")


def _done(request: HttpRequest, sync: Sync, kind: str, plan: Run | None) -> HttpResponse:
    title = title_of(kind, sync, request.POST)
    if plan is not None:
        messages.success(request, f"{title}: done. Nothing is written before somebody approves this plan.")
        return redirect("plan", plan.pk)
    messages.success(request, f"{title}: done.")
    return redirect("sync", sync.slug)


def _page(request: HttpRequest, sync: Sync, kind: str, shown: Shown) -> HttpResponse:
    told: dict[str, Any] = {
        "sync": sync, "kind": kind, "typed": kind in TYPED, "outlook": shown.outlook, "problem": shown.problem,
        "given": shown.post, "seen": seen(sync), "looked": _print(shown.post), "types": OFFERED,
        "form": f"syncs/_{kind.replace('-', '_')}.html" if kind in TYPED else "syncs/_role_given.html",
    }  # fmt: skip
    if kind == "add-field":
        told["fillers"] = [_filler(feed.role, options, shown.post) for feed, options in fillers(sync)]
        told["roles"] = sync.roles.filter(left="")
    if kind == "type":
        told |= {"types": RETYPED, "fields": sync.fields.all()}
    if kind == "rename":
        told["rows"] = [("field", one.name, _typed(shown.post, "field", one)) for one in sync.fields.all()]
        told["rows"] += [("role", one.name, _typed(shown.post, "role", one)) for one in sync.roles.all()]
    page = shell(request, title_of(kind, sync, shown.post), place=PLACE, **told)
    return render(request, "syncs/change.html", page, status=shown.status)


def _filler(role: Any, options: Any, post: Post) -> dict[str, Any]:
    name = role.name
    return {"role": role, "options": options, "map": text(post, f"map-{name}"), "path": text(post, f"path-{name}")}


def _typed(post: Post, what: str, row: Any) -> str:
    name = f"{what}-{row.name}"
    return text(post, name) if name in post else str(row.label)
