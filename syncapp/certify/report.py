"""A run as one JSON object and as a page of text. The shape of the JSON is documented in docs/certification.md."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from syncapp.certify.place import Against
from syncapp.certify.results import Capability, Outcome, Result
from syncapp.certify.run import Findings
from syncapp.certify.verdict import Verdict, by_capability, verdict
from syncapp.connectors.spec import Manifest

WIDE = 12


@dataclass(frozen=True)
class Report:
    """One run of the suite. ``account``: the live account it was made at, if any."""

    manifest: Manifest
    digest: str
    against: Against
    account: str
    writes: bool
    hub_version: str
    made_at: datetime
    findings: Findings

    @property
    def results(self) -> list[Result]:
        return self.findings.results

    @property
    def verdict(self) -> Verdict:
        return verdict(self.results)

    @property
    def capabilities(self) -> dict[Capability, Verdict]:
        return by_capability(self.results)

    @property
    def failed(self) -> bool:
        return any(result.outcome is Outcome.FAILED for result in self.results)

    def as_json(self) -> dict[str, Any]:
        return {
            "provider": self.manifest.slug, "name": self.manifest.name, "file": self.manifest.file,
            "digest": self.digest, "against": self.against.value, "account": self.account, "writes": self.writes,
            "hub_version": self.hub_version, "made_at": self.made_at.isoformat(timespec="seconds"),
            "verdict": self.verdict.value,
            "capabilities": {name.value: found.value for name, found in self.capabilities.items()},
            "checks": [result.as_json() for result in self.results],
            "left": list(self.findings.left), "stopped": self.findings.stopped,
        }  # fmt: skip


def lines(report: Report) -> list[str]:
    """For people: capabilities first, then what failed with what to mend, then what was not tried and why."""
    against = f"{report.against}{f' {report.account}' if report.account else ''}"
    out = [
        f"{report.manifest.name}, against: {against}",
        f"{report.made_at:%Y-%m-%d %H:%M} UTC, hub {report.hub_version}, file {report.digest[:12]}",
        "",
        *_capabilities(report),
    ]
    failed = [result for result in report.results if result.outcome is Outcome.FAILED]
    for result in failed:
        out += ["", f"failed  {result.id} ({result.object}): {result.title}"]
        out += [f"        seen  {result.seen}", f"        mend  {result.mend}"]
    known = [f"  {one.id} ({one.object}): {one.seen}" for one in report.results if one.outcome is Outcome.KNOWN]
    if known:
        out += ["", "known weaknesses", *known]
    untried = _untried(report.results)
    if untried:
        out += ["", "not tried", *(f"  {told}" for told in untried)]
    if report.findings.left:
        out += ["", "could not be removed", *(f"  {told}" for told in report.findings.left)]
    stopped = "; it was stopped, so this is not all" if report.findings.stopped else ""
    return [*out, "", f"{report.manifest.slug}: {report.verdict}{stopped}"]


def _capabilities(report: Report) -> Iterable[str]:
    for name, found in report.capabilities.items():
        mine = Counter(result.outcome for result in report.results if result.capability is name)
        told = [f"{mine[Outcome.PASSED]} passed"] if mine[Outcome.PASSED] else []
        told += [f"{mine[one]} {one}" for one in (Outcome.FAILED, Outcome.KNOWN, Outcome.NOT_TRIED) if mine[one]]
        yield f"  {name:{WIDE}}  {found:{WIDE}}  {', '.join(told)}".rstrip()


def _untried(results: Iterable[Result]) -> list[str]:
    """One line for each reason, with the checks that it kept from being made."""
    reasons: dict[str, list[str]] = {}
    for result in results:
        if result.outcome is Outcome.NOT_TRIED:
            reasons.setdefault(result.seen, []).append(result.id)
    return [f"{', '.join(dict.fromkeys(ids))}: {reason}" for reason, ids in reasons.items()]
