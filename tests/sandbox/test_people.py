"""What people do: the pages' forms, the back door, and the log of edits that the demo is judged by."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.sandbox.conftest import Caller


def form_of(sandbox: Caller, identifier: str) -> dict[str, str]:
    """The form as a browser would post it untouched."""
    page = requests.get(f"{sandbox.server.url}/records/{identifier}", timeout=10).text
    values = dict(re.findall(r'name="was-([a-z_]+)" value="([^"]*)"', page))
    return values | {f"was-{name}": value for name, value in values.items()}


def post(sandbox: Caller, path: str, **form: str) -> requests.Response:
    return requests.post(f"{sandbox.server.url}{path}", data=form, timeout=10)


def edits(sandbox: Caller, after: int = 0) -> list[dict]:
    return sandbox.back("GET", f"edits?after={after}").json()["edits"]


def test_an_untouched_form_saves_nothing(crm: Caller) -> None:
    answer = post(crm, "/records/1001", **form_of(crm, "1001"), actor="Kim")
    assert "Nothing was changed" in answer.text
    assert crm.call("GET", "/1001").json()["version"] == 1
    assert edits(crm) == []


def test_a_form_saves_only_what_the_person_changed(crm: Caller) -> None:
    form = form_of(crm, "1001")
    crm.call("PATCH", "/1001", json={"properties": {"city": "Rom"}})
    answer = post(crm, "/records/1001", **form | {"email": " New@Example.com"}, actor="Kim")
    assert "Saved." in answer.text
    assert "<b>Kim</b>" in answer.text
    kept = crm.call("GET", "/1001").json()
    assert (kept["properties"]["city"], kept["properties"]["email"]) == ("Rom", "new@example.com")
    (line,) = edits(crm)
    wanted = {"field": "email", "typed": " New@Example.com", "stored": "new@example.com", "actor": "Kim", "version": 3}
    assert {name: line[name] for name in wanted} == wanted
    assert line["before"] == form["email"]
    (write,) = crm.back("GET", "writes").json()["writes"]
    assert (write["sent"], write["stored"], write["changed"]) == ({"city": "Rom"}, {"city": "Rom"}, 1)


def test_billing_forms_speak_money_and_labels(billing: Caller) -> None:
    one = billing.call("GET").json()["data"][0]["id"]
    change = {"credit_cents": "12.5", "labels": "vip, a", "marketing_opt_in": "true"}
    post(billing, f"/records/{one}", **form_of(billing, one) | change)
    kept = billing.call("GET", f"/{one}").json()
    assert (kept["credit_cents"], kept["labels"], kept["marketing_opt_in"]) == (1250, ["a", "vip"], 1)
    page = post(billing, f"/records/{one}", **form_of(billing, one) | {"credit_cents": "1.234"})
    assert page.status_code == 400
    assert "two decimals" in page.text
    assert 'value="1.234"' in page.text, "what was typed stays in the form"


def test_people_create_and_delete(crm: Caller) -> None:
    page = post(crm, "/new", firstname="Ada", lastname="<b>L</b>", email="ada@example.com", actor="Kim")
    assert page.url.endswith("/records/1013?saved=1")
    assert "&lt;b&gt;L" in page.text
    assert "deleted" in post(crm, "/records/1013/delete", actor="Lee").text
    lines = [(line["action"], line["field"], line["actor"]) for line in edits(crm)]
    assert lines[:-1] == [("create", name, "Kim") for name in ("email", "firstname", "lastname")]
    assert lines[-1] == ("delete", None, "Lee")
    assert post(crm, "/records/1013", city="X", actor="Kim").status_code == 404


def test_the_back_door_edits_as_a_person(crm: Caller) -> None:
    body = {"id": "1002", "fields": {"city": " Rom ", "zip": "1"}, "actor": "Kim"}
    assert crm.back("POST", "edit", json=body).json()["fields"]["city"] == "Rom"
    assert [line["field"] for line in edits(crm)] == ["city", "zip"]
    assert crm.call("GET", "/1002").json()["updatedBy"] == {"type": "user", "id": "Kim"}
    crm.back("POST", "edit", json=body)
    assert len(edits(crm)) == 2, "the same values again are no edit"
    assert len(edits(crm, after=1)) == 1
    made = crm.back("POST", "create", json={"fields": {"email": "x@example.com"}, "actor": "Kim"}).json()
    assert crm.back("POST", "delete", json={"id": made["id"], "actor": "Kim"}).json()["deleted"] is True
    assert crm.back("POST", "edit", json={"id": "77", "fields": {}}).status_code == 404
    assert crm.back("GET", "dump").json()["records"][-1]["deleted"] is True


def test_the_list_searches_and_pages(start: Callable[..., Caller]) -> None:
    crm = start("crm", seed=120, title="Acme")
    first = requests.get(crm.server.url, timeout=10).text
    assert "120 contacts, page 1 of 3" in first
    assert "Sandbox" in first
    last = requests.get(f"{crm.server.url}/?page=9", timeout=10).text
    assert "page 3 of 3" in last
    assert "person0120@" in last
    found = requests.get(f"{crm.server.url}/?q=PERSON0042", timeout=10).text
    assert "1 contact with" in found
    assert "Nothing matches" in requests.get(f"{crm.server.url}/?q=%25", timeout=10).text


@pytest.mark.parametrize(("path", "words"), [("/records/nope", "no contact with the id"), ("/?page=x", "whole number")])
def test_bad_addresses_answer_with_a_sentence(crm: Caller, path: str, words: str) -> None:
    answer = requests.get(crm.server.url + path, timeout=10)
    assert answer.status_code in (400, 404)
    assert words in answer.text


def test_a_form_on_another_site_is_refused(crm: Caller) -> None:
    url, foreign = f"{crm.server.url}/records/1001", {"Sec-Fetch-Site": "cross-site"}
    assert requests.post(url, data={"city": "X"}, headers=foreign, timeout=10).status_code == 403


def test_versions_never_repeat_under_many_writers(crm: Caller) -> None:
    versions: list[int] = []

    def write(writer: int) -> None:
        for turn in range(15):
            answer = crm.call("PATCH", "/1001", json={"properties": {"city": f"{writer}/{turn}"}})
            versions.append(answer.json()["version"])

    writers = [threading.Thread(target=write, args=[writer]) for writer in range(6)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    assert sorted(versions) == list(range(2, 92))
    lines = crm.back("GET", "writes").json()["writes"]
    assert [line["version"] for line in lines] == list(range(2, 92))


def test_stats_count_calls_by_kind(crm: Caller) -> None:
    crm.call("GET")
    crm.call("GET", "/1001")
    crm.call("GET", "/9")
    crm.call("POST", "/batch/read", json={"ids": []})
    stats = crm.back("GET", "stats").json()
    assert Counter(stats["api_calls"]) == Counter(list=1, read=2, batch_read=1)
    assert stats["answers"] == {"200": 3, "404": 1}


def run(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "syncapp.sandbox", *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=os.environ | {"PYTHONWARNINGS": "error"})


def started(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().split()[-1].rstrip("/")


def test_the_process_survives_being_killed(tmp_path: Path) -> None:
    options = ["--dialect", "billing", "--data", str(tmp_path / "b.sqlite"), "--seed", "3", "--title", "Bills"]
    first = run(*options)
    url = started(first)
    made = requests.post(f"{url}/_sandbox/create", json={"fields": {"town": "Rom"}}, timeout=10).json()
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=10)
    second = run(*options)
    answer = requests.get(
        f"{started(second)}/v1/customers/{made['id']}", headers={"X-Api-Key": "sandbox-token"}, timeout=10
    )
    second.send_signal(signal.SIGTERM)
    _, complaints = second.communicate(timeout=20)
    assert answer.json()["town"] == "Rom"
    assert (second.returncode, complaints) == (0, "")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--faults", "{"], "not JSON"),
        (["--faults", '{"x": 1}'], "is not a fault"),
        (["--webhook", "http://x/", "--secret", "nonsense"], "whsec_"),
        (["--data", "/nowhere/at/all.sqlite"], "cannot start"),
    ],
)
def test_a_bad_start_is_one_sentence(tmp_path: Path, options: list[str], words: str) -> None:
    process = run("--dialect", "crm", "--data", str(tmp_path / "c.sqlite"), *options)
    _, complaints = process.communicate(timeout=20)
    assert process.returncode == 2
    assert words in complaints
    assert complaints.count("\n") == 1
    assert "nonsense" not in complaints


def test_a_file_of_the_other_dialect_is_refused(start: Callable[..., Caller], tmp_path: Path) -> None:
    start("crm").server.stop()
    with pytest.raises(ValueError, match="holds a crm sandbox"):
        start("billing", data=tmp_path / "crm.sqlite")


def test_it_is_foreign_to_the_hub() -> None:
    look = "import sys, syncapp.sandbox.__main__; print(sorted(m for m in sys.modules if m.split('.')[0] in HUB))"
    hub = "HUB = {'django', 'policies', 'review', 'rq', 'psycopg'}; "
    done = subprocess.run([sys.executable, "-c", hub + look], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == "[]"
