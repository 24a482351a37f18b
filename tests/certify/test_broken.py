"""The suite's own test: a provider file with one thing wrong is caught, by the check about it, with its mend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from syncapp.certify import doubles
from syncapp.certify.checks import ALL
from syncapp.certify.place import Place
from syncapp.certify.results import Outcome
from syncapp.certify.run import check
from syncapp.certify.servers import kinto, sandbox
from syncapp.connectors import registry
from tests.certify.broken import AIRTABLE, GRAPH, KINTO, SANDBOX, broken
from tests.certify.test_traps import CASES as TRAPS

# No file can be wrong about these: they are about the engine.
ELSEWHERE = {
    "trouble.html": "what is not JSON is refused, whatever the file says",
    "trouble.truncated": "what is not JSON is refused, whatever the file says",
    "webhook.bad": "a signature that leaves the body out is refused when the file is read",
}
RIGHT = {slug: registry.load(slug) for slug in ("sandbox", "kinto", "microsoft_graph", "airtable")}


@pytest.fixture(scope="module")
def sandboxes() -> Iterator[list[Place]]:
    with sandbox.places(RIGHT["sandbox"]) as found:
        yield found


@pytest.fixture(scope="module")
def kintos() -> Iterator[list[Place]]:
    if not kinto.PROGRAM.exists():
        pytest.skip("no Kinto server: make servers-venv installs it into .venv-servers")
    with kinto.places(RIGHT["kinto"]) as found:
        yield found


@pytest.fixture(scope="module")
def graphs() -> Iterator[list[Place]]:
    with doubles.places(RIGHT["microsoft_graph"]) as found:
        yield found


@pytest.fixture(scope="module")
def tables() -> Iterator[list[Place]]:
    with doubles.places(RIGHT["airtable"]) as found:
        yield found


def caught(places: list[Place], object: str, wanted: str, changes: Any, mend: str) -> None:
    place = next(one for one in places if not one.objects or object in one.objects)
    spoiled = replace(place, manifest=broken(place.manifest, *changes))
    some = [one for one in ALL if one.id in (wanted, "read.by_id")]
    found = check([spoiled], writes=True, objects=[object], checks=some)
    # A broken file may be unable to clean up after itself; the right one is.
    [result] = [one for one in found.results if one.id == wanted]
    assert result.outcome is Outcome.FAILED, result
    assert mend in result.mend, result


def named(case: Any) -> str:
    return f"{case[1]}-{case[2][0][0]}"


@pytest.mark.parametrize("case", SANDBOX, ids=named)
def test_what_is_wrong_with_the_sandbox_is_found(sandboxes: list[Place], case: Any) -> None:
    caught(sandboxes, *case)


@pytest.mark.parametrize("case", KINTO, ids=named)
def test_what_is_wrong_with_kinto_is_found(kintos: list[Place], case: Any) -> None:
    caught(kintos, *case)


@pytest.mark.parametrize("case", GRAPH, ids=named)
def test_what_is_wrong_with_a_double_of_graph_is_found(graphs: list[Place], case: Any) -> None:
    caught(graphs, *case)


@pytest.mark.parametrize("case", AIRTABLE, ids=named)
def test_what_is_wrong_with_a_double_of_airtable_is_found(tables: list[Place], case: Any) -> None:
    caught(tables, *case)


def test_every_check_is_shown_to_find_something() -> None:
    """A check that never failed anywhere proves nothing; those that are missing here are named with a reason."""
    shown = {case[1] for case in (*SANDBOX, *KINTO, *GRAPH, *AIRTABLE, *TRAPS)}
    assert {one.id for one in ALL} - shown == set(ELSEWHERE)
