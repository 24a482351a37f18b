"""Who may do what: enforced on the server, and what one may not do is not shown."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.test import Client

from review.teams import TEAMS
from syncapp.models import Account, Conflict
from tests.review.seeding import Desk, browser_of

SEEING = ["/review/", "/review/{card}/", "/records/", "/records/{key}/", "/records/{key}/why/phone/"]


def filled(url: str, conflict: Conflict) -> str:
    return url.format(card=conflict.pk, key=conflict.record_id)


@pytest.mark.parametrize("team", [*TEAMS, ""])
def test_the_matrix(desk: Desk, team: str) -> None:
    conflict = desk.disagree(1)
    client = browser_of(team)
    sees, decides = bool(team), team in ("Reviewer", "Business owner")
    for url in SEEING:
        assert client.get(filled(url, conflict)).status_code == (200 if sees else 403), url
    assert client.get("/").status_code == 200
    edit = f"/records/{conflict.record_id}/edit/phone/"
    assert client.get(edit).status_code == (200 if decides else 403)
    assert client.post(edit, {}).status_code == (422 if decides else 403)
    assert client.get("/admin/rq/").status_code == (200 if team == "Admin" else 403)
    assert client.get("/admin/syncapp/account/").status_code == (200 if team == "Admin" else 403)
    given = {"version": conflict.version, "answer": "1"}
    assert client.post(f"/review/{conflict.pk}/", given).status_code == (302 if decides else 403)
    assert Conflict.objects.get(pk=conflict.pk).state == ("decided" if decides else "open")


@pytest.mark.parametrize("url", [*SEEING, "/", "/review/{card}/receipt/", "/records/{key}/edit/phone/", "/admin/rq/"])
def test_strangers_are_asked_to_sign_in(desk: Desk, url: str) -> None:
    answered = Client().get(filled(url, desk.disagree(1)))
    assert answered.status_code == 302
    assert answered.headers["Location"].startswith("/admin/login/?next=")


def test_a_viewer_sees_the_card_without_buttons(desk: Desk) -> None:
    conflict = desk.disagree(1)
    shown = browser_of("Viewer").get(f"/review/{conflict.pk}/").content.decode()
    assert "data-answer" not in shown and "Or type a value" not in shown
    assert "Answering is for the teams Reviewer and Business owner." in shown


def test_a_refusal_says_whom_to_ask(desk: Desk) -> None:
    conflict = desk.disagree(1)
    refused = browser_of("Viewer").post(f"/review/{conflict.pk}/", {"version": "1", "answer": "1"})
    assert "You may not answer questions." in refused.content.decode()
    assert "ask an administrator to add you" in refused.content.decode()


def test_somebody_without_a_team_is_told_so(desk: Desk) -> None:
    assert "in no team yet" in browser_of("").get("/").content.decode()


def test_a_form_from_elsewhere_decides_nothing(desk: Desk) -> None:
    conflict = desk.disagree(1)
    client = browser_of("Reviewer")
    client.handler.enforce_csrf_checks = True
    assert client.post(f"/review/{conflict.pk}/", {"version": conflict.version, "answer": "1"}).status_code == 403
    assert Conflict.objects.get(pk=conflict.pk).state == "open"


def test_the_administration_changes_no_sync_state_and_shows_no_secret(desk: Desk) -> None:
    conflict = desk.disagree(1)
    client = browser_of("Admin")
    account = Account.objects.get(slug="crm")
    for model, key in [("record", conflict.record_id), ("conflict", conflict.pk)]:
        page = client.get(f"/admin/syncapp/{model}/{key}/change/")
        assert page.status_code == 200 and b"_save" not in page.content
        assert client.post(f"/admin/syncapp/{model}/{key}/change/", {"version": 9}).status_code == 403
        assert client.post(f"/admin/syncapp/{model}/{key}/delete/", {"post": "yes"}).status_code == 403
        assert client.get(f"/admin/syncapp/{model}/add/").status_code == 403
    page = client.get(f"/admin/syncapp/account/{account.pk}/change/").content.decode()
    assert account.webhook_token not in page and "_save" not in page


def test_the_teams_can_be_made_again(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("teams")
    assert "Made: Business owner, Reviewer, Admin, Viewer." in capsys.readouterr().out
    call_command("teams")
    assert "Nothing to change." in capsys.readouterr().out


def test_a_viewer_is_told_who_answers(desk: Desk) -> None:
    conflict = desk.disagree(1)
    shown = browser_of("Viewer").get("/").content.decode()
    assert "1 question waits for an answer from a reviewer" in shown and "Look at the queue" in shown
    assert "from a reviewer" not in browser_of("Reviewer").get("/").content.decode()
    Conflict.objects.filter(pk=conflict.pk).delete()
    assert "No question is open" in browser_of("Viewer", "other").get("/").content.decode()
