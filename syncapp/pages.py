"""The pages whose rows live with the clerk: home, records, one record, why a value is what it is, editing it."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_http_methods

from policies.core.digest import digest
from policies.core.resolve import Refused
from policies.models import Sync

from .access import DECIDE, EDIT, RELEASE, SEE, STOP, needs
from .brakes import open_brakes
from .clearing import clearing
from .edit import edit_record
from .explain import explain, find_records
from .identitypage import heir_of, twins_of
from .keyset import by_time
from .load import Contended
from .models import Brake, Record
from .overview import overview
from .plan.waiting import previews
from .recordpage import table_of
from .shell import is_partial, shell
from .sight import Sight, sight_of
from .store import NoPolicy
from .timeline import timeline
from .typed import ValueForm
from .words import sentence
from .zones import zones

PAGE = 50
TITLE_LIMIT = 50
UNSEEN = "-"


@needs()
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    told = shell(request, "Home", may_decide=request.user.has_perm(DECIDE))
    told |= {"may_stop": request.user.has_perm(STOP), "may_release": request.user.has_perm(RELEASE)}
    if told["may_see"]:
        told["brakes"] = [one for one in open_brakes() if one.code != Brake.Code.STOP or one.sync_id]
        told["syncs"] = overview(told["brakes"])
        told["may_stop"] &= not all(one.stopped for one in told["syncs"])
        told["previews"] = previews()
        told["open"] = sum(one.open for one in told["syncs"])
        told["oldest"] = min((one.oldest for one in told["syncs"] if one.oldest), default=None)
    if is_partial(request):
        return fresh(request, "home/_health.html", told)
    told["zones"] = sorted(zones())
    told["seen"] = UNSEEN
    return render(request, "home/home.html", told)


def fresh(request: HttpRequest, template: str, told: dict[str, Any]) -> HttpResponse:
    """A part of a page; 204 when it is what the reader already has, so that nothing is swapped under their hands."""
    html, seen = part(request, template, told)
    return HttpResponse(status=204) if request.GET.get("seen") == seen else HttpResponse(html)


def part(request: HttpRequest, template: str, told: dict[str, Any]) -> tuple[SafeString, str]:
    """The part, and the digest by which its next version is told apart, which is also in the address it asks."""
    html = render_to_string(template, {**told, "seen": UNSEEN}, request)
    seen = digest(html)
    return SafeString(html.replace(f"?seen={UNSEEN}", f"?seen={seen}", 1)), seen


@needs(SEE)
@require_GET
def records(request: HttpRequest) -> HttpResponse:
    syncs = list(Sync.objects.all())
    chosen = next((sync for sync in syncs if sync.slug == request.GET.get("sync")), syncs[0] if syncs else None)
    wanted = request.GET.get("q", "").replace("\0", "").strip()  # PostgreSQL's text cannot hold it
    told = shell(request, "Records", syncs=syncs, chosen=chosen, wanted=wanted)
    if chosen is not None:
        told |= _search(chosen, wanted) if wanted else _newest(chosen, request.GET.get("after", ""))
    return render(request, "records/list.html", told)


def _newest(sync: Sync, cursor: str) -> dict[str, Any]:
    part = by_time(Record.objects.filter(sync=sync), "updated_at", "key", cursor, PAGE, newest=True)
    return {"rows": part.rows, "next": part.next}


def _search(sync: Sync, wanted: str) -> dict[str, Any]:
    """Exact finds by key, match key or remote id; only if there are none, titles that contain the text."""
    try:
        found = find_records(sync, wanted)
    except NoPolicy as problem:
        return {"rows": [], "problem": str(problem)}
    titles: QuerySet[Record] = Record.objects.filter(sync=sync, title__icontains=wanted).order_by("title", "key")
    return {"rows": found or list(titles[:TITLE_LIMIT]), "exact": bool(found)}


def _row(key: uuid.UUID) -> Record:
    row = Record.objects.select_related("sync").filter(pk=key).first()
    if row is None:
        raise Http404("There is no such record. Search for it under Records.")
    return row


@needs(SEE)
@require_GET
def record(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    sight = sight_of(_row(key))
    told = {"sight": sight, "table": table_of(sight), "may_edit": request.user.has_perm(EDIT)}
    told["may_decide"] = request.user.has_perm(DECIDE)
    told["events"], told["next"] = timeline(key, sight.words, request.GET.get("after", ""))
    told["paged"] = "after" in request.GET
    if is_partial(request):
        return fresh(request, "records/_state.html", told)
    told["state"], _ = part(request, "records/_state.html", told)
    told |= {"heir": heir_of(sight), "twins": twins_of(sight)}
    return render(request, "records/record.html", shell(request, str(sight.row), place="Records", **told))


@needs(SEE)
@require_GET
def why(request: HttpRequest, key: uuid.UUID, unit: str) -> HttpResponse:
    sight = _with_unit(key, unit)
    said = next(one for one in explain(sight) if one.unit == unit)
    events, more = timeline(key, sight.words, request.GET.get("after", ""), unit)
    told = {"sight": sight, "said": said, "events": events, "next": more}
    if is_partial(request):
        return render(request, "records/_why.html", told)
    return render(
        request, "records/why.html", shell(request, f"Why is {said.label} {said.value}?", place="Records", **told)
    )


def _with_unit(key: uuid.UUID, unit: str) -> Sight:
    sight = sight_of(_row(key))
    if unit not in sight.policy.by_name:
        raise Http404(f"This record has no field {unit!r}; it has {', '.join(sight.policy.by_name)}.")
    return sight


@needs(EDIT)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, key: uuid.UUID, unit: str) -> HttpResponse:
    sight = _with_unit(key, unit)
    belief = sight.record.beliefs.get(unit)
    version = str(belief.v if belief else 0)
    wanted = sight.policy.unit(unit)
    clears = clearing(sight, wanted)
    form = ValueForm(wanted, sight.words, belief.value if belief else None, clears=clears)
    problem = ""
    if request.method == "POST":
        version = request.POST.get("version", "")
        form = ValueForm(wanted, sight.words, clears=clears, data=request.POST)
        if form.is_valid():
            problem = _saved(request, sight, form, version)
            if not problem:
                return redirect("record", key)
    told = shell(request, f"Edit {sight.words.field(unit)} of {sight.row}", sight=sight, form=form, version=version)
    told |= {"problem": problem, "place": "Records"}
    status = 422 if request.method == "POST" else 200
    return render(request, "records/edit.html", told, status=status)


def _saved(request: HttpRequest, sight: Sight, form: ValueForm, version: str) -> str:
    """What stands in the way, or "" when it is saved."""
    if not version.isdecimal():
        return "The form did not say which version it shows. Open it again from the record."
    try:
        edit_record(sight.row, form.unit.name, form.cleaned_data, int(version), request.user.get_username())
    except Refused as refused:
        return sentence(f"This cannot be saved: {refused}")
    except Contended:
        return "Somebody else is changing this record right now. Nothing was saved; please try again."
    messages.success(request, f"{sight.words.field(form.unit.name)} is saved and goes out to the systems that read it.")
    return ""
