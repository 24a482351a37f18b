"""Provider clocks as intervals of hub time. They decide nothing but `latest_valid_change`, and only when certain."""

from __future__ import annotations

from datetime import UTC, datetime

from .rules import Policy, Role
from .seen import Context, Observation
from .values import Base, Link, Span

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


def change_span(
    observation: Observation, link: Link, base: Base | None, role: Role, policy: Policy, context: Context
) -> Span | None:
    """When the observed change was made: after the last judged read that still showed the old value, and no later than
    the provider's own updated-at, widened by skew and granularity. None when no such statement can be trusted.
    """
    updated = observation.updated_at
    if updated is None or updated.tzinfo is None or context.skew is None or not role.timed:
        return None
    if context.bulk.get(updated, 0) >= policy.guards.bulk:
        return None
    end = updated - context.skew + context.uncertainty + context.granularity
    start = (base.seen_at or link.read_at) if base is not None else None
    if start is None:
        return Span(BEGINNING, end)
    return Span(start, end) if start <= end else None


def created_in_hub_time(observation: Observation, policy: Policy, context: Context) -> datetime | None:
    """When the account says the record was made; None where its clock cannot be trusted."""
    made = observation.created_at
    if made is None or made.tzinfo is None or context.skew is None or not policy.roles[observation.role].timed:
        return None
    return made - context.skew


def why_unknown(observation_span: Span | None) -> str:
    return "no trustworthy time was told" if observation_span is None else "its time is uncertain"


def certainly_later(a: Span, b: Span) -> bool:
    """a is later than b only if the intervals do not touch."""
    return a.start > b.end
