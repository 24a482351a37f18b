"""The pages on which a person changes what a record is: one system's link, and two records that may be one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from policies.core.answer import Refused

from . import linking
from .access import EDIT, needs
from .identitypage import deeds_of, joined
from .load import Contended
from .models import Record
from .shell import shell
from .sight import Sight, sight_of, sights_of
from .words import capital, sentence

BUSY = "Somebody else is changing this record right now. Nothing was done; please try again."
DONE = {
    "unlink": "{role} is no longer kept in step with this record.",
    "relink": "{role} is kept in step with this record again.",
    "split": "{role} is a record of its own now: this one.",
}


def tried(deed: Callable[[], Any]) -> tuple[Any, str]:
    """(what it gave, what stood in the way or "")."""
    try:
        return deed(), ""
    except Refused as refused:
        return None, sentence(f"This cannot be done: {refused}")
    except Contended:
        return None, BUSY


@needs(EDIT)
@require_http_methods(["GET", "POST"])
def link(request: HttpRequest, key: uuid.UUID, role: str) -> HttpResponse:
    sight = _sight(key)
    if role not in sight.policy.roles:
        raise Http404(f"This record has no system {role!r}; it has {', '.join(sight.policy.roles)}.")
    problem = ""
    if request.method == "POST":
        action, actor = request.POST.get("action", ""), request.user.get_username()
        deeds: dict[str, Callable[[], str | None]] = {
            "unlink": lambda: linking.unlink(sight.row, role, actor),
            "relink": lambda: linking.relink(sight.row, role, actor),
            "split": lambda: linking.split(sight.row, role, actor),
        }
        if action not in deeds:
            raise Http404(f"There is no deed {action!r}; there are {', '.join(deeds)}.")
        made, problem = tried(deeds[action])
        if not problem:
            messages.success(request, DONE[action].format(role=capital(sight.words.role(role))))
            return redirect("record", made or key)
    title = f"{sight.row} at {sight.words.role(role)}"
    told = {"sight": sight, "deeds": deeds_of(sight, role), "link": sight.record.links.get(role), "problem": problem}
    return render(
        request, "records/link.html", shell(request, title, place="Records", **told), status=422 if problem else 200
    )


def _sight(key: uuid.UUID) -> Sight:
    row = Record.objects.select_related("sync").filter(pk=key).first()
    if row is None:
        raise Http404("There is no such record. Search for it under Records.")
    return sight_of(row)


@needs(EDIT)
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest, key: uuid.UUID, other: uuid.UUID) -> HttpResponse:
    """The first lives on in the second."""
    rows = {row.pk: row for row in Record.objects.select_related("sync").filter(pk__in=[key, other])}
    if len(rows) < 2 or rows[key].sync_id != rows[other].sync_id:
        raise Http404("There are no two such records of one sync. Search for them under Records.")
    ending, into = sights_of([rows[key], rows[other]])
    problem = ""
    if request.method == "POST":
        actor, apart = request.user.get_username(), request.POST.get("action") == "apart"
        deed = linking.apart if apart else linking.join
        _, problem = tried(lambda: deed(ending.row, into.row, actor))
        if not problem:
            messages.success(request, "They are kept apart." if apart else "The two are one record now: this one.")
            return redirect("record", key if apart else other)
    told = {
        "ending": ending,
        "into": into,
        "problem": problem,
        "refusal": joined(ending.record, into.record, into),
        "sides": _sides(ending, into),
    }
    title = f"Are {ending.row} and {into.row} one?"
    return render(
        request, "records/join.html", shell(request, title, place="Records", **told), status=422 if problem else 200
    )


def _sides(one: Sight, other: Sight) -> list[tuple[str, str, str]]:
    """(label, what one is believed to hold, what the other) of fields and, below, of systems."""
    out = [
        (one.words.field(unit.name), _believed(one, unit.name), _believed(other, unit.name))
        for unit in one.policy.units
    ]
    for role in one.policy.roles:
        links = [side.record.links.get(role) for side in (one, other)]
        ids = [(found.remote_id or "") if found is not None else "" for found in links]
        out.append((f"At {one.words.role(role)}", ids[0] or "not there", ids[1] or "not there"))
    return out


def _believed(sight: Sight, unit: str) -> str:
    belief = sight.record.beliefs.get(unit)
    return sight.words.values(belief.value if belief is not None else None)
