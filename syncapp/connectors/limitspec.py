"""What a manifest says about limits: our own budgets, where answers tell the provider's, and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class BucketSpec:
    """So many requests or points in so many seconds, or so many calls at once (``concurrent``).

    ``of``: which calls count: all, reads, writes, or named (whose operation names this bucket). ``alone``: a call that
    names it counts in no other. ``app``: one budget for all accounts of this provider.
    """

    size: float
    seconds: float = 1.0
    kind: str = "requests"
    name: str = ""
    of: str = "all"
    alone: bool = False
    app: bool = False

    def counts(self, use: Use) -> bool:
        if self.of == "all":
            return True
        return use.bucket == self.name if self.of == "named" else use.write == (self.of == "writes")

    def amount(self, use: Use) -> float:
        """What one call takes; never more than there can be, or it would wait for ever."""
        return min(use.cost, self.size) if self.kind == "points" else 1.0


@dataclass(frozen=True, slots=True)
class Use:
    """One call, as far as limits care."""

    bucket: str = ""
    write: bool = False
    cost: float = 1.0


@dataclass(frozen=True, slots=True)
class ReaderSpec:
    """Where answers tell one of the provider's own counts: headers, paths in the body, or a pattern over one header.

    The pattern's groups are called as the keys: remaining, limit, used, reset. ``restore``: points a second, where
    the count refills by itself. Below ``least`` nothing more is asked. ``daily``: it is the quota of a day.
    """

    remaining: str = ""
    limit: str = ""
    used: str = ""
    reset: str = ""
    reset_format: str = "seconds"
    header: str = ""
    pattern: str = ""
    place: str = "headers"
    restore: str = ""
    least: float = 1.0
    bucket: str = ""
    daily: bool = False


@dataclass(frozen=True, slots=True)
class RefusalSpec:
    """How "too many" looks: all that is named has to fit. Then ``bucket`` waits, or the whole account."""

    status: tuple[int, ...] = ()
    header: str = ""
    value: str = ""
    codes: tuple[str, ...] = ()
    wait: float | None = None
    bucket: str = ""


@dataclass(frozen=True)
class LimitSpec:
    """Our own budgets, the readers of the provider's, and its refusals; ``wait`` where a refusal says nothing."""

    buckets: tuple[BucketSpec, ...] = ()
    told: tuple[ReaderSpec, ...] = ()
    retry_after: str = "Retry-After"
    refused: tuple[int, ...] = (429,)
    refusals: tuple[RefusalSpec, ...] = ()
    wait: float = 5.0

    def counting(self, use: Use) -> tuple[BucketSpec, ...]:
        """The buckets that a call takes from."""
        found = tuple(bucket for bucket in self.buckets if bucket.counts(use))
        own = tuple(bucket for bucket in found if bucket.alone and bucket.of == "named")
        return own or found

    @cached_property
    def concurrent(self) -> bool:
        return any(bucket.kind == "concurrent" for bucket in self.buckets)

    @cached_property
    def in_body(self) -> bool:
        return any(reader.place == "body" for reader in self.told)

    @cached_property
    def alone(self) -> frozenset[str]:
        """The buckets whose refusal says nothing about other calls."""
        return frozenset(bucket.name for bucket in self.buckets if bucket.alone)
