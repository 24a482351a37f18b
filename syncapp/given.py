"""The reason that a person typed into a form: kept whole, or refused, and never cut unseen."""

from __future__ import annotations

from django.http import HttpRequest

from .stopping import Refused

LONGEST_WHY = 500


def typed_why(request: HttpRequest) -> str:
    return request.POST.get("why", "").replace("\0", "").strip()  # PostgreSQL's text cannot hold it


def given_why(request: HttpRequest) -> str:
    """Raises Refused for one that is too long."""
    why = typed_why(request)
    if len(why) > LONGEST_WHY:
        raise Refused(f"the reason has {len(why):,} characters; shorten it to {LONGEST_WHY} at most")
    return why
