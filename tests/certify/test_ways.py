"""Where a provider has several ways to sign in, each lets its double's account in; the suite itself takes the first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncapp.certify.find import DOUBLE, places, ways
from syncapp.certify.place import CountingKeeper
from syncapp.connectors import registry
from syncapp.connectors.authspec import ALONE, WAY
from syncapp.connectors.registry import available
from syncapp.connectors.spec import Manifest

FOUND = available()
WAYS = [(slug, way) for slug, one in sorted(FOUND.items()) if DOUBLE in ways(one) for way in one.ways]


@pytest.mark.parametrize(("slug", "way"), WAYS)
def test_every_way_lets_in(slug: str, way: str) -> None:
    manifest = registry.load(slug)
    with places(manifest, DOUBLE) as [place]:
        keeper = CountingKeeper(place.calling({**place.secrets, **stale(manifest, way)}))
        other = replace(place, config={**place.config, WAY: way}, keeper=keeper)
        client = other.connect()
        try:
            assert client.check().authenticated
            next(client.pages(next(iter(other.objects))))
        finally:
            client.close()
        assert keeper.renewals == (0 if manifest.ways[way].oauth is None else 1)


def stale(manifest: Manifest, way: str) -> dict[str, str]:
    """An access token that nobody knows, so that the way has to buy one; no refresh token where it needs none."""
    oauth = manifest.ways[way].oauth
    if oauth is None:
        return {}
    return {oauth.access: "ended", **({oauth.refresh: ""} if oauth.grant in ALONE else {})}


def test_there_are_ways_to_try() -> None:
    assert {("hubspot", "app"), ("hubspot", "person")} <= set(WAYS)
