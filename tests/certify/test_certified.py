"""Every provider that has a real server or a double here, found by itself: what its file declares is so.

Adding a provider needs no line in here. `make servers-venv` installs the real servers; without them they are skipped,
by name, and CI refuses skipped ones.
"""

from __future__ import annotations

import pytest

from syncapp.certify.find import places, ways
from syncapp.certify.results import Capability, Outcome
from syncapp.certify.run import check
from syncapp.certify.servers.base import NoServer
from syncapp.certify.verdict import Verdict, by_capability
from syncapp.connectors import registry
from syncapp.connectors.registry import available

WAYS = [(slug, way) for slug, manifest in sorted(available().items()) for way in ways(manifest)]
# What a provider is of no use without.
NEEDED = (Capability.AUTH, Capability.LIST)


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("slug", "way"), WAYS, ids=[f"{slug}-{way}" for slug, way in WAYS])
def test_it_does_what_its_file_declares(slug: str, way: str) -> None:
    try:
        with places(registry.load(slug), way) as found:
            findings = check(found, writes=True)
    except NoServer as missing:
        pytest.skip(str(missing))
    told = [
        f"{one.object} {one.id}: {one.seen} -> {one.mend}" for one in findings.results if one.outcome is Outcome.FAILED
    ]
    assert told == []
    assert findings.left == []
    verdicts = by_capability(findings.results)
    assert {verdicts[one] for one in NEEDED} <= {Verdict.CERTIFIED, Verdict.PARTLY}, verdicts


def test_there_are_providers_to_check() -> None:
    needed = {"sandbox", "kinto", "redmine", "sqlite", "tryton"}
    assert {(slug, "server") for slug in needed} <= set(WAYS)
