"""From single results to what a certificate says: certified, partly or not, for each capability and in all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from syncapp.certify.results import Capability, Outcome, Result


class Verdict(StrEnum):
    CERTIFIED = "certified"
    PARTLY = "partly"
    NOT = "not"
    NOT_TRIED = "not tried"
    NOT_OFFERED = "not offered"


def verdict(results: Iterable[Result]) -> Verdict:
    """Certified: all that is offered was tried and passed. Not: something failed and nothing passed."""
    found = {result.outcome for result in results}
    if not found - {Outcome.NOT_OFFERED}:
        return Verdict.NOT_OFFERED
    if Outcome.PASSED in found:
        return Verdict.PARTLY if found & {Outcome.FAILED, Outcome.KNOWN, Outcome.NOT_TRIED} else Verdict.CERTIFIED
    return Verdict.NOT if found & {Outcome.FAILED, Outcome.KNOWN} else Verdict.NOT_TRIED


def by_capability(results: Sequence[Result]) -> dict[Capability, Verdict]:
    """In the order of a report."""
    return {one: verdict(result for result in results if result.capability is one) for one in Capability}
