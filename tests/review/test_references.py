"""References for people: the title of the other record, the way to it, and what waits for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from policies.core.confirm import rejected
from policies.core.draft import Draft
from policies.core.due import Work, claim
from policies.core.values import WAITING
from policies.models import Sync
from syncapp.apply import apply
from syncapp.apply.file import parse
from syncapp.models import Conflict, Record
from syncapp.steps import judge
from syncapp.store import PgStore
from tests.clerk.making import seen, silent
from tests.clerk.pairs import pairs_text
from tests.review.seeding import browser_of

pytestmark = pytest.mark.django_db
ANNA = {"email": "anna@example.org", "first_name": "Anna"}


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> dict[str, PgStore]:
    monkeypatch.setenv("T", "t0ken")
    monkeypatch.setenv("W", "whsec_c2VjcmV0")
    text = pairs_text().replace("company: {owner: crm, strategy: owner_wins", "company: {strategy: manual_review")
    apply(parse(text, "pairs.yaml"))
    return {sync.slug: PgStore(sync, ring_feeds=silent) for sync in Sync.objects.all()}


def company(stores: dict[str, PgStore], number: int, name: str) -> str:
    told = seen(stores["companies"], "crm", f"k{number}", version="1", name=name, domain=f"{number}.example")
    judge(stores["companies"], "crm", [told])
    return str(Record.objects.get(links__remote_id=f"k{number}").key)


def shows(stores: dict[str, PgStore], role: str, version: str, **fields: Any) -> None:
    judge(stores["contacts"], role, [seen(stores["contacts"], role, f"{role}-1", version=version, **ANNA, **fields)])


def page(path: str) -> str:
    return " ".join(browser_of("Reviewer").get(path).content.decode().split())


def contact() -> Record:
    return Record.objects.get(sync__slug="contacts")


def test_a_record_names_the_other_one_and_leads_to_it(stores: dict[str, PgStore]) -> None:
    acme = company(stores, 1, "Acme")
    shows(stores, "crm", "1", company=acme)
    shown = page(f"/records/{contact().key}/")
    assert '<span class="cc-value">Acme</span>' in shown and acme not in shown.replace(f"/records/{acme}/", "")
    assert f'href="/records/{acme}/"' in shown


def test_a_question_names_the_records_that_its_sides_refer_to(stores: dict[str, PgStore]) -> None:
    acme, bolt = company(stores, 1, "Acme"), company(stores, 2, "Bolt")
    for role in ("crm", "billing"):
        shows(stores, role, "1", company=acme)
    shows(stores, "billing", "2", company=bolt)
    shows(stores, "crm", "2", company=company(stores, 3, "Cord"))
    question = Conflict.objects.get(state="open")
    browser = browser_of("Reviewer")
    card = " ".join(browser.get(f"/review/{question.pk}/").content.decode().split())
    assert "Bolt: its record" in card and f'href="/records/{bolt}/"' in card
    queue = browser.get("/review/").content.decode()
    assert "Bolt" in queue and bolt not in queue


def test_what_names_a_record_that_is_linked_to_nothing_is_said(stores: dict[str, PgStore]) -> None:
    told = seen(stores["contacts"], "crm", "crm-1", version="1", **ANNA)
    judge(stores["contacts"], "crm", [replace(told, waits={"company": "k77"})])
    assert "waits for record k77" in page(f"/records/{contact().key}/")


def test_what_cannot_be_said_there_yet_is_said_by_title(stores: dict[str, PgStore]) -> None:
    acme = company(stores, 1, "Acme")
    shows(stores, "crm", "1", company=acme)
    shows(stores, "billing", "1")
    key = str(contact().key)
    with stores["contacts"].open(key) as opened:
        draft = Draft(opened.record(key), opened.policy, opened.context("billing"))
        sending = claim(draft, "billing", Work.UPDATE)
        assert sending is not None
        waits = {"company": f"{WAITING}{acme}"}
        made = rejected(draft.done().state, "billing", sending.key, waits, "", opened.policy, draft.context)
        opened.save(made)
    assert "waits for record Acme" in page(f"/records/{key}/")


def test_titles_cost_a_record_one_query(stores: dict[str, PgStore]) -> None:
    browser = browser_of("Viewer")

    def queries(number: int) -> int:
        shows(stores, "crm", str(number), company=company(stores, number, f"Firm {number}"))
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(f"/records/{contact().key}/").status_code == 200
        return len(captured)

    assert queries(1) == queries(2)
