"""One process, one or several sandboxes: each portal has records, tokens and a back door of its own below /p/NAME."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from syncapp.sandbox.app import Sandbox, create_app
from syncapp.sandbox.refusals import BadValue
from syncapp.sandbox.settings import Settings

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def read_portals(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if len(set(names)) != len(names) or not all(re.fullmatch("[a-z0-9]{1,20}", name) for name in names):
        raise BadValue(f"Portals are different names of small letters and digits, as in a,b; not “{text}”.", "portals")
    return names


def serve(settings: Settings) -> tuple[Wsgi, list[Sandbox]]:
    """What answers, and the sandboxes behind it."""
    if not settings.portals:
        app = create_app(settings)
        return app, [app.extensions["sandbox"]]
    apps = {name: create_app(settings_of(settings, name)) for name in settings.portals}
    sandboxes: list[Sandbox] = [app.extensions["sandbox"] for app in apps.values()]
    for one in sandboxes:
        one.access.others.extend(other.access for other in sandboxes if other is not one)
    return DispatcherMiddleware(_nowhere(tuple(apps)), {f"/p/{name}": app for name, app in apps.items()}), sandboxes


def settings_of(settings: Settings, name: str) -> Settings:
    """A portal's own: its file stands beside the one named, and its tokens end with its name."""
    data = settings.data.with_name(f"{settings.data.stem}-{name}{settings.data.suffix}")
    return replace(
        settings, data=data, title=f"{settings.title} {name}", token=f"{settings.token}-{name}",
        refresh_token=f"{settings.refresh_token}-{name}", portals=(),
    )  # fmt: skip


def _nowhere(names: tuple[str, ...]) -> Wsgi:
    """Beside the portals there is nothing."""
    app = Flask("portals")

    @app.errorhandler(404)
    def nothing(error: Exception) -> tuple[str, int, dict[str, str]]:
        known = ", ".join(f"/p/{name}/" for name in names)
        return f"There is nothing at this address. The portals are: {known}\n", 404, {"Content-Type": "text/plain"}

    return app
