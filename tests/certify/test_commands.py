"""The two commands: what they print, keep and answer with; and that nothing is left behind, also when it is stopped."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from syncapp import VERSION
from syncapp.certify import run
from syncapp.certify.doubles import places
from syncapp.certify.results import Capability, Check
from syncapp.certify.servers import sqlite
from syncapp.connectors import manifest, registry
from syncapp.connectors.sql.describe import choose
from syncapp.connectors.sql.place import place_of
from syncapp.models import Account, Certificate
from syncapp.secrets import encrypt
from tests.certify.shop_double import Shop

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture
def shop_folder(tmp_path: Path, settings: Any) -> Path:
    """A folder outside the package with a provider and its double beside it."""
    (tmp_path / "shop.yaml").write_text((HERE / "shop.yaml").read_text())
    (tmp_path / "shop_double.py").write_text((HERE / "shop_double.py").read_text())
    settings.PROVIDER_FOLDERS = [tmp_path]
    return tmp_path


def told(name: str, *arguments: str) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.mark.django_db
def test_a_provider_of_a_folder_outside_is_certified_and_listed(shop_folder: Path) -> None:
    report = json.loads(told("check_provider", "shop", "--writes", "--json"))
    assert (report["verdict"], report["against"], report["left"]) == ("certified", "double, from documentation", [])
    assert report["hub_version"] == VERSION
    assert report["capabilities"]["delta"] == "certified" and report["capabilities"]["batch"] == "not offered"
    assert {one["outcome"] for one in report["checks"]} == {"passed", "not offered"}
    [listed] = [one for one in json.loads(told("providers", "--json")) if one["provider"] == "shop"]
    assert "conditional" in listed["capabilities"] and listed["can_be_tried_at"] == ["double"]
    [kept] = listed["certificates"]
    assert (kept["verdict"], kept["current"], kept["writes"]) == ("certified", True, True)
    with (shop_folder / "shop.yaml").open("a") as file:
        file.write("quirks: [It is invented.]\n")
    assert "its file has changed since" in told("providers")


@pytest.mark.django_db
def test_without_writes_nothing_is_written_and_it_says_so(shop_folder: Path) -> None:
    with Shop().serve() as running:
        text = told("check_provider", "shop", "--double", running.url)
        assert running.double.ids("goods") == []
    assert "it would write: ask for it with --writes" in text and "shop: partly" in text
    assert Certificate.objects.get().writes is False


@pytest.mark.django_db
def test_a_live_account_is_tried_with_its_own_credentials(shop_folder: Path) -> None:
    with Shop().serve() as running:
        config, keys = {"server": running.url}, {"token": "shop-token"}
        Account.objects.create(
            slug="our-shop", provider="shop", name="Shop", config=config, secrets=encrypt(keys), allow_private=True
        )
        mine = running.double.shelf.add("goods", {"name": "milk"})
        text = told("check_provider", "shop", "--account", "our-shop", "--writes")
        assert running.double.ids("goods") == [mine.id]
        assert running.double.shelf.get("goods", mine.id).version == 1  # type: ignore[union-attr]
    assert "against: live account our-shop" in text
    assert Certificate.objects.get().account == "our-shop"


@pytest.mark.django_db
def test_the_tables_of_a_database_are_tried_like_any_account(settings: Any) -> None:
    with sqlite.places(registry.load("sqlite")) as [place]:
        folder = str(Path(place.config["path"]).parent)
        settings.SQLITE_FOLDERS = [folder]
        database = place_of(place.manifest, place.config, {}, allow_private=True, folders=(folder,))
        Account.objects.create(
            slug="company", provider="sqlite", name="Company", config=dict(place.config), allow_private=True,
            tables={"customers": choose(database, "customers", sqlite.CHOICE).as_json()},
        )  # fmt: skip
        with pytest.raises(CommandError, match=r"sqlite has no object 'people'\. Accepted: customers"):
            told("check_provider", "sqlite", "--account", "company", "--object", "people")
        report = json.loads(told("check_provider", "sqlite", "--account", "company", "--writes", "--json"))
        assert place.world.ids("customers") == ["1", "2"]
    assert (report["against"], report["account"], report["left"]) == ("live account", "company", [])
    assert report["capabilities"]["conditional"] == "certified" and report["capabilities"]["batch"] == "certified"


@pytest.mark.django_db
def test_a_finding_ends_with_one_and_says_what_to_mend(shop_folder: Path) -> None:
    class Careless(Shop):
        traps = ("no_if_match",)

    out = StringIO()
    with Careless().serve() as running, pytest.raises(SystemExit) as ended:
        call_command("check_provider", "shop", "--double", running.url, "--writes", stdout=out, stderr=StringIO())
    assert ended.value.code == 1
    assert "failed  conditional.stale (goods)" in out.getvalue()
    assert "mend  `objects.goods.operations.update.conditional`" in out.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nobody",), "there is no such provider"),
        (("shop", "--object", "bads"), "shop has no object 'bads'. Accepted: goods."),
        (("shop", "--account", "none"), "There is no account 'none' of shop. Accepted: none yet."),
        (("shop", "--against", "server"), "There is neither a real server nor a double of 'shop' here"),
    ],
)
def test_what_cannot_be_tried_is_said(shop_folder: Path, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError, match=said) as refused:
        told("check_provider", *arguments)
    assert refused.value.returncode == 2


def test_what_was_made_is_removed_when_somebody_stops_it() -> None:
    def stop(on: Any) -> str:
        on.make_some(3)
        raise KeyboardInterrupt

    def lose(on: Any) -> str:
        with on.trouble("timeout_after_write"):
            on.make()
        return "no answer came"

    shop = manifest.load(HERE / "shop.yaml")
    for break_off in (stop, lose):
        with Shop().serve() as running, places(shop, running.url) as found:
            checks = (Check("x", "x", Capability.LIST, break_off),)
            findings = run.check(found, writes=True, checks=checks)
            assert running.double.ids("goods") == [] and findings.left == []
            assert len(running.double.shelf.rows("goods", deleted=True)) in (1, 3)


def test_what_could_not_be_removed_is_listed() -> None:
    def make(on: Any) -> str:
        on.make()
        on.world.fail("403", 99, "write")
        return "made"

    shop = manifest.load(HERE / "shop.yaml")
    with Shop().serve() as running, places(shop, running.url) as found:
        findings = run.check(found, writes=True, checks=(Check("x", "x", Capability.LIST, make),))
    [left] = findings.left
    assert left.startswith("goods 1: the credentials may not do this")


def test_the_version_is_the_one_of_the_package() -> None:
    assert f'version = "{VERSION}"' in (ROOT / "pyproject.toml").read_text()
