"""The shipped manifest of the sandbox against a sandbox that really runs, in both dialects."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from syncapp.connectors import registry, webhook
from syncapp.connectors.client import Client
from syncapp.connectors.errors import Gone, Limited, Rejected, Stale, Unauthorised, Unavailable, Unknown
from syncapp.connectors.many import Change, New
from syncapp.connectors.mapping import Mapping
from syncapp.connectors.records import Written
from syncapp.connectors.transport import Timeouts
from syncapp.sandbox.server import SandboxServer
from syncapp.sandbox.settings import Settings
from tests.connectors.server import Asked, Provider, Reply

DIALECTS = {"contacts": "crm", "customers": "billing"}
EMAIL = {"contacts": lambda text: {"properties": {"email": text}}, "customers": lambda text: {"email": text}}


class Side:
    """One running sandbox and our client of it."""

    def __init__(self, server: SandboxServer, slug: str) -> None:
        self.server, self.slug = server, slug
        self.client = self.connect("t0ken")

    def connect(self, token: str) -> Client:
        return Client(
            registry.load("sandbox"),
            {"server": self.server.url},
            {"token": token},
            allow_private=True,
            timeouts=Timeouts(2, 2, 5),
        )

    def faults(self, **faults: Any) -> None:
        assert requests.put(f"{self.server.url}/_sandbox/faults", json=faults, timeout=5).status_code == 200

    def body(self, email: str) -> dict[str, Any]:
        return EMAIL[self.slug](email)

    def create(self, email: str, key: str = "", **more: Any) -> str:
        return self.client.create(self.slug, self.body(email), key=key or email, **more).id

    def ids(self, **how: Any) -> list[str]:
        return [item.id for page in self.client.pages(self.slug, **how) for item in page.items]


@pytest.fixture(params=sorted(DIALECTS))
def side(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Side]:
    settings = Settings(dialect=DIALECTS[request.param], data=tmp_path / "data.sqlite", token="t0ken")
    with SandboxServer(settings) as server:
        yield Side(server, request.param)


def test_the_life_of_a_record(side: Side) -> None:
    made = side.client.create(side.slug, side.body("ann@x.org"), key="k1", external_id="hub-1")
    assert made.item is not None and made.version == made.item.version
    assert side.client.create(side.slug, side.body("ann@x.org"), key="k1", external_id="hub-1").id == made.id
    changed = side.client.update(side.slug, made.id, side.body("bob@x.org"), version=made.version, key="k2")
    assert changed.version is not None and made.version is not None and int(changed.version) > int(made.version)
    assert side.client.read(side.slug, made.id).version == changed.version
    with pytest.raises(Stale) as stale:
        side.client.update(side.slug, made.id, side.body("eve@x.org"), version=made.version, key="k3")
    assert stale.value.current is not None and stale.value.current.version == changed.version
    side.client.delete(side.slug, made.id, key="k4")
    with pytest.raises(Gone):
        side.client.read(side.slug, made.id)


def test_finding(side: Side) -> None:
    found = side.create("ann@x.org", external_id="hub-9")
    side.create("bob@x.org")
    assert [item.id for item in side.client.find(side.slug, "email", "ann@x.org")] == [found]
    assert [item.id for item in side.client.find(side.slug, "external_id", "hub-9")] == [found]
    assert side.client.find(side.slug, "email", "nobody@x.org") == []


def test_listing_in_small_pages_resumed_and_by_time(side: Side) -> None:
    made = [side.create(f"p{number}@x.org") for number in range(7)]
    assert set(side.ids(size=2)) == set(made)
    first = next(side.client.pages(side.slug, size=2))
    assert first.cursor is not None and first.server_date is not None and first.round_trip >= 0
    assert set(side.ids(size=2, cursor=first.cursor)) | {item.id for item in first.items} == set(made)
    started = min(item.updated_at for page in side.client.pages(side.slug) for item in page.items if item.updated_at)
    assert set(side.ids(size=2, since=started)) == set(made)
    assert side.ids(since=datetime.now(UTC) + timedelta(hours=1)) == []


def test_a_delta_shows_tombstones_and_nothing_deleted_is_listed_as_living(side: Side) -> None:
    begun = datetime.now(UTC) - timedelta(seconds=5)
    kept, dropped = side.create("a@x.org"), side.create("b@x.org")
    side.client.delete(side.slug, dropped, key="d")
    living = [item.id for page in side.client.pages(side.slug) for item in page.items if not item.deleted]
    assert living == [kept]
    delta = {item.id: item.deleted for page in side.client.pages(side.slug, since=begun) for item in page.items}
    assert delta == {kept: False, dropped: True}


def test_reading_many(side: Side) -> None:
    made = [side.create(f"p{number}@x.org") for number in range(3)]
    unknown = "999999" if side.slug == "contacts" else "cus_ZZZZZZZZ"
    assert sorted(side.client.read_many(side.slug, [*made, unknown])) == sorted(made)


def test_a_refused_value_names_its_field(side: Side) -> None:
    with pytest.raises(Rejected) as caught:
        side.client.create(side.slug, side.body("no address"), key="k")
    assert list(caught.value.fields) == ["email"]


def test_a_wrong_token(side: Side) -> None:
    with pytest.raises(Unauthorised):
        side.connect("wrong").read(side.slug, "1001")
    check = side.connect("wrong").check()
    assert (check.reachable, check.authenticated) == (True, False)


def test_check(side: Side) -> None:
    check = side.client.check()
    assert check.ok and check.objects[side.slug] == "ok" and check.skew is not None and abs(check.skew) < 3


def test_faults_become_the_errors_that_fit(side: Side) -> None:
    id = side.create("a@x.org")
    side.faults(server_error=1)
    with pytest.raises(Unavailable):
        side.client.update(side.slug, id, side.body("b@x.org"), version=None, key="k")
    side.faults(rate_limit_per_second=1)
    with pytest.raises(Limited) as limited:
        for _ in range(3):
            side.connect("t0ken").read(side.slug, id)
    assert limited.value.retry_after == 1


def test_a_time_out_after_the_write_landed_is_unknown_and_the_same_key_settles_it(side: Side) -> None:
    side.faults(hang_after_write=1, hang_seconds=0.2)
    with pytest.raises(Unknown):
        side.create("a@x.org", key="same")
    side.faults()
    id = side.create("a@x.org", key="same")
    assert side.ids() == [id]


SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
HOOKS = registry.load("sandbox").webhook


def announce(side: Side, provider: Provider) -> str:
    """From now on changes are told there."""
    provider.on("POST", "/hook", Reply({}))
    told = {"url": f"{provider.url}/hook", "secret": SECRET}
    assert requests.put(f"{side.server.url}/_sandbox/webhook", json=told, timeout=5).status_code == 200
    return told["url"]


def announced(provider: Provider) -> Asked:
    """The one webhook that came."""
    for _ in range(100):
        if provider.asked:
            break
        time.sleep(0.05)
    (asked,) = provider.asked
    return asked


def test_its_webhooks_are_verified_and_understood(side: Side, provider: Provider) -> None:
    url, spec = announce(side, provider), HOOKS
    made = side.client.create(side.slug, side.body("ann@x.org"), key="k")
    asked = announced(provider)
    assert spec is not None
    webhook.verify(spec, SECRET, "POST", url, asked.headers, asked.raw, time.time())
    with pytest.raises(webhook.BadSignature):
        webhook.verify(spec, SECRET, "POST", url, asked.headers, asked.raw + b" ", time.time())
    (event,) = webhook.events(spec, asked.raw, asked.headers)
    assert (event.object, event.record_id, event.kind, event.version) == (side.slug, made.id, "created", made.version)
    assert made.item is not None and event.fields == made.item.body


def merge(side: Side, winner: str, loser: str) -> None:
    told = {"winner": winner, "loser": loser, "actor": "Kim"}
    assert requests.post(f"{side.server.url}/_sandbox/merge", json=told, timeout=5).status_code == 200


def test_a_merged_record_names_the_one_it_went_into(side: Side) -> None:
    begun = datetime.now(UTC) - timedelta(seconds=5)
    winner, loser = side.create("a@x.org"), side.create("b@x.org")
    merge(side, winner, loser)
    with pytest.raises(Gone) as gone:
        side.client.read(side.slug, loser)
    assert gone.value.item is not None
    assert (gone.value.item.id, gone.value.item.merged_into, gone.value.item.deleted) == (loser, winner, True)
    assert side.client.read(side.slug, winner).merged_into is None
    delta = {item.id: item for page in side.client.pages(side.slug, since=begun) for item in page.items}
    assert (delta[loser].deleted, delta[loser].merged_into) == (True, winner)
    assert (delta[winner].deleted, delta[winner].merged_into) == (False, None)
    with pytest.raises(Gone) as refused:
        side.client.update(side.slug, loser, side.body("c@x.org"), version=None, key="k")
    assert side.slug == "contacts" or (refused.value.item is not None and refused.value.item.merged_into == winner)


def test_a_merge_is_told_with_the_ids_that_went(side: Side, provider: Provider) -> None:
    winner, loser = side.create("a@x.org"), side.create("b@x.org")
    announce(side, provider)
    merge(side, winner, loser)
    asked = announced(provider)
    assert HOOKS is not None
    (event,) = webhook.events(HOOKS, asked.raw, asked.headers)
    assert (event.object, event.kind, event.record_id, event.merged) == (side.slug, "merged", winner, (loser,))


COMPANY = {"companies": {"properties": {"name": "Acme", "domain": "acme.example"}}}
ACCOUNT = {"accounts": {"name": "Acme", "domain": "acme.example"}}


@pytest.mark.parametrize(("slug", "body"), [*COMPANY.items(), *ACCOUNT.items()])
def test_companies_live_like_people(tmp_path: Path, slug: str, body: dict[str, Any]) -> None:
    dialect = "crm" if slug == "companies" else "billing"
    with SandboxServer(Settings(dialect=dialect, data=tmp_path / "data.sqlite", token="t0ken")) as server:
        client = Side(server, slug).client
        made = client.create(slug, body, key="k", external_id="hub-1")
        assert [item.id for item in client.find(slug, "domain", "ACME.example")] == [made.id]
        assert [item.id for item in client.find(slug, "external_id", "hub-1")] == [made.id]
        begun = datetime.now(UTC) - timedelta(seconds=5)
        assert [item.id for page in client.pages(slug, since=begun) for item in page.items] == [made.id]
        assert list(client.read_many(slug, [made.id, "7099"])) == [made.id]
        changed = client.update(slug, made.id, body, version=made.version, key="k2")
        client.delete(slug, made.id, version=changed.version if dialect == "crm" else None, key="k3")
        with pytest.raises(Gone):
            client.read(slug, made.id)


def test_a_portal_is_an_account_like_any_other(tmp_path: Path) -> None:
    settings = Settings(dialect="crm", data=tmp_path / "data.sqlite", token="t0ken", portals=("a", "b"))
    with SandboxServer(settings) as server:

        def client(portal: str, token: str) -> Client:
            config = {"server": server.url_of(portal)}
            return Client(registry.load("sandbox"), config, {"token": token}, allow_private=True)

        mine = client("a", "t0ken-a")
        made = [mine.create("contacts", EMAIL["contacts"](f"p{n}@x.org"), key=str(n)).id for n in range(3)]
        assert [item.id for page in mine.pages("contacts", size=2) for item in page.items] == made
        assert [item for page in client("b", "t0ken-b").pages("contacts") for item in page.items] == []
        with pytest.raises(Unauthorised, match="belongs to another portal"):
            client("b", "t0ken-a").read("contacts", made[0])
        assert mine.check().ok


def test_a_quota_that_is_used_up_says_so_and_until_when(side: Side) -> None:
    told = {"limit": 1, "used": 1}
    assert requests.put(f"{side.server.url}/_sandbox/quota", json=told, timeout=5).status_code == 200
    with pytest.raises(Limited, match="The daily quota of 1 calls is used up") as limited:
        side.client.read(side.slug, "1001")
    midnight = (int(time.time()) // 86_400 + 1) * 86_400
    assert limited.value.retry_after is not None
    assert abs(limited.value.retry_after - (midnight - time.time())) < 5


def test_tokens_that_expire_are_renewed(tmp_path: Path) -> None:
    settings = Settings("crm", tmp_path / "data.sqlite", seed=1, token_ttl=0.4, client_secret="s3", refresh_token="r1")
    with SandboxServer(settings) as server:
        secrets = {"refresh_token": "r1", "client_secret": "s3"}
        client = Client(registry.load("sandbox"), {"server": server.url}, secrets, allow_private=True)
        assert client.read("contacts", "1001").id == "1001"
        time.sleep(0.5)
        assert client.read("contacts", "1001").id == "1001"
        assert requests.get(f"{server.url}/_sandbox/stats", timeout=5).json()["api_calls"]["token"] == 2


def test_the_mapping_of_both_dialects_meets_in_the_middle(tmp_path: Path) -> None:
    objects = registry.load("sandbox").objects
    crm = Mapping.parse(
        {"mail": "email", "tags": "tags", "optin": "newsletter", "credit": "credit_limit"}, spec=objects["contacts"]
    )
    bill = Mapping.parse(
        {"mail": "email", "tags": "labels", "optin": "marketing_opt_in", "credit": "credit_cents"},
        spec=objects["customers"],
    )
    values = {"mail": "a@x.org", "tags": ["a", "b"], "optin": True, "credit": "1200.50"}
    for slug, mapping in (("contacts", crm), ("customers", bill)):
        settings = Settings(dialect=DIALECTS[slug], data=tmp_path / f"{slug}.sqlite", token="t0ken")
        with SandboxServer(settings) as server:
            written = Side(server, slug).client.create(slug, mapping.write(values), key="k")
            assert written.item is not None and mapping.read(written.item.body) == values


def test_many_in_one_call_each_for_itself(side: Side) -> None:
    """Five are asked for: one is refused by its value, one id is taken; the others are made, once."""
    many = side.client.many
    side.create("taken@x.org", external_id="hub-taken")
    asked = [
        New(side.body("a@x.org"), "key-a", "hub-a"),
        New(side.body("no address"), "key-bad", "hub-bad"),
        New(side.body("b@x.org"), "key-b", "hub-b"),
        New(side.body("c@x.org"), "key-c", "hub-taken"),
    ]
    first, bad, second, taken = many.create(side.slug, asked)
    assert isinstance(first, Written) and isinstance(second, Written) and first.item is not None
    assert first.version == first.item.version and first.id != second.id
    assert isinstance(bad, Rejected) and list(bad.fields) == ["email"]
    assert isinstance(taken, Rejected)
    again = many.create(side.slug, asked[:1])[0]
    assert isinstance(again, Written) and again.id == first.id
    assert len(side.ids()) == 3


def test_many_are_changed_each_at_its_own_version(side: Side) -> None:
    made = [side.client.create(side.slug, side.body(f"p{n}@x.org"), key=f"k{n}") for n in range(3)]
    moved = side.client.update(side.slug, made[1].id, side.body("q1@x.org"), version=made[1].version, key="u")
    changes = [Change(one.id, side.body(f"r{n}@x.org"), one.version, f"c{n}") for n, one in enumerate(made)]
    unknown = Change("999999" if side.slug == "contacts" else "cus_ZZZZZZZZ", side.body("z@x.org"), "1", "z")
    fine, stale, last, gone = side.client.many.update(side.slug, [*changes, unknown])
    assert isinstance(fine, Written) and isinstance(last, Written) and (fine.id, last.id) == (made[0].id, made[2].id)
    assert isinstance(stale, Stale) and stale.current is not None and stale.current.version == moved.version
    assert isinstance(gone, Gone)
    assert side.client.read(side.slug, made[1].id).version == moved.version


def test_many_are_looked_up_at_once(side: Side) -> None:
    found = [side.create(f"p{n}@x.org", external_id=f"hub-{n}") for n in range(4)]
    side.client.delete(side.slug, found[3], key="d")
    wanted = {"email": ["P0@x.org", "nobody@x.org", "p3@x.org"], "external_id": ["hub-2"]}
    assert [item.id for item in side.client.many.find(side.slug, wanted)] == [found[0], found[2]]
    assert side.client.many.find(side.slug, {}) == []


def test_an_entry_that_is_limited_is_told_apart_from_a_call_that_is(side: Side) -> None:
    side.faults(batch_limited=1)
    [limited] = side.client.many.create(side.slug, [New(side.body("a@x.org"), "k")])
    assert isinstance(limited, Limited)
    side.faults(rate_limit_per_second=1)
    with pytest.raises(Limited):
        for _ in range(3):
            side.connect("t0ken").many.create(side.slug, [New(side.body("a@x.org"), "k")])


def test_an_answer_to_many_that_is_lost_is_unknown_for_all_of_them(side: Side) -> None:
    asked = [New(side.body(f"p{n}@x.org"), f"k{n}") for n in range(3)]
    side.faults(hang_after_write=1, hang_seconds=0.2)
    with pytest.raises(Unknown):
        side.client.many.create(side.slug, asked)
    side.faults()
    again = [made.id for made in side.client.many.create(side.slug, asked) if isinstance(made, Written)]
    assert sorted(side.ids()) == sorted(again)
