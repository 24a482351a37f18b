"""Do as people, workers and schedules do: edit in a sandbox, work off the queues, wait for rest."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import django_rq
import requests
from django.core.management import call_command
from django.db.models import F
from rq.serializers import JSONSerializer

from policies.core.draft import Draft
from policies.core.due import Work, claim
from policies.models import Sync
from syncapp import sweep
from syncapp.carry import WRITE_LEASE
from syncapp.models import Delivery, Push, Record
from syncapp.queue import Worker, client
from syncapp.sandbox.server import SandboxServer
from syncapp.store import PgStore

QUEUES = ("default", "inbox", "push")


class Side:
    """One sandbox, as a person at its own page has it."""

    def __init__(self, name: str, server: SandboxServer) -> None:
        self.name, self.server, self.url = name, server, server.url

    def back(self, method: str, path: str, **given: Any) -> Any:
        answer = requests.request(method, f"{self.url}/_sandbox/{path}", timeout=15, **given)
        assert answer.ok, answer.text
        return answer.json()

    def create(self, **fields: Any) -> str:
        return str(self.back("POST", "create", json={"fields": fields, "actor": "ada"})["id"])

    def edit(self, record: str, **fields: Any) -> None:
        self.back("POST", "edit", json={"id": record, "fields": fields, "actor": "ada"})

    def delete(self, record: str) -> None:
        self.back("POST", "delete", json={"id": record, "actor": "ada"})

    def unarchive(self, record: str) -> None:
        self.back("POST", "unarchive", json={"id": record, "actor": "ada"})

    def merge(self, winner: str, loser: str) -> None:
        self.back("POST", "merge", json={"winner": winner, "loser": loser, "actor": "ada"})

    def hook(self, url: str, secret: str) -> None:
        self.back("PUT", "webhook", json={"url": url, "secret": secret})

    def faults(self, **faults: Any) -> None:
        self.back("PUT", "faults", json=faults)

    def rows(self) -> dict[str, dict[str, Any]]:
        dumped = self.back("GET", "dump")
        records = dumped["records"] if isinstance(dumped, dict) else dumped
        return {str(row["id"]): row for row in records}

    def writes(self) -> list[dict[str, Any]]:
        return list(self.back("GET", "writes?after=0")["writes"])


def drain(*names: str) -> None:
    """One real worker, until the queues, all or those named, are empty."""
    queues = [django_rq.get_queue(name) for name in names or QUEUES]
    Worker(queues, connection=client(), serializer=JSONSerializer).work(burst=True, logging_level="ERROR")


def work_until(done: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Ticks and workers, as in a running hub, until it is so."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        drain()
        if done():
            return
        sweep.tick()
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen: {standing()}")


def standing() -> str:
    """What is left to do, for the reader of a failed test."""
    deliveries = list(Delivery.objects.exclude(state="done").values_list("state", "reason", "attempts")[:5])
    pushes = list(Push.objects.filter(state__in=["pending", "sending"]).values_list("state", "error", "attempts")[:5])
    return f"records {Record.objects.count()}, deliveries {deliveries}, pushes {pushes}"


def at_rest() -> bool:
    open_work = Delivery.objects.filter(state__in=["new", "claimed"]).exists()
    return not open_work and not Push.objects.filter(state__in=["pending", "sending"]).exists()


def first_load(sides: dict[str, Side], count: int = 3) -> list[str]:
    """People in the CRM, synced to the other side; their ids."""
    ids = [sides["crm"].create(email=f"p{n}@example.org", firstname=f"P{n}", phone=f"+49 30 {n}") for n in range(count)]
    call_command("sync", "contacts", stdout=StringIO())
    return ids


def billing_of(sides: dict[str, Side], email: str) -> dict[str, Any]:
    return next(row for row in sides["billing"].rows().values() if row["fields"]["email"] == email)


def no_webhooks_left(sides: dict[str, Side]) -> bool:
    return all(side.back("GET", "stats")["webhooks"]["pending"] == 0 for side in sides.values())


def begin_and_die(sync: Sync) -> None:
    """As a worker that dies: the commit before the write of the one push there is, and nothing after it; long ago."""
    key = str(Push.objects.get(state="pending").record_id)
    with PgStore(sync, ring_feeds=lambda _: None).open(key) as page:
        record = page.record(key)
        assert record is not None
        draft = Draft(record, page.policy, page.context("billing"))
        assert claim(draft, "billing", Work.UPDATE) is not None
        page.save(draft.done())
    Push.objects.filter(state="sending").update(started_at=F("started_at") - WRITE_LEASE - timedelta(seconds=1))
