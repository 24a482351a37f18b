"""The pages of plans: make one, look at what it found, choose whose value wins, let it be carried out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from policies.models import FieldRule, PolicySet, Sync

from .access import APPROVE, SEE, needs
from .apply.precedence import ASK, BY_POLICY, OWNER, NotAccepted, accepted, choose_precedence
from .given import given_why, typed_why
from .keyset import by_id
from .models import Feed, Run
from .pages import fresh, part
from .plan.approve import NotApprovable, approve, newer_plan, waiting_feeds, why_not
from .plan.listed import MOVED, rows_of, told_rows
from .plan.make import ask_for_plan
from .plan.told import cost_lines, field_lines, group_lines, headline, notes, progress_of, write_lines
from .plan.waiting import previews
from .shell import is_partial, shell
from .stopping import Refused
from .words import Words, capital, sentence, words_of

PAGE = 50
PLANS = 20
FIRST = "first-"  # before a field's name in the form


@dataclass(frozen=True, slots=True)
class Precedence:
    """One field of the plan, with who wins there and what may be chosen instead."""

    unit: str
    label: str
    outcome: str
    chosen: str
    options: list[tuple[str, str]]


@needs(SEE)
@require_GET
def plans(request: HttpRequest) -> HttpResponse:
    syncs = list(Sync.objects.all())
    chosen = next((sync for sync in syncs if sync.slug == request.GET.get("sync")), syncs[0] if syncs else None)
    told = shell(request, "Plans", syncs=syncs, chosen=chosen, may_approve=request.user.has_perm(APPROVE))
    told["waiting"] = [one for one in previews() if chosen is not None and one.sync == chosen]
    if chosen is not None:
        runs = Run.objects.filter(sync=chosen)
        found = by_id(runs.filter(kind=Run.Kind.PLAN).select_related("approval"), request.GET.get("after", ""), PLANS)
        told |= {"plans": [(run, headline(run)) for run in found.rows], "next": found.next}
        told["runs"] = runs.exclude(kind=Run.Kind.PLAN).select_related("feed__role")[:PLANS]
    return render(request, "plans/list.html", told)


@needs(APPROVE)
@require_POST
def make(request: HttpRequest, slug: str) -> HttpResponse:
    sync = Sync.objects.filter(slug=slug).first()
    if sync is None:
        raise Http404("There is no such sync. The page of plans lists them.")
    return redirect("plan", ask_for_plan(sync, request.user.get_username()).pk)


def _run(pk: int) -> Run:
    run = Run.objects.select_related("sync", "approval").filter(pk=pk, kind=Run.Kind.PLAN).first()
    if run is None:
        raise Http404("There is no such plan. The page of plans lists them.")
    return run


@needs(SEE)
@require_GET
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    run = _run(pk)
    if run.state == Run.State.RUNNING or is_partial(request):
        return _progress(request, run)
    return _whole(request, run)


def _progress(request: HttpRequest, run: Run) -> HttpResponse:
    """While it is made; the part reloads itself, and the whole page once it has ended."""
    progress, words = progress_of(run), words_of([run.sync_id])[run.sync_id]
    told: dict[str, Any] = {"run": run, "progress": progress, "reading": words.role(progress.role) if progress else ""}
    if is_partial(request):
        answer = fresh(request, "plans/_progress.html", told)
        if run.state != Run.State.RUNNING:
            answer.headers["HX-Refresh"] = "true"
        return answer
    told["state"], _ = part(request, "plans/_progress.html", told)
    return render(request, "plans/making.html", shell(request, _title(run), place="Plans", **told))


def _title(run: Run) -> str:
    return f"Plan {run.pk} of {run.sync.name}"


def _whole(request: HttpRequest, run: Run, problem: str = "", status: int = 200) -> HttpResponse:
    words = words_of([run.sync_id])[run.sync_id]
    group = request.GET.get("group", "")
    listing = rows_of(run, group, request.GET.get("after", ""), PAGE)
    feeds = waiting_feeds(run)
    may = request.user.has_perm(APPROVE)
    told = {
        "run": run, "headline": headline(run), "groups": group_lines(run.counts), "group": group, "moved": MOVED,
        "items": told_rows(run, listing.rows, words), "next": listing.next, "problem": problem,
        "writes": write_lines(run.counts, words), "costs": cost_lines(run.counts, words),
        "notes": notes(run.counts, words), "fields": _precedences(run, words), "may_approve": may,
        "why_not": why_not(run, feeds), "going_live": [capital(words.role(feed.role.name)) for feed in feeds],
        "newer": newer_plan(run), "why": typed_why(request),
        "carrying": Feed.objects.filter(plan=run).exists(),
    }  # fmt: skip
    return render(request, "plans/plan.html", shell(request, _title(run), place="Plans", **told), status=status)


def _precedences(run: Run, words: Words) -> list[Precedence]:
    """Of the fields in which sides differ, in two queries."""
    policy = PolicySet.objects.filter(sync=run.sync_id, state=PolicySet.State.PUBLISHED).first()
    told = {unit: (label, outcome) for unit, label, outcome in field_lines(run.counts, words)}
    return [
        Precedence(rule.unit, *told[rule.unit], rule.first_link, _options(rule, words))
        for rule in (policy.rules.all() if policy is not None else ())
        if rule.unit in told
    ]


def _options(rule: FieldRule, words: Words) -> list[tuple[str, str]]:
    labels = {
        BY_POLICY: f"as the policy says ({rule.strategy.replace('_', ' ')})",
        OWNER: f"the owner’s value ({words.role(rule.owner)})",
        ASK: "ask a person",
    }
    return [(name, labels.get(name) or f"{words.role(name)}’s value") for name in accepted(rule)]


@needs(APPROVE)
@require_POST
def choose(request: HttpRequest, pk: int) -> HttpResponse:
    """The choice is part of the policy: it is published, and the plan made anew under it."""
    run = _run(pk)
    chosen = {
        name.removeprefix("first-"): str(text) for name, text in request.POST.items() if name.startswith("first-")
    }
    try:
        changed = choose_precedence(run.sync, chosen, request.user.get_username())
    except NotAccepted as problem:
        return _whole(request, run, sentence(f"Nothing was changed: {problem}"), 422)
    if not changed:
        messages.info(request, "That is how it was already; nothing was changed.")
        return redirect("plan", pk)
    messages.success(request, "The choice is published with the policy; the plan is made anew under it.")
    return redirect("plan", ask_for_plan(run.sync, request.user.get_username()).pk)


@needs(APPROVE)
@require_POST
def approve_plan(request: HttpRequest, pk: int) -> HttpResponse:
    run = _run(pk)
    try:
        approval = approve(pk, request.user.get_username(), given_why(request))
    except Refused as problem:
        return _whole(request, run, sentence(f"Nothing was approved: {problem}"), 422)
    except NotApprovable as problem:
        return _whole(request, run, sentence(f"Nothing was approved: {problem}"), 409)
    words = words_of([run.sync_id])[run.sync_id]
    messages.success(
        request, f"Approved. {capital(words.role(','.join(approval.roles)))} went live; workers carry it out."
    )
    return redirect("plan", pk)
