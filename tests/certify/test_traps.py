"""What real systems were seen to do: the suite finds each trap, with its mend; once the file says it, all is well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncapp.certify.checks import ALL
from syncapp.certify.doubles import places
from syncapp.certify.results import Capability, Outcome, Result
from syncapp.certify.run import check
from syncapp.certify.verdict import Verdict, by_capability
from syncapp.connectors import manifest
from syncapp.connectors.errors import Misconfigured
from syncapp.connectors.spec import Manifest
from tests.certify.broken import broken
from tests.certify.shop_double import TRAPS, Shop

FILE = Path(__file__).with_name("shop.yaml")
LIST = "objects.goods.operations.list"
UPDATE = "objects.goods.operations.update"
# trap -> the check that finds it, what its mend says, and what to change in the file so that all is well; None: nothing
# in the file can make it well, the provider's own users would lose data too.
CASES: list[tuple[str, str, str, tuple[tuple[str, Any], ...] | None]] = [
    ("stranger", "auth.wrong_key", "`check` has to ask something that only a user may see", None),
    ("cursor_once", "list.resumes", "the cursor", None),
    ("cap", "list.not_capped", "max_size: 10", ((f"{LIST}.paging.max_size", 10), (f"{LIST}.paging.size", 10))),
    ("short_list", "list.as_read", "omitted: missing", (("objects.goods.fields.note.omitted", "missing"),)),
    ("offset", "list.while_changing", "counting pages skips", None),
    (
        "coarse", "delta.boundary", "inclusive: false",
        (
            ("objects.goods.updated_at.resolution", 1), (f"{LIST}.delta.inclusive", False),
            (f"{LIST}.delta.resolution", 1),
        ),
    ),
    ("behind", "delta.at_once", "overlap", ((f"{LIST}.delta.overlap", 3),)),
    ("closed", "list.complete", "unless all are asked for", ((f"{LIST}.query", {"limit": "{size}", "status": "all"}),)),
    ("no_price", "create.read_back", "writable: false", (("objects.goods.fields.price.writable", False),)),
    ("made_since", "delta.shows_changed", "see param", None),
    ("nobody_403", "read.of_nobody", "declare how an unknown id is answered", None),
    ("slow_index", "delta.shows_new", "overlap", ((f"{LIST}.delta.overlap", 5), ("objects.goods.lag", 4))),
    ("never_updated", "update.time_moves", "updated_at", None),
    ("replace", "update.only_named", "replaces the whole record", None),
    ("no_if_match", "conditional.stale", "leave it out", ((f"{UPDATE}.conditional", ...),)),
    ("no_key", "idempotent.same_key", "leave it out", (("objects.goods.operations.create.idempotency", ...),)),
    (
        "only_id", "create.receipt", "leave it out",
        (("objects.goods.operations.create.item", ...), (f"{UPDATE}.item", ...)),
    ),
    ("silent_drop", "create.read_back", "writable: false", (("objects.goods.fields.note.writable", False),)),
    (
        "folded", "values.normalises", "normalises: [trim, lower, ascii]",
        (("objects.goods.fields.name.normalises", ["trim", "lower", "ascii"]),),
    ),
    (
        "no_clear", "update.clears", 'clear: "empty"',
        tuple((f"objects.goods.fields.{name}.clear", "empty") for name in ("name", "note", "price")),
    ),
    ("gone_403", "delete.gone", "declare how a deleted id is answered", None),
    ("gone_200", "delete.gone", "the path and value", None),
    ("gone_200", "delete.by_a_person", "tombstone", None),
    ("found_dead", "delete.not_listed", "tombstone", None),
    ("delete_twice_500", "delete.twice", "deleted id", None),
    ("update_raises_dead", "delete.not_updated", "deleted id", None),
    ("other_greeting", "webhook.handshake", "challenge", None),
]  # fmt: skip


@pytest.fixture(scope="module")
def shop() -> Manifest:
    return manifest.load(FILE)


def tried(
    shop: Manifest, traps: tuple[str, ...], wanted: str = "", given: Any = None, there: Any = None
) -> list[Result]:
    class Trapped(Shop):
        pass

    Trapped.traps = traps
    with Trapped().serve() as running, places(shop, running.url) as found:
        found[0].given = given or {}
        if there:
            running.double.shelf.add("goods", there, actor="ann")
        some = [one for one in ALL if wanted in ("", one.id)]
        findings = check(found, writes=True, checks=some)
    assert findings.left == []
    return findings.results


def failed(results: list[Result]) -> list[Result]:
    return [one for one in results if one.outcome is Outcome.FAILED]


def test_without_traps_all_is_well(shop: Manifest) -> None:
    results = tried(shop, ())
    assert failed(results) == []
    assert [one.id for one in results if one.outcome is Outcome.NOT_TRIED] == []


@pytest.mark.parametrize(("trap", "wanted", "mend", "cure"), CASES, ids=[f"{one[0]}-{one[1]}" for one in CASES])
def test_a_trap_is_found_and_can_be_declared(shop: Manifest, trap: str, wanted: str, mend: str, cure: Any) -> None:
    [result] = tried(shop, (trap,), wanted)
    assert result.outcome is Outcome.FAILED, result
    assert mend in result.mend, result
    if cure is not None:
        assert failed(tried(broken(shop, *cure), (trap,))) == []


def test_every_trap_is_met() -> None:
    assert {trap for trap, *_ in CASES} | {"omits", "needs_shelf"} == set(TRAPS)


def test_fields_that_are_left_out_when_empty_read_as_the_file_says(shop: Manifest) -> None:
    assert failed(tried(shop, ("omits",))) == []
    unknown = broken(shop, *((f"objects.goods.fields.{name}.omitted", "missing") for name in ("name", "note", "price")))
    [result] = tried(unknown, ("omits",), "update.clears")
    assert result.outcome is Outcome.FAILED and 'omitted: "null"' in result.mend


def test_what_every_record_needs_can_be_given(shop: Manifest) -> None:
    [refused] = tried(shop, ("needs_shelf",), "create.read_back")
    assert refused.outcome is Outcome.FAILED and "Shelf cannot be blank" in refused.seen and "--give" in refused.mend
    assert failed(tried(shop, ("needs_shelf",), given={"goods": {"shelf": "s2"}})) == []


def test_what_every_record_needs_is_lent_by_those_that_are_there(shop: Manifest) -> None:
    assert failed(tried(shop, ("needs_shelf",), "create.read_back", there={"name": "milk", "shelf": "s1"})) == []


def test_a_weakness_that_the_file_tells_is_no_finding_and_no_certificate(shop: Manifest) -> None:
    honest = broken(shop, ("weaknesses", {"goods.list.while_changing": "pages are counted"}))
    results = tried(honest, ("offset",))
    assert failed(results) == []
    [known] = [one for one in results if one.outcome is Outcome.KNOWN]
    assert known.seen.startswith("pages are counted (1 records were skipped")
    assert by_capability(results)[Capability.LIST] is Verdict.PARTLY


def test_a_weakness_that_names_no_check_is_refused(shop: Manifest) -> None:
    with pytest.raises(Misconfigured, match=r"no check 'list\.forgotten'"):
        tried(broken(shop, ("weaknesses", {"list.forgotten": "it is so"})), ())
