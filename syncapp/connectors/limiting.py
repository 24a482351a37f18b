"""What an answer tells about limits: a refusal and how long to wait, or how much is left of which count."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from syncapp.connectors import times
from syncapp.connectors.limitspec import LimitSpec, ReaderSpec, RefusalSpec
from syncapp.connectors.paths import as_text, getter
from syncapp.connectors.records import Quota
from syncapp.connectors.throttle import bounded, number

KEYS = ("remaining", "limit", "used", "reset")
Headers = Mapping[str, str]
PLAINLY = RefusalSpec()


@dataclass(frozen=True, slots=True)
class Reading:
    """One count of the provider's. ``wait``: seconds until there is some again, where the answer tells."""

    spec: ReaderSpec
    left: float | None
    limit: float | None
    wait: float | None

    @property
    def exhausted(self) -> bool:
        return self.left is not None and self.left < self.spec.least


def readings(limits: LimitSpec, headers: Headers, body: Any, now: float) -> list[Reading]:
    """Every count that this answer tells; ``now`` by the provider's clock, which reset times are written in."""
    told = [(spec, _told(spec, headers, body)) for spec in limits.told]
    return [_reading(spec, texts, body, now) for spec, texts in told if texts]


def _told(spec: ReaderSpec, headers: Headers, body: Any) -> dict[str, str]:
    """What stands for each key."""
    if spec.pattern:
        match = re.search(spec.pattern, headers.get(spec.header, ""))
        return {key: text for key, text in match.groupdict().items() if text is not None} if match else {}
    names = {key: name for key in KEYS if (name := getattr(spec, key))}
    if spec.place == "body":
        found = {key: as_text(getter(name)(body)) for key, name in names.items()}
        return {key: text for key, text in found.items() if text is not None}
    return {key: headers[name] for key, name in names.items() if name in headers}


def _reading(spec: ReaderSpec, told: Mapping[str, str], body: Any, now: float) -> Reading:
    left, limit, used = (number(told.get(key, "")) for key in ("remaining", "limit", "used"))
    if left is None and limit is not None and used is not None:
        left = limit - used
    wait = _offset(told.get("reset"), spec.reset_format, now)
    if wait is None and left is not None and spec.restore:
        rate = number(as_text(getter(spec.restore)(body)) or "")
        wait = bounded((spec.least - left) / rate) if rate else None
    return Reading(spec, left, limit, wait)


def quota(reading: Reading, seen_at: float) -> Quota | None:
    """A reading as the quota of the day, if it is one."""
    if not reading.spec.daily or reading.limit is None or reading.left is None:
        return None
    ends = None if reading.wait is None else datetime.fromtimestamp(seen_at + reading.wait, UTC)
    return Quota(int(reading.limit), int(reading.left), ends, datetime.fromtimestamp(seen_at, UTC))


def refusal(limits: LimitSpec, status: int, headers: Headers, code: str | None) -> RefusalSpec | None:
    """How this answer says "too many"; None if it does not."""
    if status in limits.refused:
        return next((one for one in limits.refusals if _fits(one, status, headers, code)), PLAINLY)
    return next((one for one in limits.refusals if _fits(one, status, headers, code)), None)


def _fits(spec: RefusalSpec, status: int, headers: Headers, code: str | None) -> bool:
    if spec.status and status not in spec.status:
        return False
    if spec.header:
        text = headers.get(spec.header)
        if text is None or (spec.value and not re.fullmatch(spec.value, text)):
            return False
    return not spec.codes or code in spec.codes


def wait_of(limits: LimitSpec, refused: RefusalSpec, headers: Headers, body: Any, now: float) -> float:
    """How long a refusing provider asks us to wait: as it says, until what is used up begins anew, or as usual."""
    asked = retry_after(limits, headers, now)
    if asked is not None:
        return asked
    found = [one for one in readings(limits, headers, body, now) if one.exhausted or one.left is None]
    waits = [one.wait for one in found if one.wait is not None]
    if waits:
        return max(waits)
    return limits.wait if refused.wait is None else refused.wait


def retry_after(limits: LimitSpec, headers: Headers, now: float) -> float | None:
    """What Retry-After says, in seconds or as a date; None if it is not there."""
    text = headers.get(limits.retry_after)
    if text is None:
        return None
    seconds = number(text)
    if seconds is not None:
        return bounded(seconds)
    moment = times.header_date(text)
    return None if moment is None else bounded(moment.timestamp() - now)


def _offset(text: str | None, form: str, now: float) -> float | None:
    """Seconds from now, of a time in one of the forms that resets have."""
    if text is None:
        return None
    if form == "iso":
        try:
            return bounded(times.parse(text).timestamp() - now)
        except ValueError:
            return None
    told = number(text)
    if told is None:
        return None
    offsets = {"seconds": told, "ms": told / 1000, "unix": told - now, "unix_ms": told / 1000 - now}
    return bounded(offsets[form])


def seen(limits: LimitSpec, headers: Headers) -> dict[str, str]:
    """The limit headers of an answer, for people."""
    names = [getattr(spec, key) for spec in limits.told if spec.place == "headers" for key in (*KEYS, "header")]
    wanted = {name.lower() for name in names if name}
    return {name: value for name, value in headers.items() if name.lower() in wanted or "ratelimit" in name.lower()}


def server_now(headers: Headers, fallback: float) -> float:
    """The provider's own clock, which its reset times are written in."""
    moment = times.header_date(headers.get("Date"))
    return moment.timestamp() if moment else fallback
