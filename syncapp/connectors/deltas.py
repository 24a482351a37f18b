"""How a moment is asked from: less the overlap, cut to what the provider compares, in its zone and its spelling."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from syncapp.connectors import times
from syncapp.connectors.errors import Misconfigured
from syncapp.connectors.opspec import DeltaSpec
from syncapp.connectors.templates import fill

HOUR = 3600.0
AMBIGUOUS = 3  # hours to go back, at most, to a time of day that there was only once


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo:
    """Raises Misconfigured."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        raise Misconfigured(f"{name!r} is not a time zone", "delta.timezone", "such as UTC or Europe/Berlin") from None


def since_text(delta: DeltaSpec, since: datetime, restarted: bool = False, zone: tzinfo = UTC) -> str:
    """The moment to ask from; one filter that leaves it out is asked a step earlier."""
    moment = since.astimezone(UTC) if restarted else since.astimezone(UTC) - timedelta(seconds=delta.overlap)
    moment = max(moment, times.EPOCH)
    cut = _floor(moment, delta.resolution, zone)
    if not delta.inclusive:
        # by what lies right before it, not by a step: the day of a change to summer time has 23 hours
        cut = _floor(cut - timedelta.resolution, delta.resolution, zone)
    return fill(delta.template, {"since": spelled(delta, max(cut, times.EPOCH), zone)})


def spelled(delta: DeltaSpec, moment: datetime, zone: tzinfo = UTC) -> str:
    """The moment as the provider reads it."""
    if not delta.pattern:
        return times.write(moment, delta.format)
    local = moment.astimezone(zone)
    if "%z" not in delta.pattern:
        for _ in range(AMBIGUOUS):
            if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
                break
            # this time of day comes twice, and nobody knows which of them the provider would take it for
            local = (local.astimezone(UTC) - timedelta(hours=1)).astimezone(zone)
    return local.strftime(delta.pattern)


def _floor(moment: datetime, resolution: float, zone: tzinfo) -> datetime:
    """Hours and days begin where the account's clock says so; the earlier one where it says so twice."""
    if resolution < HOUR or zone is UTC:
        return times.floor(moment, resolution)
    local = moment.astimezone(zone).replace(tzinfo=None)
    cut = times.floor(local.replace(tzinfo=UTC), resolution).replace(tzinfo=zone, fold=0)
    return cut.astimezone(UTC)
