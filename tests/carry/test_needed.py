"""A system that makes no record without a field: what plans promise, what is sent, and what people are asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from policies.models import Sync
from syncapp.apply.run import revise_all
from syncapp.connectors.registry import OWN
from syncapp.models import Conflict, Feed, Planned, Push, Record
from syncapp.plan.make import ask_for_plan, carry_out
from syncapp.plan.told import item_told
from syncapp.words import words_of
from tests.carry.driving import Side, at_rest, first_load, work_until
from tests.review.seeding import browser_of

pytestmark = pytest.mark.django_db(transaction=True)
EMAIL = "theo@example.org"


def needing(settings: Any, folder: Path, field: str) -> None:
    """The provider's file, with one field of the CRM that a new record needs."""
    text = (OWN / "sandbox.yaml").read_text()
    before = f"{field}: {{path: properties.{field}, "
    assert before in text
    folder.mkdir()
    (folder / "sandbox.yaml").write_text(text.replace(before, before + "required: true, ", 1))
    settings.PROVIDER_FOLDERS = [folder]


def plan(sync: Sync) -> Any:
    run = carry_out(ask_for_plan(sync, "ada").pk)
    assert run is not None and run.state == "done", run and run.error
    return run


def shown(run: Any) -> list[str]:
    """What is told of the records that would be refused."""
    words = words_of([run.sync_id])[run.sync_id]
    rows = Planned.objects.filter(run=run, group="refused").select_related("feed__role")
    return [said for row in rows for said in item_told(row, words).said]


def asked() -> list[Conflict]:
    return list(Conflict.objects.filter(state="open"))


@pytest.mark.parametrize("alone", [True, False])
def test_a_create_that_lacks_a_value_is_not_sent_and_asked_about_until_there_is_one(
    sync: Sync, sides: dict[str, Side], settings: Any, tmp_path: Path, request: pytest.FixtureRequest, alone: bool
) -> None:
    if alone:
        request.getfixturevalue("one_by_one")
    needing(settings, tmp_path / "own", "firstname")
    there = sides["billing"].create(email=EMAIL, telephone="+49 30 1")
    run = plan(sync)
    assert run.counts["writes"] == {} and run.counts["questions"] == {"create": 1}
    assert [line for line in shown(run) if "makes no record without First name" in line]
    first_load(sides, 0)
    work_until(at_rest, "rest")
    assert sides["crm"].writes() == [] and not Push.objects.filter(why="create").exclude(state="done").exists()
    [question] = asked()
    assert (question.kind, question.role, question.note) == ("create", "crm", "First name")
    page = browser_of("Reviewer", "ada").get(f"/review/{question.pk}/").content.decode()
    assert "makes no record without First name" in page
    sides["billing"].edit(there, name_first="Theo")
    first_load(sides, 0)
    work_until(at_rest, "rest")
    assert asked() == [] and Conflict.objects.get().outcome == "superseded"
    assert [row["fields"]["firstname"] for row in sides["crm"].rows().values()] == ["Theo"]


def test_where_nothing_is_mapped_to_it_none_is_made_and_the_plan_and_the_record_say_why(
    sync: Sync, sides: dict[str, Side], settings: Any, tmp_path: Path
) -> None:
    needing(settings, tmp_path / "own", "lastname")
    sides["billing"].create(email=EMAIL, name_first="Theo")
    run = plan(sync)
    assert run.counts["writes"] == {} and not run.counts["acts"] and run.counts["groups"] == {"refused": 1}
    [line] = [line for line in shown(run) if "makes no record without Last name" in line]
    assert "nothing is mapped to that" in line
    first_load(sides, 0)
    work_until(at_rest, "rest")
    assert sides["crm"].writes() == [] and asked() == []
    page = browser_of("Viewer", "vic").get(f"/records/{Record.objects.get().key}/").content.decode()
    assert "no record is made there without Last name, and nothing is mapped to that" in page
    feed = Feed.objects.get(role__name="crm")
    feed.mapping["first_name"] = "lastname"
    feed.save()
    with transaction.atomic():
        revise_all()
    work_until(lambda: len(sides["crm"].writes()) == 1, "the create")
    assert [row["fields"]["lastname"] for row in sides["crm"].rows().values()] == ["Theo"]
