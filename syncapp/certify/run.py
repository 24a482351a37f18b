"""Run the checks at one place, object by object, and take away what they made, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from syncapp.certify.bench import Bench
from syncapp.certify.checks import ALL
from syncapp.certify.place import Place
from syncapp.certify.results import Capability, Check, Failed, NotOffered, NotTried, Outcome, Result
from syncapp.connectors.errors import ConnectorError, Limited, LooksOnly, Misconfigured, Rejected
from syncapp.doubles.control import NoControl

Tell = Callable[[str], None]


@dataclass
class Findings:
    """What came of a run. ``left``: records that could not be removed. ``stopped``: somebody ended it."""

    results: list[Result] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    stopped: bool = False


def check(
    places: Iterable[Place], *, writes: bool, objects: Iterable[str] = (), checks: Iterable[Check] = ALL,
    tell: Tell = lambda line: None,
) -> Findings:  # fmt: skip
    """All checks at all places. Ctrl-C ends it: what was made is removed, and what was found so far is answered."""
    findings, wanted = Findings(), set(objects)
    for place in places:
        _known(place)
        mine = [name for name in place.objects or place.manifest.objects if not wanted or name in wanted]
        for number, name in enumerate(mine):
            some = [one for one in checks if number == 0 or not one.once]
            _object(place, name, some, writes, findings, tell)
            if findings.stopped:
                return findings
    return findings


def _known(place: Place) -> None:
    """Raises Misconfigured for a weakness that is none of a check."""
    ids = {one.id for one in ALL}
    for told in place.manifest.weaknesses:
        object, _, rest = told.partition(".")
        if (rest if object in place.manifest.objects else told) not in ids:
            what = f"there is no check {told!r} that could be known to fail"
            raise Misconfigured(what, f"{place.manifest.slug}.weaknesses", ", ".join(sorted(ids)))


def _object(place: Place, name: str, checks: list[Check], writes: bool, findings: Findings, tell: Tell) -> None:
    bench = Bench(place, name, writes=writes)
    try:
        for one in checks:
            tell(f"{place.name or place.manifest.slug} {name}: {one.title}")
            findings.results.append(result(one, bench))
    except KeyboardInterrupt:
        findings.stopped = True
        tell("stopped; removing what was made")
    finally:
        findings.left += bench.clean()
        bench.close()


def result(check: Check, bench: Bench) -> Result:
    """One check. Whatever it raises becomes an outcome."""
    outcome, seen, mend = _outcome(check, bench)
    known = bench.manifest.weaknesses
    why = known.get(f"{bench.object}.{check.id}") or known.get(check.id)
    if outcome is Outcome.FAILED and why:
        outcome, seen, mend = Outcome.KNOWN, f"{why} ({seen})", ""
    return Result(check.id, check.title, check.capability, bench.object, outcome, seen, mend)


def _outcome(check: Check, bench: Bench) -> tuple[Outcome, str, str]:
    if check.writes and not bench.writes:
        return Outcome.NOT_TRIED, "it would write: ask for it with --writes", ""
    try:
        if check.capability is Capability.CREATE:
            bench.operation("create")
        return Outcome.PASSED, check.run(bench), ""
    except Failed as failed:
        return Outcome.FAILED, failed.seen, failed.mend
    except NotOffered as reason:
        return Outcome.NOT_OFFERED, str(reason), ""
    except (NotTried, NoControl, Limited, LooksOnly) as reason:
        return Outcome.NOT_TRIED, str(reason), ""
    except Rejected as refused:
        mend = f"see `{bench.where('fields')}`; what every record needs and nobody can make up: --give FIELD=VALUE"
        return Outcome.FAILED, str(refused), mend
    except ConnectorError as error:
        return Outcome.FAILED, str(error), f"see `{bench.where()}` in the provider's file"
    except Exception as error:  # noqa: BLE001 - told: one check that breaks must not leave records behind, or hide others
        return Outcome.FAILED, f"the suite broke: {type(error).__name__}: {error}", "report this with the file"
