"""A third side that is a real Kinto server: no webhooks, ids of our own, conditional writes, tombstones."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
import requests
from django.core.management import call_command

from policies.models import FieldRule, Role, Sync
from syncapp.certify.servers.kinto import PASSWORD, USER
from syncapp.models import Account, Conflict, Feed, Link, Run
from syncapp.secrets import encrypt
from tests.carry.driving import Side, billing_of, first_load
from tests.connectors.test_kinto import pytestmark as needs_kinto
from tests.connectors.test_kinto import server

__all__ = ["server"]
pytestmark = [needs_kinto, pytest.mark.django_db(transaction=True)]
AUTH = (USER, PASSWORD)


@pytest.fixture
def directory(server: str, sync: Sync, request: pytest.FixtureRequest) -> str:
    """The address of a fresh collection, bound to the sync as a third role."""
    name = request.node.name.replace("_", "-")[:40]
    url = f"{server}/v1/buckets/firm/collections/{name}"
    requests.put(url, auth=AUTH, timeout=5).raise_for_status()
    account = Account.objects.create(
        slug="directory",
        provider="kinto",
        name="Directory",
        config={"server": server, "bucket": "firm", "collection": name},
        secrets=encrypt({"user": "hub", "password": PASSWORD}),
        allow_private=True,
    )
    role = Role.objects.create(sync=sync, name="directory", order=2)
    mapping = {"email": "email", "first_name": "given_name", "phone": "phone"}
    Feed.objects.create(account=account, object="records", role=role, mapping=mapping, schedule=3600, stage="live")
    for rule in FieldRule.objects.exclude(unit="address"):
        rule.readers, rule.writers = [*rule.readers, "directory"], [*rule.writers, "directory"]
        rule.save()
    return f"{url}/records"


def records(url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while url:
        answer = requests.get(url, auth=AUTH, timeout=5)
        found += answer.json()["data"]
        url = answer.headers.get("Next-Page", "")
    return found


def sync_now() -> None:
    call_command("sync", "contacts", stdout=StringIO())


def test_a_kinto_collection_is_kept_in_step(directory: str, sync: Sync, sides: dict[str, Side]) -> None:
    first_load(sides, 6)  # two pages at this server
    assert sorted(row["given_name"] for row in records(directory)) == [f"P{n}" for n in range(6)]
    row = next(row for row in records(directory) if row["email"] == "p3@example.org")
    requests.patch(f"{directory}/{row['id']}", json={"data": {"given_name": "Kim"}}, auth=AUTH, timeout=5)
    sync_now()
    assert billing_of(sides, "p3@example.org")["fields"]["name_first"] == "Kim"
    before = {one["id"]: one["last_modified"] for one in records(directory)}
    call_command("sync", "contacts", full=True, stdout=StringIO())
    call_command("sync", "contacts", full=True, stdout=StringIO())
    assert {one["id"]: one["last_modified"] for one in records(directory)} == before
    assert Run.objects.filter(feed__role__name="directory").first().counts["unchanged"] == 6


def test_a_tombstone_is_seen_in_the_delta(directory: str, sync: Sync, sides: dict[str, Side]) -> None:
    first_load(sides, 3)
    requests.delete(f"{directory}/{records(directory)[0]['id']}", auth=AUTH, timeout=5).raise_for_status()
    sync_now()
    assert Conflict.objects.get(state="open").kind == "delete"


def test_records_that_are_there_already_are_found_and_not_made_again(
    directory: str, sync: Sync, sides: dict[str, Side]
) -> None:
    body = {"data": {"email": "p1@example.org", "given_name": "P1"}}
    requests.post(directory, json=body, auth=AUTH, timeout=5).raise_for_status()
    first_load(sides, 3)
    assert len(records(directory)) == 3
    assert Link.objects.filter(feed__role__name="directory", remote_id__isnull=False).count() == 3
