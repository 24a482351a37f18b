"""Tokens that expire, in a running hub: renewed by one worker for all, kept encrypted; refused, a person is asked."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections, transaction

from policies.models import Sync
from syncapp import keeping
from syncapp.clients import client_of
from syncapp.keeping import AccountKeeper
from syncapp.models import Account, Feed
from syncapp.poll import poll
from syncapp.remote import open_remote
from syncapp.sandbox.server import SandboxServer
from syncapp.sandbox.settings import Settings
from syncapp.secrets import decrypt, encrypt, secrets_of
from tests.carry.driving import Side

pytestmark = pytest.mark.django_db(transaction=True)
CLIENT = {"client_secret": "s3cret"}


@pytest.fixture
def expiring(tmp_path: Path, sync: Sync) -> Iterator[Side]:
    """The CRM of the sync, whose access tokens expire; the hub holds its refresh token."""
    settings = Settings(
        "crm", tmp_path / "expiring.sqlite", token_ttl=600, client_secret="s3cret", refresh_token="first", seed=2
    )
    with SandboxServer(settings) as server:
        hold(server.url, {"refresh_token": "first", **CLIENT})
        yield Side("crm", server)


def hold(url: str, secrets: dict[str, str]) -> None:
    Account.objects.filter(slug="crm").update(config={"server": url}, secrets=encrypt(secrets), secret_refs={})


def account() -> Account:
    return Account.objects.get(slug="crm")


def read_one(remote_id: str = "1001") -> str:
    with open_remote(Feed.objects.select_related("account", "role__sync").get(role__name="crm")) as remote:
        return remote.read(remote_id).remote_id


def renewals(side: Side) -> int:
    return int(side.back("GET", "stats")["api_calls"].get("token", 0))


def test_new_tokens_are_kept_encrypted_and_used_by_the_next_job(expiring: Side) -> None:
    assert read_one() == "1001"
    kept = decrypt(account())
    assert kept["token"].startswith("at_") and kept["refresh_token"].startswith("rt_")
    assert kept["client_secret"] == "s3cret"
    assert kept["token"].encode() not in bytes(account().secrets)
    assert read_one() == "1001"
    assert renewals(expiring) == 1
    expiring.back("POST", "expire")
    assert read_one() == "1001"
    assert renewals(expiring) == 2


def reader(gate: Any, results: Any) -> None:
    """A worker of its own: its client is made before the token ends, and calls after it."""
    connections.close_all()
    client = client_of(account())
    assert client.read("contacts", "1001").id == "1001"
    gate.wait(30)  # both hold a good token
    gate.wait(30)  # which has ended by now
    try:
        results.put(client.read("contacts", "1001").id)
    except Exception as error:  # noqa: BLE001 - told to the test
        results.put(repr(error))


def test_two_processes_that_are_refused_at_once_renew_once(expiring: Side) -> None:
    read_one()
    fork = multiprocessing.get_context("fork")
    gate, results = fork.Barrier(3), fork.Queue()
    connections.close_all()
    workers = [fork.Process(target=reader, args=(gate, results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    gate.wait(30)
    before = renewals(expiring)
    assert expiring.back("POST", "expire") == {"expired": 1}
    gate.wait(30)
    found = [results.get(timeout=30) for _ in workers]
    for worker in workers:
        worker.join(30)
    assert found == ["1001", "1001"]
    assert renewals(expiring) == before + 1
    answers = expiring.back("GET", "stats")["answers"]
    assert answers["401"] == 2, "both were refused"
    assert "400" not in answers, "no refresh token was used twice"


def test_a_refused_renewal_needs_a_person_and_says_what_to_do(expiring: Side) -> None:
    hold(expiring.url, {"refresh_token": "unknown", **CLIENT})
    Feed.objects.filter(role__name="crm").update(next_due=None)
    poll(Feed.objects.get(role__name="crm").pk, at_once=True)
    told = account()
    assert told.health == "attention"
    assert "does not renew the access: invalid_grant" in told.last_error
    assert "connect the account again: give it a new refresh token" in told.last_error
    assert "unknown" not in told.last_error.replace("is not known", "")
    assert decrypt(told)["refresh_token"] == "unknown"


def killed_before_it_is_kept() -> None:
    """A worker that dies when the provider has answered and nothing is stored yet."""
    connections.close_all()
    keeping._store = lambda *told: os.kill(os.getpid(), signal.SIGKILL)
    read_one()


def test_after_a_worker_died_amid_a_renewal_a_person_connects_the_account_again(expiring: Side) -> None:
    """The refresh token served once: it is used up, and the new one went with the worker. All that is due waits."""
    connections.close_all()
    worker = multiprocessing.get_context("fork").Process(target=killed_before_it_is_kept)
    worker.start()
    worker.join(30)
    assert worker.exitcode == -signal.SIGKILL and renewals(expiring) == 1
    crm = Feed.objects.get(role__name="crm")
    poll(crm.pk, at_once=True)
    assert account().health == "attention"
    assert "connect the account again: give it a new refresh token" in account().last_error
    hold(expiring.url, {"refresh_token": expiring.back("POST", "authorise")["refresh_token"], **CLIENT})
    run = poll(crm.pk, at_once=True)
    assert run is not None and run.state == "done"
    assert (account().health, account().last_error) == ("well", "")


def test_a_reference_is_where_it_begins_and_a_new_one_begins_anew(
    expiring: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub keeps what it renewed; a person who changes the reference means the new one."""
    monkeypatch.setenv("CRM_REFRESH", "first")
    refs = {"refresh_token": {"env": "CRM_REFRESH"}}
    Account.objects.filter(slug="crm").update(secrets=encrypt(CLIENT), secret_refs=refs)
    read_one()
    expiring.back("POST", "expire")
    read_one()
    assert renewals(expiring) == 2
    assert secrets_of(account())["refresh_token"].startswith("rt_")
    granted = expiring.back("POST", "authorise")
    monkeypatch.setenv("CRM_REFRESH", granted["refresh_token"])
    assert secrets_of(account())["refresh_token"] == granted["refresh_token"]
    expiring.back("POST", "expire")
    read_one()
    assert renewals(expiring) == 3


