"""The shipped manifest of Kinto against a real Kinto server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests

from syncapp.certify.servers.kinto import PASSWORD, PROGRAM, USER, serving
from syncapp.connectors import registry
from syncapp.connectors.client import Client
from syncapp.connectors.errors import Gone, Stale, Unauthorised

pytestmark = pytest.mark.skipif(
    not PROGRAM.exists(), reason="no Kinto server: make servers-venv installs it into .venv-servers"
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving("kinto.paginate_by = 4") as url:
        yield url


@pytest.fixture
def kinto(server: str, request: pytest.FixtureRequest) -> Client:
    name = request.node.name.replace("_", "-")[:40]
    requests.put(f"{server}/v1/buckets/firm/collections/{name}", auth=(USER, PASSWORD), timeout=5).raise_for_status()
    config = {"server": server, "bucket": "firm", "collection": name}
    return Client(registry.load("kinto"), config, {"user": USER, "password": PASSWORD}, allow_private=True)


def test_the_life_of_a_record(kinto: Client) -> None:
    made = kinto.create("records", {"email": "ann@x.org", "address": {"city": "Ulm"}}, key="k1")
    again = kinto.create("records", {"email": "ann@x.org"}, key="k1")
    assert (again.id, again.existed, again.item) == (made.id, True, None)
    changed = kinto.update("records", made.id, {"address": {"zip": "89073"}}, version=made.version, key="k2")
    assert changed.item is not None
    assert changed.item.body["address"] == {"city": "Ulm", "zip": "89073"}
    assert int(changed.version or 0) > int(made.version or 0)
    cleared = kinto.update("records", made.id, {"email": None}, version=changed.version, key="k3")
    assert cleared.item is not None and "email" not in cleared.item.body
    with pytest.raises(Stale) as stale:
        kinto.update("records", made.id, {"email": "eve@x.org"}, version=made.version, key="k4")
    assert stale.value.current is not None and stale.value.current.version == cleared.version
    with pytest.raises(Stale):
        kinto.delete("records", made.id, version=made.version, key="k5")
    kinto.delete("records", made.id, version=cleared.version, key="k6")
    with pytest.raises(Gone):
        kinto.read("records", made.id)


def test_pages_delta_and_tombstones(kinto: Client) -> None:
    made = [kinto.create("records", {"n": number}, key=f"k{number}") for number in range(9)]
    ids = [written.id for written in made]
    pages = list(kinto.pages("records", size=4))
    assert [len(page.items) for page in pages] == [4, 4, 1] and pages[-1].last
    assert [item.id for page in pages for item in page.items] == ids
    resumed = [item.id for page in kinto.pages("records", cursor=pages[0].cursor, size=4) for item in page.items]
    assert resumed == ids[4:]
    fifth = kinto.read("records", ids[4])
    assert fifth.updated_at is not None
    kinto.delete("records", ids[0], key="d")
    delta = [
        (item.id, item.deleted)
        for page in kinto.pages("records", since=fifth.updated_at, size=2)
        for item in page.items
    ]
    assert delta == [(id, False) for id in ids[4:]] + [(ids[0], True)]
    assert next(kinto.pages("records", since=datetime.now(UTC) + timedelta(hours=1))).items == []


def test_finding_and_reading_many(kinto: Client) -> None:
    made = [
        kinto.create("records", {"phone": f"00{number}", "a": {"b": number}}, key=f"k{number}").id
        for number in range(7)
    ]
    assert [item.id for item in kinto.find("records", "phone", "003")] == [made[3]]
    assert kinto.find("records", "phone", "3") == []
    found = kinto.read_many("records", [*made, "not-there"])
    assert sorted(found) == sorted(made)


def test_check_and_a_wrong_password(kinto: Client, server: str) -> None:
    check = kinto.check()
    assert check.ok and check.actor == "account:hub"
    config = {"server": server, "bucket": "firm", "collection": "x"}
    wrong = Client(registry.load("kinto"), config, {"user": USER, "password": "wrong"}, allow_private=True)
    with pytest.raises(Unauthorised):
        list(wrong.pages("records"))
    assert not wrong.check().authenticated
