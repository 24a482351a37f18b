"""Times in the reader's zone: kept in a cookie, which a script fills once and a form changes."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from .access import needs

COOKIE = "concord_zone"
A_YEAR = 365 * 24 * 3600


@cache
def zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


class ReadersZone:
    """Middleware: activates the zone that the reader's cookie names; an unknown one counts as UTC."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name = request.COOKIES.get(COOKIE, "")
        if name in zones():
            timezone.activate(zoneinfo.ZoneInfo(name))
        else:
            timezone.deactivate()
        return self.get_response(request)


@needs()
@require_POST
def choose_zone(request: HttpRequest) -> HttpResponse:
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}):
        back = "/"
    answer = redirect(back)
    name = request.POST.get("zone", "")
    if name in zones():
        answer.set_cookie(COOKIE, name, A_YEAR, samesite="Lax")
    return answer
