"""The faults that a sandbox can be told to have, and the dice that decide when one strikes.

A die is a hash of seed, fault and event number, not a random stream: threads may come in any order
and the same seed still hurts the same events.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, fields
from hashlib import sha256

from syncapp.sandbox.refusals import BadValue
from syncapp.sandbox.values import Json

PROBABILITIES = {
    "webhook_duplicate", "webhook_reorder", "webhook_delay", "webhook_lose", "webhook_bodyless",
    "server_error", "hang_after_write", "batch_limited",
}  # fmt: skip


@dataclass(frozen=True)
class Faults:
    seed: int = 1
    webhook_duplicate: float = 0.0
    webhook_reorder: float = 0.0
    webhook_reorder_seconds: float = 0.5
    webhook_delay: float = 0.0
    webhook_delay_seconds: float = 3.0
    webhook_lose: float = 0.0
    webhook_bodyless: float = 0.0
    rate_limit_per_second: int = 0
    server_error: float = 0.0
    batch_limited: float = 0.0
    hang_after_write: float = 0.0
    hang_seconds: float = 5.0
    coarse_clock_seconds: int = 0
    clock_skew_seconds: float = 0.0
    no_actor: bool = False
    extra_normalisation: bool = False

    @classmethod
    def read(cls, given: Json) -> Faults:
        """Check a JSON object; keys that are not given keep their default."""
        if not isinstance(given, dict):
            raise BadValue('Faults must be a JSON object, for example {"webhook_lose": 0.1}.')
        known = {field.name: field for field in fields(cls)}
        for name, value in given.items():
            if name not in known:
                raise BadValue(f"“{name}” is not a fault. The faults are: {', '.join(known)}.", name)
            _check(name, str(known[name].type), value)
        return cls(**given)

    def as_json(self) -> dict[str, Json]:
        return asdict(self)

    def strikes(self, fault: str, event: object) -> bool:
        chance = float(getattr(self, fault))
        if chance <= 0:
            return False
        digest = sha256(f"{self.seed}|{fault}|{event}".encode()).digest()
        return int.from_bytes(digest[:8], "big") < chance * 2**64


def _check(name: str, kind: str, value: Json) -> None:
    if kind == "bool":
        if not isinstance(value, bool):
            raise BadValue(f"{name} must be true or false, not {value!r}.", name)
        return
    if isinstance(value, bool) or not isinstance(value, (int, float) if kind == "float" else int):
        wanted = "a number" if kind == "float" else "a whole number"
        raise BadValue(f"{name} must be {wanted}, not {value!r}.", name)
    if name in PROBABILITIES and not 0 <= value <= 1:
        raise BadValue(f"{name} is a probability and must lie between 0 and 1, not {value}.", name)
    if name not in ("seed", "clock_skew_seconds") and not 0 <= value <= 86_400:
        raise BadValue(f"{name} must lie between 0 and 86400, not {value}.", name)
    if name == "clock_skew_seconds" and abs(value) > 10 * 86_400:
        raise BadValue(f"{name} must lie between -864000 and 864000, not {value}.", name)


class FaultBox:
    """The faults in force, changeable while requests run."""

    def __init__(self, faults: Faults) -> None:
        self._lock = threading.Lock()
        self._seen: Counter[str] = Counter()
        self.now = faults

    def change(self, faults: Faults) -> None:
        with self._lock:
            self._seen.clear()
            self.now = faults

    def strikes_next(self, fault: str) -> bool:
        """Throw the die for the next request of a kind that has no number of its own."""
        with self._lock:
            self._seen[fault] += 1
            return self.now.strikes(fault, self._seen[fault])


class Clock:
    """The provider's idea of the time: skewed and coarse if the faults say so."""

    def __init__(self, box: FaultBox, granularity_ms: int) -> None:
        self._box = box
        self._granularity = granularity_ms

    def now(self) -> int:
        """Milliseconds since 1970, as they go into a record."""
        step = max(self._granularity, self._box.now.coarse_clock_seconds * 1000)
        return int(self.seconds() * 1000) // step * step

    def seconds(self) -> float:
        """The time that the Date header tells."""
        return time.time() + self._box.now.clock_skew_seconds
