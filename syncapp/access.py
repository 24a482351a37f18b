"""Who may see and do what on the project's own pages: sign-in first, then one named permission, on the server."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from policies.compile import PolicyError

from .connectors.errors import ManifestError
from .store import NoPolicy

# Declared by the desk; named here by string, since pages of every room ask for them.
SEE = "review.see_records"
DECIDE = "review.decide_conflict"
EDIT = "review.edit_record"
STOP = "review.stop_writes"
RELEASE = "review.release_held"
APPROVE = "review.approve_sync"
ADMINISTER = "syncapp.view_account"  # a stock permission, which only Admin has
TEAMS = {
    SEE: "Viewer, Reviewer, Business owner or Admin",
    DECIDE: "Reviewer or Business owner",
    EDIT: "Reviewer or Business owner",
    STOP: "Reviewer, Business owner or Admin",
    RELEASE: "Business owner or Admin",
    APPROVE: "Business owner or Admin",
    ADMINISTER: "Admin",
}
DEEDS = {
    SEE: "see records and questions",
    DECIDE: "answer questions",
    EDIT: "change values in the hub",
    STOP: "stop all writes",
    RELEASE: "release what a brake holds",
    APPROVE: "make and approve plans",
    ADMINISTER: "connect and change accounts, or see the queues",
}

# What a person set up wrongly and a person has to mend: told in its own words, never as a stack trace.
NOT_READY = (NoPolicy, PolicyError, ManifestError)

View = Callable[..., HttpResponseBase]


def needs(permission: str = "") -> Callable[[View], View]:
    """Let through people who are signed in and hold the permission; others get the sign-in page or a 403 page."""

    def wrap(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            user = request.user
            if not (user.is_authenticated and user.is_staff):
                return redirect_to_login(request.get_full_path())
            require(request, permission)
            try:
                return view(request, *args, **kwargs)
            except NOT_READY as problem:
                return render(request, "problem.html", {"problem": str(problem)}, status=503)

        return guarded

    return wrap


def require(request: HttpRequest, permission: str) -> None:
    """Raises PermissionDenied in words that say whom to ask."""
    if permission and not request.user.has_perm(permission):
        raise PermissionDenied(
            f"You may not {DEEDS[permission]}. That is for the team {TEAMS[permission]}; "
            "ask an administrator to add you to it."
        )


def may_see(request: HttpRequest) -> bool:
    """For the sidebar."""
    return request.user.has_perm(SEE)


def may_administer(request: HttpRequest) -> bool:
    return request.user.has_perm(ADMINISTER)
