"""The pages about brakes: what is held back and why, the one switch, and letting a sync write again."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from policies.models import Sync

from .access import RELEASE, SEE, STOP, needs, require
from .brakes import HOLDS, open_brakes
from .foreseen import foreseen
from .given import LONGEST_WHY, given_why, typed_why
from .keyset import by_id
from .load import database_now
from .models import Brake, Held
from .releasing import leave, release_brake, release_items
from .shell import shell
from .stopping import Refused, is_stopped, release_stop, stop_all
from .waiting import feeds_waiting, writes_waiting
from .words import counted, sentence

ITEMS = 50
LOOKED = "The feed is read and written again, and its next pass may do this once"
EFFECTS: dict[Brake.Code, str] = {
    Brake.Code.STOP: "The writes that wait go out. What has been written cannot be taken back from here.",
    Brake.Code.EMPTIED_FEED: f"{LOOKED}. A listing that shows nothing is never read as deletes: no record is deleted.",
    Brake.Code.ALL_CHANGED: f"{LOOKED}: every change there is judged, and goes out where the policy says so. "
    "What has been written then cannot be taken back from here.",
    Brake.Code.NEAR_MISSES: "Writes to this feed go on. The guard looks again at what comes back from now on.",
    Brake.Code.BUDGET: "No person is needed: it is paced by itself, and goes on with the next minute.",
    Brake.Code.QUOTA: "Writes go on until the quota is used up, or begins anew.",
}


@needs(SEE)
@require_GET
def brakes(request: HttpRequest) -> HttpResponse:
    past = Brake.objects.exclude(released_at=None).select_related("sync", "account", "feed__account", "feed__role")
    shown = [one for one in open_brakes() if one.code != Brake.Code.STOP or one.sync_id]
    syncs, stopped = Sync.objects.count(), sum(one.code == Brake.Code.STOP for one in shown)
    told = {
        "brakes": shown,
        "past": past.order_by("-released_at")[:20],
        "may_stop": request.user.has_perm(STOP) and (not syncs or stopped < syncs),
        "may_release": request.user.has_perm(RELEASE),
        "syncs": syncs,
    }
    return render(request, "brakes/list.html", shell(request, "Brakes", **told))


@needs(STOP)
@require_POST
def stop(request: HttpRequest) -> HttpResponse:
    """Whatever the reason's length: nobody who has to stop it all is sent back to a form."""
    why = typed_why(request)
    found = stop_all(request.user.get_username(), why[:LONGEST_WHY])
    messages.warning(
        request,
        f"All writes are stopped. {counted(found.waiting, 'write')} waiting; "
        f"{counted(found.under_way, 'write')} under way, settled by reading.",
    )
    if len(why) > LONGEST_WHY:
        messages.warning(
            request, f"Of the reason, which had {len(why):,} characters, the first {LONGEST_WHY} are kept."
        )
    return redirect("brakes")


@needs(SEE)
@require_http_methods(["GET", "POST"])
def brake(request: HttpRequest, pk: int) -> HttpResponse:
    row = Brake.objects.select_related("sync", "account", "feed__account", "feed__role__sync").filter(pk=pk).first()
    if row is None:
        raise Http404("There is no such brake. The page of brakes lists what is on.")
    if row.code == Brake.Code.STOP:
        return redirect("release", row.sync.slug) if row.sync is not None else redirect("brakes")
    problem = ""
    if request.method == "POST":
        require(request, RELEASE)
        try:
            messages.success(request, _answer(request, row))
        except Refused as refused:
            problem = sentence(f"Nothing was released: {refused}")
        else:
            return redirect("brake", pk)
    return _brake_page(request, row, problem)


def _answer(request: HttpRequest, row: Brake) -> str:
    """What was done, in a sentence. Raises Refused."""
    by, why, how = request.user.get_username(), given_why(request), request.POST.get("how", "")
    chosen = [int(text) for text in request.POST.getlist("item") if text.isdecimal() and len(text) < 19]
    if how == "all":
        release_brake(row, by, why)
        return f"Released: {row.get_code_display()}."
    if how == "some":
        return f"{counted(release_items(row, chosen, by, why), 'record')} released; each is looked up again and judged."
    if how in ("leave", "leave_all"):
        number = leave(row, chosen if how == "leave" else None, by, why)
        return f"{counted(number, 'record')} left as they were; nothing is done about them."
    raise Refused("choose what to do: release all of it, release what you ticked, or leave it as it is")


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of each record that a brake held, and of those that were counted before it went on."""

    before: int | None  # None where that was not noted
    held: int
    released: int
    left: int
    gone: int

    @property
    def all(self) -> int:
        return self.held + self.released + self.left + self.gone


def _tally(row: Brake) -> Tally | None:
    """None of a brake that held no records."""
    state = Held.State
    found = dict(row.items.order_by().values_list("state").annotate(Count("pk")))
    held, left, gone = (found.get(one, 0) for one in (state.HELD, state.LEFT, state.GONE))
    released = found.get(state.RELEASED, 0) + found.get(state.PASSED, 0)
    return Tally(row.counts.get("before"), held, released, left, gone) if found else None


def _brake_page(request: HttpRequest, row: Brake, problem: str) -> HttpResponse:
    held = row.items.filter(state=Held.State.HELD).select_related("record__sync")
    tally = _tally(row)
    part = by_id(held, request.GET.get("after", ""), ITEMS)
    told = {
        "brake": row, "problem": problem, "total": tally.held if tally else 0, "next": part.next, "tally": tally,
        "items": foreseen(part.rows, database_now()), "may_release": request.user.has_perm(RELEASE),
        "effect": EFFECTS.get(Brake.Code(row.code), LOOKED), "holds": row.code in HOLDS,
        "may_leave": row.code == Brake.Code.MASS_DELETE, "ticked": request.POST.getlist("item"),
        "why": typed_why(request),
    }  # fmt: skip
    page = shell(request, row.get_code_display(), place="Brakes", **told)
    return render(request, "brakes/brake.html", page, status=422 if problem else 200)


@needs(SEE)
@require_http_methods(["GET", "POST"])
def release(request: HttpRequest, slug: str) -> HttpResponse:
    sync = Sync.objects.filter(slug=slug).first()
    if sync is None:
        raise Http404("There is no such sync. The page of brakes lists what is stopped.")
    problem = ""
    if request.method == "POST":
        require(request, RELEASE)
        try:
            release_stop(sync, request.user.get_username(), given_why(request))
        except Refused as refused:
            problem = sentence(f"Nothing was released: {refused}")
        else:
            messages.success(request, f"The writes of {sync.name} go out again.")
            return redirect("brakes")
    return _release_page(request, sync, problem)


def _release_page(request: HttpRequest, sync: Sync, problem: str) -> HttpResponse:
    feeds = feeds_waiting(sync)
    chosen = next((one for one in feeds if str(one.feed.pk) == request.GET.get("feed")), None)
    chosen = chosen or next((one for one in feeds if one.waiting), feeds[0] if feeds else None)
    writes, more = writes_waiting(chosen.feed, request.GET.get("after", "")) if chosen else ([], "")
    told = {
        "sync": sync, "brake": is_stopped(sync), "feeds": feeds, "chosen": chosen, "writes": writes, "next": more,
        "total": sum(one.waiting for one in feeds), "problem": problem, "may_release": request.user.has_perm(RELEASE),
        "why": typed_why(request),
    }  # fmt: skip
    page = shell(request, f"Let {sync.name} write again", place="Brakes", **told)
    return render(request, "brakes/release.html", page, status=422 if problem else 200)
