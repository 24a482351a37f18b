"""Step 4: choose an object, bind it to a role of a sync, and map its fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from policies.core.rules import CREATOR, SHARED
from policies.core.values import HUB
from policies.models import Role, Sync
from syncapp.access import ADMINISTER, needs
from syncapp.apply.file import ApplyError
from syncapp.connectors.transforms import REGISTRY
from syncapp.facts import manifest_of
from syncapp.mapper.editor import Editor, Entries
from syncapp.models import Account, Draft, Feed
from syncapp.shell import is_partial, shell
from syncapp.tables import is_database
from syncapp.words import sentence

from .bind import bind, look_first
from .credentials import Moved
from .drafts import Taken, begin, drop, editor_of, save, spec_of
from .fresh import sync_from
from .hubside import hub_values
from .meant import ROLE, remembered, target_of
from .pages import PLACE, account_or_404
from .sample import sample_of
from .scopetext import HELP, as_text, conditions_of
from .within import counted_in

NEW_ROLE, NEW_SYNC = "new-role:", "new-sync"
LONGEST_NAME = 120


class Unclear(ValueError):
    """What is missing in the form; one sentence."""


@needs(ADMINISTER)
@require_http_methods(["GET", "POST"])
def bind_to(request: HttpRequest, slug: str) -> HttpResponse:
    account = account_or_404(slug)
    problem = ""
    if not manifest_of(account).objects and is_database(account):
        return redirect("account_tables", slug)  # its objects are the tables that are chosen there
    if request.method == "POST":
        try:
            draft = _begun(account, request.POST, request.user.get_username())
            return redirect("account_draft", slug, draft.pk)
        except (Unclear, Taken) as error:
            problem = sentence(str(error)[:1].upper() + str(error)[1:])
    told = {"account": account, "problem": problem, "objects": _objects(account), "targets": _targets()}
    target = request.GET.get("target") or remembered(request, account)
    asked = {"target": target, "name": account.name} if target else {}
    told |= {"drafts": account.drafts.select_related("sync"), "given": request.POST or asked}
    page = shell(request, f"Keep records of {account.name} in step", place=PLACE, **told)
    return render(request, "accounts/bind.html", page, status=422 if problem else 200)


def _objects(account: Account) -> list[tuple[str, str, str]]:
    """(slug, name, what the test found about it where that is no good)."""
    tried: Mapping[str, str] = account.tried.get("objects", {})
    objects = manifest_of(account).objects.items()
    return [(slug, spec.name, "" if tried.get(slug, "ok") == "ok" else tried[slug]) for slug, spec in objects]


def _targets() -> list[tuple[str, str]]:
    """What an object may be bound to: roles without a feed, a new role, a new sync."""
    free = Role.objects.filter(feed=None, left="", sync__retired="").select_related("sync")
    roles = [(target_of(role), f"{role.sync.name}: the role {role}") for role in free]
    syncs = [(NEW_ROLE + sync.slug, f"{sync.name}: a new role") for sync in Sync.objects.filter(retired="")]
    return [*roles, *syncs, (NEW_SYNC, "A new sync, made of this object’s fields")]


def _begun(account: Account, post: Mapping[str, str], by: str) -> Draft:
    """Raises Unclear and Taken."""
    chosen, target, name = post.get("object", ""), post.get("target", "").replace("\0", ""), _name(post)
    if chosen not in manifest_of(account).objects:
        raise Unclear("choose which records are to be kept in step")
    if target.startswith(ROLE):
        slug, _, role = target.removeprefix(ROLE).partition(":")
        if not Role.objects.filter(sync=_sync(slug), name=role).exists():
            raise Unclear("choose what it is bound to")
        return begin(account, chosen, _sync(slug), role, "", by)
    if not name:
        raise Unclear("give this side a name, such as CRM or Billing")
    sync = _new_sync(account, chosen, post) if target == NEW_SYNC else _sync(target.removeprefix(NEW_ROLE))
    role = role_name(name)
    if Role.objects.filter(sync=sync, name=role).exists():
        raise Unclear(f"“{sync.name}” has a role “{role}” already; give this side another name, or choose that role")
    return begin(account, chosen, sync, role, name, by)


def _name(post: Mapping[str, str]) -> str:
    return post.get("name", "").replace("\0", "").strip()[:LONGEST_NAME]


def _sync(slug: str) -> Sync:
    sync = Sync.objects.filter(slug=slug).first()
    if sync is None:
        raise Unclear("choose what it is bound to")
    return sync


def _new_sync(account: Account, object_slug: str, post: Mapping[str, str]) -> Sync:
    spec, wanted = spec_of(account, object_slug), post.get("sync_name", "").replace("\0", "").strip()[:LONGEST_NAME]
    sample = sample_of(account, object_slug)
    if not spec.fields and sample.body is None:
        raise Unclear(f"a new sync takes its fields from a record, and none was found: {sample.trouble}")
    sync = sync_from(wanted or spec.name, spec, sample.body)
    if not sync.fields.exists():
        sync.delete()
        raise Unclear(f"a new sync takes its fields from a record of the account: {sample.trouble or 'it has none'}")
    return sync


def role_name(label: str) -> str:
    """As policies speak of it."""
    plain = re.sub(r"[^a-z0-9]+", "_", label.casefold()).strip("_")[:60]
    name = plain if plain[:1].isalpha() else f"side_{plain}".rstrip("_")
    return f"{name}_side" if name in (HUB, SHARED, CREATOR) else name


@needs(ADMINISTER)
@require_POST
def remap(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """A draft of what a feed has already."""
    feed = Feed.objects.filter(pk=pk, account__slug=slug).select_related("account", "role__sync").first()
    if feed is None:
        raise Http404("There is no such feed. The page of the account lists them.")
    role = feed.role
    try:
        made = begin(feed.account, feed.object, role.sync, role.name, role.label, request.user.get_username())
    except Taken as taken:
        messages.warning(request, sentence(str(taken)[:1].upper() + str(taken)[1:]))
        return redirect("account", slug)
    return redirect("account_draft", slug, made.pk)


@dataclass(slots=True)
class Shown:
    """What the page of a draft shows: the mapping as it is, or as it was typed where that cannot be kept."""

    mapping: Entries
    scope: str
    every: str
    settle: str
    wrong: dict[str, str]
    why: dict[str, str]
    problem: str = ""
    status: int = 200
    post: Mapping[str, str] | None = None


@needs(ADMINISTER)
@require_http_methods(["GET", "POST"])
def draft(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    row = Draft.objects.filter(pk=pk, account__slug=slug).select_related("account", "sync").first()
    if row is None:
        messages.info(request, "That draft is no longer there: somebody put it to use, or dropped it.")
        return redirect("account", slug)
    if request.method == "POST":
        return _posted(request, row)
    return _page(request, row, _as_kept(row))


def _as_kept(row: Draft) -> Shown:
    return Shown(row.mapping, as_text(row.scope), f"{row.schedule:g}", f"{row.settle_delay:g}", {}, {})


def _posted(request: HttpRequest, row: Draft) -> HttpResponse:
    post, by = request.POST, request.user.get_username()
    shown_version = post.get("version", "")
    version = int(shown_version) if shown_version.isdecimal() and len(shown_version) < 10 else 0
    try:
        if post.get("do") == "drop":
            drop(row, version)
            messages.success(request, "The draft is dropped; nothing else was changed.")
            return redirect("account", row.account.slug)
        editor, _ = editor_of(row)
        shown, told = _typed(editor, row, post)
        if is_partial(request):
            return _told(request, row, editor, shown)
        if shown.problem or shown.wrong:
            return _page(request, row, shown)
        save(row, version, by, **told)
        if post.get("do") == "bind":
            return _bound(request, row, by)
    except Moved as moved:
        kept = _as_kept(Draft.objects.select_related("account", "sync").filter(pk=row.pk).first() or row)
        kept.problem, kept.status = sentence(f"Nothing was changed: {moved}"), 409
        row.refresh_from_db()
        return _page(request, row, kept)
    messages.success(request, "The draft is saved. Nothing acts on it before you put it to use.")
    return redirect("account_draft", row.account.slug, row.pk)


def _typed(editor: Editor, row: Draft, post: Mapping[str, str]) -> tuple[Shown, dict[str, Any]]:
    """What was typed, and what of it is to be saved."""
    mapping, wrong = editor.read(post, row.mapping)
    why: dict[str, str] = {}
    if post.get("do") == "suggest" and not wrong:
        mapping, why = editor.suggested(mapping)
    shown = Shown(
        mapping,
        post.get("scope", "").replace("\0", ""),
        post.get("every", ""),
        post.get("settle", ""),
        wrong,
        why,
        post=post,
    )
    told: dict[str, Any] = {"mapping": mapping, "sample_id": post.get("sample", "").replace("\0", "").strip()[:255]}
    try:
        told["scope"] = conditions_of(shown.scope)
        told["schedule"] = _number(shown.every, "Seconds between two looks", 1, 31_536_000)
        told["settle_delay"] = _number(shown.settle, "Settle delay", 0, 86_400)
    except ValueError as error:
        shown.problem = sentence(f"Nothing was saved: {error}")
    if wrong and not shown.problem:
        shown.problem = "Nothing was saved: mend what is marked below."
    shown.status = 422
    return shown, told


def _number(text: str, what: str, low: float, high: float) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not low <= found <= high:
        raise ValueError(f"{what}: {text!r} cannot be used; accepted: a number from {low:g} to {high:,.0f}")
    return found


def _bound(request: HttpRequest, row: Draft, by: str) -> HttpResponse:
    """Put to use, or why it cannot be; the draft stays then."""
    editor, _ = editor_of(row)
    rows = editor.rows(row.mapping)
    bad = [one for one in editor.whole(rows) if one.tone == "bad"]
    if bad or any(one.problem for one in rows):
        kept = _as_kept(row)
        kept.problem, kept.status = f"It is saved, but cannot be used yet. {bad[0].said if bad else ''}".strip(), 422
        return _page(request, row, kept)
    try:
        feed = bind(row, row.version, by)
    except ApplyError as error:
        kept = _as_kept(row)
        name = error.path.rpartition("mapping.")[2] if ".mapping." in error.path else ""
        said = sentence(f"{error.message}{f'; accepted: {error.accepted}' if error.accepted else ''}")
        kept.wrong = {name: said} if name else {}
        kept.problem, kept.status = f"It is saved, but cannot be used yet: {said}", 422
        return _page(request, row, kept)
    return _go(request, feed, by)


def _go(request: HttpRequest, feed: Feed, by: str) -> HttpResponse:
    plan = look_first(feed, by)
    if plan is not None:
        messages.success(
            request, "Nothing has been written yet. This plan shows what would happen; approving it begins."
        )
        return redirect("plan", plan.pk)
    if feed.baseline:
        said = "What was known by the old mapping is taken in first; make a plan of it under Plans in a moment."
        messages.info(request, said)
    else:
        messages.success(request, "It is put to use; nothing has to be looked at first.")
    return redirect("account", feed.account.slug)


def _told(request: HttpRequest, row: Draft, editor: Editor, shown: Shown) -> HttpResponse:
    """Only what came of it, for a page that keeps what is being typed."""
    rows = editor.rows(shown.mapping, wrong=shown.wrong, post=shown.post)
    told = {"rows": rows, "whole": editor.whole(rows), "both": editor.both_ways(rows), "draft": row, "swap": True}
    return render(request, "mapper/_told.html", told)


def _page(request: HttpRequest, row: Draft, shown: Shown) -> HttpResponse:
    editor, sample = editor_of(row)
    feed = Feed.objects.filter(role__sync=row.sync, role__name=row.role).first()
    hub = hub_values(row.sync, editor, shown.mapping)
    rows = editor.rows(shown.mapping, wrong=shown.wrong, why=shown.why, hub=hub, post=shown.post)
    told = {
        "draft": row, "account": row.account, "rows": rows, "whole": editor.whole(rows), "options": editor.options,
        "both": editor.both_ways(rows), "sample": sample, "shown": shown, "problem": shown.problem, "feed": feed,
        "within": counted_in(row.account, editor, row.mapping, row.scope) if row.scope else "",
        "scope_help": HELP, "transforms": sorted(REGISTRY),
    }  # fmt: skip
    title = f"Map {editor.spec.name} of {row.account.name} to {row.sync.name}"
    return render(request, "accounts/map.html", shell(request, title, place=PLACE, **told), status=shown.status)
