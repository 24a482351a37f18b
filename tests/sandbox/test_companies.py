"""The second sort of object, and the references that people have to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.sandbox.conftest import Caller, Receiver

COMPANIES = {"crm": "/api/companies", "billing": "/v1/accounts"}
REFERENCE = {"crm": "company", "billing": "account"}


def sent(sandbox: Caller, **fields: Any) -> dict[str, Any]:
    return {"properties": fields} if sandbox.dialect == "crm" else fields


def held(sandbox: Caller, body: dict[str, Any]) -> dict[str, Any]:
    return body["properties"] if sandbox.dialect == "crm" else body


@pytest.fixture(params=["crm", "billing"])
def sandbox(request: pytest.FixtureRequest, start: Callable[..., Caller]) -> Caller:
    return start(request.param, seed=6, companies=3)


def company(sandbox: Caller, **fields: Any) -> str:
    made = sandbox.call("POST", at=COMPANIES[sandbox.dialect], json=sent(sandbox, **fields))
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def person(sandbox: Caller, **fields: Any) -> requests.Response:
    return sandbox.call("POST", json=sent(sandbox, **fields))


def test_seeded_people_work_somewhere(sandbox: Caller) -> None:
    rows = sandbox.back("GET", "dump").json()["records"]
    companies = sandbox.back("GET", f"dump?object={COMPANIES[sandbox.dialect].rpartition('/')[2]}").json()["records"]
    assert len(companies) == 3
    assert {row["fields"][REFERENCE[sandbox.dialect]] for row in rows} == {row["id"] for row in companies}


def test_a_reference_needs_something_to_refer_to(sandbox: Caller) -> None:
    name, made = REFERENCE[sandbox.dialect], company(sandbox, name="Acme")
    kept = person(sandbox, email="a@example.com", **{name: made}).json()
    assert held(sandbox, kept)[name] == made
    refused = person(sandbox, email="b@example.com", **{name: "nobody"})
    assert (refused.status_code, "that " + name + " could refer to" in refused.text) == (400, True)
    assert sandbox.call("DELETE", f"/{made}", at=COMPANIES[sandbox.dialect]).ok
    assert person(sandbox, email="c@example.com", **{name: made}).status_code == 400


def test_what_referred_to_the_loser_refers_to_the_winner(sandbox: Caller) -> None:
    name, winner, loser = REFERENCE[sandbox.dialect], company(sandbox, name="Acme"), company(sandbox, name="ACME Ltd")
    one = person(sandbox, email="a@example.com", **{name: loser}).json()["id"]
    told = {"object": COMPANIES[sandbox.dialect].rpartition("/")[2], "winner": winner, "loser": loser, "actor": "Kim"}
    assert sandbox.back("POST", "merge", json=told).json()["merged"] == [loser]
    assert held(sandbox, sandbox.call("GET", f"/{one}").json())[name] == winner


def test_companies_are_announced_under_their_own_name(start: Callable[..., Caller], receiver: Receiver) -> None:
    crm = start("crm", webhook=receiver.address)
    company(crm, name="Acme", domain=" Acme.Example ")
    (told,) = receiver.wait_for(1)
    assert (told.body["type"], told.body["data"]["record"]["properties"]["domain"]) == (
        "company.created",
        "acme.example",
    )


def test_companies_have_pages_of_their_own(start: Callable[..., Caller]) -> None:
    crm = start("crm", companies=2)
    page = requests.get(f"{crm.server.url}/companies/", timeout=10).text
    assert "2 companies" in page and "company001.example" in page
    saved = requests.post(f"{crm.server.url}/companies/new", data={"name": "Acme", "actor": "Kim"}, timeout=10)
    assert saved.url.endswith("/companies/records/7003?saved=1") and "Acme" in saved.text
    assert "no company with the id" in requests.get(f"{crm.server.url}/companies/records/1", timeout=10).text


def test_the_back_door_names_what_is_kept(crm: Caller) -> None:
    answer = crm.back("POST", "edit", json={"object": "deals", "id": "1", "fields": {}})
    assert (answer.status_code, "contacts, companies" in answer.text) == (400, True)
