"""The file for a plain REST API, and each bad habit of such systems: found by the suite, or harmless to the file."""

from __future__ import annotations

from typing import Any

import pytest

from syncapp.certify.checks import ALL
from syncapp.certify.doubles import places
from syncapp.certify.results import Outcome, Result
from syncapp.certify.run import check
from syncapp.connectors import registry
from syncapp.connectors.spec import Manifest
from syncapp.doubles.generic_rest import GenericRest
from syncapp.doubles.generic_rest_fields import FIELDS
from syncapp.doubles.generic_rest_traps import TRAPS
from tests.certify.broken import broken

LIST = "objects.contacts.operations.list"
# trap -> the check that finds it, and what is said.
FOUND = {
    "null_until_updated": ("update.time_moves", "never changed has no time of change"),
    "if_match_ignored": ("conditional.stale", "leave it out"),
    "no_patch": ("update.only_named", "PATCH is not supported"),
    "gone_403": ("delete.gone", "declare how a deleted id is answered"),
    "gone_200": ("delete.gone", "read as if it lived"),
    "only_id": ("create.receipt", "does not carry the record"),
    "id_in_body": ("update.only_named", "Name the record in the body"),
    "capped": ("list.not_capped", "max_size: 5"),
    "space_times": ("update.time_moves", "after it"),
    "next_in_header": ("auth.works", "there is no list at 'items'"),
    "bare_hooks": ("webhook.good", "not believed"),
    "field_gone": ("read.understood", "no longer tells this field"),
}
BY_NUMBER: tuple[tuple[str, Any], ...] = (
    (f"{LIST}.query", {"per_page": "{size}", "page": "{cursor}", "updated_since": "{since}", "status": "all"}),
    (f"{LIST}.paging", {"kind": "cursor", "path": "next_page", "in": "slot", "size": 100, "most_pages": 40}),
)
# trap -> the check that would find it, and the change of the file that lets it in.
IMMUNE: dict[str, tuple[str, tuple[tuple[str, Any], ...]]] = {
    "closed_hidden": (
        "list.complete",
        ((f"{LIST}.query", {"per_page": "{size}", "after_id": "{cursor}", "updated_since": "{since}"}),),
    ),
    "anonymous_200": ("auth.wrong_key", (("check.actor", "name"),)),
    "page_loop": ("list.complete", BY_NUMBER),
    "endless_pages": ("list.complete", BY_NUMBER),
}


@pytest.fixture(scope="module")
def rest() -> Manifest:
    return registry.load("generic_rest")


def tried(rest: Manifest, trap: str, wanted: str) -> Result:
    with GenericRest([trap]).serve() as running, places(rest, running.url) as found:
        closed = {**FIELDS["contacts"], "name": "Old", "status": "closed"}
        running.double.shelf.add("contacts", closed, actor="ann")
        findings = check(found, writes=True, objects=["contacts"], checks=[one for one in ALL if one.id == wanted])
    [result] = findings.results
    return result


def test_every_habit_is_met() -> None:
    assert set(FOUND) | set(IMMUNE) == set(TRAPS)
    assert not set(FOUND) & set(IMMUNE)


@pytest.mark.parametrize("trap", FOUND)
def test_it_is_found(rest: Manifest, trap: str) -> None:
    wanted, said = FOUND[trap]
    result = tried(rest, trap, wanted)
    assert result.outcome is Outcome.FAILED, result
    assert said in f"{result.seen} {result.mend}", result


@pytest.mark.parametrize("trap", IMMUNE)
def test_it_does_not_matter_to_the_file_and_would_be_found(rest: Manifest, trap: str) -> None:
    wanted, changes = IMMUNE[trap]
    assert tried(rest, trap, wanted).outcome is Outcome.PASSED
    let_in = tried(broken(rest, *changes), trap, wanted)
    assert let_in.outcome is Outcome.FAILED, let_in