def test_credentials_entered_during_a_renewal_stay(expiring: Side) -> None:
    def meanwhile(held: Any) -> dict[str, str]:
        hold(expiring.url, {"refresh_token": "entered", **CLIENT})
        return {"token": "late", "refresh_token": "late"}

    AccountKeeper(account()).renew(lambda held: False, meanwhile)
    assert decrypt(account()) == {"refresh_token": "entered", **CLIENT}


def test_an_answer_is_kept_although_the_database_goes_away(expiring: Side) -> None:
    """The provider has used the old token up; PostgreSQL ends the very connection that waits to keep the new one."""

    def cut_off(held: Any) -> dict[str, str]:
        with connections["default"].cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s",
                [account().pk],
            )
            assert cursor.fetchall() == [(True,)]
        return {"token": "new", "refresh_token": "new"}

    kept = AccountKeeper(account()).renew(lambda held: False, cut_off)
    assert (kept["token"], decrypt(account())["refresh_token"]) == ("new", "new")


def test_a_renewal_inside_a_callers_transaction_outlives_it(expiring: Side) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        read_one()
        raise ZeroDivisionError
    assert decrypt(account())["token"].startswith("at_")


def test_the_quota_is_kept_when_it_moved_noticeably(sync: Sync, sides: dict[str, Side]) -> None:
    side = sides["crm"]
    made = side.create(email="a@x.org")
    side.back("PUT", "quota", json={"limit": 1000, "used": 0})
    read_one(made)
    first = account().quota
    assert (first["limit"], first["remaining"]) == (1000, 999)
    assert first["resets_at"] > first["seen_at"]
    for _ in range(5):
        read_one(made)
    assert account().quota == first, "a little use is not worth a write"
    side.back("PUT", "quota", json={"used": 500})
    read_one(made)
    assert account().quota["remaining"] == 499
    side.back("PUT", "quota", json={"used": 0})
    read_one(made)
    assert account().quota["remaining"] == 999, "it began anew"
