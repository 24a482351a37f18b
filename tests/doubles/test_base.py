"""What every double can do by itself, shown with the double of an invented API."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from syncapp.doubles.control import Controls, NoControl
from syncapp.doubles.find import NoDouble, find
from tests.doubles.notes import Notes

HERE = Path(__file__).parent


class Side:
    def __init__(self, url: str) -> None:
        self.url, self.controls = url, Controls(url)
        self.session = requests.Session()
        self.sign_in()

    def sign_in(self) -> None:
        self.session.headers["Authorization"] = f"Bearer {self.controls.account()[1]['token']}"

    def ask(self, method: str = "GET", path: str = "/notes", **given: object) -> requests.Response:
        return self.session.request(method, f"{self.url}{path}", timeout=5, allow_redirects=False, **given)  # type: ignore[arg-type]

    def note(self, title: str = "milk") -> str:
        return str(self.ask("POST", json={"title": title}).json()["id"])


@pytest.fixture
def side() -> Iterator[Side]:
    with Notes().serve() as running:
        yield Side(running.url)


def test_it_answers_and_a_person_changes_things_over_there(side: Side) -> None:
    id = side.note()
    side.controls.edit("notes", id, {"title": "bread"})
    shown = side.ask(path=f"/notes/{id}").json()
    assert (shown["title"], shown["revision"]) == ("bread", 2)
    side.controls.erase("notes", id)
    assert side.ask(path=f"/notes/{id}").status_code == 404
    assert side.controls.ids("notes") == []


def test_records_get_one_time_of_change(side: Side) -> None:
    ids = [side.note(str(number)) for number in range(3)]
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    side.controls.stamp("notes", ids, moment)
    assert {note["changed"] for note in side.ask().json()["notes"]} == {moment.isoformat()}


def test_the_clock_stands_still_and_jumps_and_the_answer_says_so(side: Side) -> None:
    side.controls.stand_still()
    first, second = side.note("a"), side.note("b")
    changed = {note["id"]: note["changed"] for note in side.ask().json()["notes"]}
    assert changed[first] == changed[second]
    date = side.ask().headers["Date"]
    side.controls.advance(3600)
    assert side.ask().headers["Date"] != date


@pytest.mark.parametrize("status", ["429", "500", "403"])
def test_a_status_strikes_once(side: Side, status: str) -> None:
    side.controls.fail(status, headers={"Retry-After": "7"})
    struck = side.ask()
    assert (struck.status_code, struck.headers["Retry-After"]) == (int(status), "7")
    assert side.ask().status_code == 200


def test_a_write_lands_though_no_answer_comes(side: Side) -> None:
    side.controls.fail("timeout_after_write")
    assert side.ask().status_code == 200  # reads are not its business
    with pytest.raises(requests.ConnectionError):
        side.ask("POST", json={"title": "landed"})
    assert [note["title"] for note in side.ask().json()["notes"]] == ["landed"]


def test_a_write_does_not_land_and_no_answer_comes(side: Side) -> None:
    side.controls.fail("timeout_before_write", only="write")
    with pytest.raises(requests.ConnectionError):
        side.ask("POST", json={"title": "lost"})
    assert side.controls.ids("notes") == []


def test_answers_that_are_none(side: Side) -> None:
    side.note()
    for kind in ("html", "truncated", "empty"):
        side.controls.fail(kind)
        with pytest.raises(requests.JSONDecodeError):
            side.ask().json()
    side.controls.fail("redirect")
    assert side.ask().headers["Location"].startswith("http://169.254.169.254/")
    side.controls.fail("lost_answer")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        side.ask()


def test_waiting_troubles_are_calmed(side: Side) -> None:
    side.controls.fail("500", times=5)
    side.controls.calm()
    assert side.ask().status_code == 200


def test_an_unknown_trouble_is_refused_by_name(side: Side) -> None:
    with pytest.raises(ValueError, match="'earthquake' is no trouble; there are a status"):
        side.controls.fail("earthquake")


def test_a_token_expires_and_is_renewed(side: Side) -> None:
    side.controls.expire()
    assert side.ask().status_code == 401
    assert side.ask("POST", "/oauth/token").json()["access_token"] == side.controls.account()[1]["token"]
    side.sign_in()
    assert side.ask().status_code == 200


def test_deliveries_are_told_once_and_signed(side: Side) -> None:
    side.controls.target("https://hub.example/in")
    id = side.note()
    [told] = side.controls.deliveries()
    assert (told.url, told.about) == ("https://hub.example/in", (("notes", id, "created"),))
    stamp = datetime.fromtimestamp(int(told.headers["X-Notes-Time"]), UTC)
    assert side.controls.sign(told.body, at=stamp) == dict(told.headers)
    assert side.controls.deliveries() == []
    assert side.controls.handshake().answer == b"abc"


def test_a_control_that_it_does_not_have(side: Side) -> None:
    with pytest.raises(NoControl, match="the double of notes has no control 'revoke'"):
        side.controls.revoke()


def test_a_file_may_name_objects_as_files_do(side: Side) -> None:
    """A provider says Contact, its file says contacts."""
    id = side.note()
    assert (side.controls.ids("note"), side.controls.ids("Notes")) == ([id], [id])
    assert side.controls.has("note") and not side.controls.has("not")
    with pytest.raises(NoControl, match="it has notes"):
        side.controls.ids("pages")


def test_a_double_in_a_file_runs_in_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "syncapp.doubles", str(HERE / "notes.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parents[1]) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            controls = Controls(line.split(": ")[1].split("/ (")[0])
            assert (controls.slug, controls.objects) == ("notes", ["notes"])
        finally:
            process.terminate()


def test_a_double_that_there_is_not() -> None:
    with pytest.raises(NoDouble, match=r"There is no double of 'nobody'\. There are: "):
        find("nobody")
    with pytest.raises(NoDouble, match="it needs exactly one"):
        find(str(HERE / "__init__.py"))
