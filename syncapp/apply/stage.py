"""When a feed of a file begins in preview, and when a live one goes back to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncapp.models import Feed

NEW = "newly bound"
REMAPPED = "its mapping changed"


def stage_of(feed: Feed, spec: Mapping[str, Any], units: Mapping[str, str], *, moved: bool) -> dict[str, Any]:
    """What changes about the stage of a feed that is as it was before; `units` says each field's bundle or itself.

    `start: live` is for feeds that come into being with this file, or are bound to another account.
    """
    if feed.pk is None or moved:
        live = spec.get("start") == Feed.Stage.LIVE
        stage = {"stage": Feed.Stage.LIVE.value, "stage_reason": ""} if live else preview(NEW)
        return stage | ({"cursor": {}} if moved else {})
    changed = {units[name] for name in remapped(feed.mapping, spec["mapping"])}
    if not changed or not feed.links.filter(remote_id__isnull=False).exists():
        return {}
    return preview(REMAPPED) | {"baseline": sorted(changed | set(feed.baseline))}


def preview(reason: str) -> dict[str, Any]:
    return {"stage": Feed.Stage.PREVIEW.value, "stage_reason": reason}


def remapped(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    """Fields that are told in another way than before, or for the first time."""
    return {name for name, entry in new.items() if old.get(name) != entry}
