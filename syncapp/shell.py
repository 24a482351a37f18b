"""What every page of our own shares: the administration's sidebar and title, and whether only a part is asked for."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from .access import SEE, may_administer


def shell(request: HttpRequest, title: str, **more: Any) -> dict[str, Any]:
    return {
        **admin.site.each_context(request),
        "title": title,
        "may_see": request.user.has_perm(SEE),
        "may_administer": may_administer(request),
        **more,
    }


def is_partial(request: HttpRequest) -> bool:
    """HTMX asks for a part of the page; going back in history asks for all of it."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers
