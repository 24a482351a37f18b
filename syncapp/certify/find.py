"""Where a provider can be tried without an account: its real server in the development environment, or its double."""

from __future__ import annotations

import importlib
import pkgutil
from contextlib import AbstractContextManager

from syncapp.certify import doubles, servers
from syncapp.certify.doubles import NoPlace
from syncapp.certify.place import Place
from syncapp.connectors.spec import Manifest

SERVER, DOUBLE = "server", "double"
NO_RECIPES = ("base", "proxy")


def real_servers() -> list[str]:
    """The providers whose real server can be started here."""
    return [one.name for one in pkgutil.iter_modules(servers.__path__) if one.name not in NO_RECIPES]


def ways(manifest: Manifest) -> list[str]:
    """The best first."""
    found = [SERVER] if manifest.slug in real_servers() else []
    return [*found, DOUBLE] if doubles.has_double(manifest) else found


def places(manifest: Manifest, way: str = "", double: str = "") -> AbstractContextManager[list[Place]]:
    """The places of a provider, open for as long as a block lasts. Raises NoPlace, NoDouble or NoServer."""
    chosen = DOUBLE if double else way or next(iter(ways(manifest)), "")
    if chosen == DOUBLE:
        return doubles.places(manifest, double)
    if chosen == SERVER and manifest.slug in real_servers():
        recipe = importlib.import_module(f"syncapp.certify.servers.{manifest.slug}")
        found: AbstractContextManager[list[Place]] = recipe.places(manifest)
        return found
    raise NoPlace(
        f"There is neither a real server nor a double of {manifest.slug!r} here. Name an account of yours with"
        f" --account, or write a double ({manifest.slug}_double.py beside its file)."
    )
