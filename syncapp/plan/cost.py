"""What carrying out a plan costs at one account: API calls, minutes, and the quota they are taken from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from syncapp.connectors.spec import ObjectSpec
from syncapp.facts import manifest_of, object_spec
from syncapp.models import Account, Feed

Json = dict[str, Any]
# Seconds that a call takes where nothing was measured.
USUAL = 0.2
MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What an account may be asked, as far as anybody knows: calls in a time, writes a minute, calls left today."""

    buckets: Sequence[tuple[int, float]] = ()
    writes_a_minute: float | None = None
    left: int | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one feed: reading everything once more, then looking, writing and reading back."""

    reads: int
    looks: int
    writes: int
    minutes: float
    left: int | None = None
    enough: bool | None = None

    @property
    def calls(self) -> int:
        return self.reads + self.looks + self.writes

    def as_json(self) -> Json:
        return {**asdict(self), "calls": self.calls}


def limits_of(account: Account) -> Limits:
    """The provider's own limits, the hub's budget for writes, and the hub's share of what was left today."""
    quota: Mapping[str, Any] = account.quota or {}
    remaining, limit = quota.get("remaining"), quota.get("limit")
    kept = round((limit or 0) * (1 - account.quota_share))  # for others who use the account
    left = None if remaining is None else max(0, int(remaining) - kept)
    counted = manifest_of(account).limits.buckets
    pace = [(int(one.size), one.seconds) for one in counted if one.kind == "requests" and one.of == "all"]
    return Limits(pace, account.write_budget, left)


def cost_of(feed: Feed, keys: Sequence[Sequence[str]], writes: Mapping[str, int], pages: int, call: float) -> Cost:
    """`writes` counts creates, updates and deletes; `pages` and seconds per `call` are what the reading took."""
    spec = object_spec(feed.account, feed.object)
    asked = askable(spec, feed, keys)
    looks = sum(looks_of(spec, what, number, asked) for what, number in writes.items())
    calls = sum(math.ceil(number / batch(spec, f"{what}_many")) for what, number in writes.items())
    back = sum(number for what, number in writes.items() if _silent(spec, what))
    limits = limits_of(feed.account)
    total = pages + looks + calls + back
    seconds = max([total * (call or USUAL), *(total * per / size for size, per in limits.buckets)])
    if limits.writes_a_minute:
        seconds = max(seconds, calls / limits.writes_a_minute * MINUTE)
    enough = None if limits.left is None else total <= limits.left
    return Cost(pages, looks + back, calls, round(seconds / MINUTE, 1), limits.left, enough)


def looks_of(spec: ObjectSpec, what: str, number: int, asked: int) -> int:
    """Calls before the writes: a create looks the record up, an update reads it unless the provider checks versions."""
    if what == "create":
        return math.ceil(number / batch(spec, "find_many")) if spec.can("find_many") else number * asked
    if what == "delete":
        return 2 * number  # before, and to see that it is gone
    if spec.conditional and spec.version.exact:
        return 0
    return math.ceil(number / batch(spec, "read_many"))


def askable(spec: ObjectSpec, feed: Feed, keys: Sequence[Sequence[str]]) -> int:
    """How often a record is asked for before it is made: by our own id, and by each match key that can be asked for."""
    find = spec.operations.get("find")
    if find is None:
        return 0
    own = bool(spec.external_id) and ("external_id" in find.by or "*" in find.by)
    words = {name: _word(feed.mapping.get(name)) for key in keys for name in key}
    return own + sum(any("*" in find.by or words[name] in find.by for name in key) for key in keys)


def _word(entry: Any) -> str:
    return str(entry.get("field", entry.get("path", ""))) if isinstance(entry, Mapping) else str(entry or "")


def batch(spec: ObjectSpec, operation: str) -> int:
    """How many records one call of it is about; 1 where the provider has no such call."""
    return max(1, spec.operations[operation].max_ids) if spec.can(operation) else 1


def _silent(spec: ObjectSpec, what: str) -> bool:
    """The answer does not show the record, so it is read back."""
    operation = spec.operations.get(what)
    shows = spec.can(f"{what}_many") or (operation is not None and operation.item is not None)
    return what != "delete" and not shows
