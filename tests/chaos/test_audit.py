"""The audit after a storm finds what it is for: people who are there twice or missing, beliefs nobody can explain."""

from __future__ import annotations

from pathlib import Path

import pytest

from policies.models import Sync
from syncapp.apply.file import parse
from syncapp.chaos.audit import doubled, scattered, unexplained
from syncapp.chaos.setup import changed_policy, write_set_up
from syncapp.models import Link, Record
from syncapp.steps import judge
from syncapp.store import PgStore
from tests.clerk.making import make_sync, seen, silent


class Rows:
    """A system as the audit sees it: what it holds, by remote id."""

    def __init__(self, **rows: str) -> None:
        self.rows = rows

    def held(self) -> dict[str, dict[str, str]]:
        return {remote_id: {"email": email} for remote_id, email in self.rows.items()}


@pytest.fixture
def sync(db: None) -> Sync:
    made = make_sync()
    store = PgStore(made, ring_feeds=silent)
    judge(store, "crm", [seen(store, "crm", "one", email="ann@example.org", first_name="Ann", version="1")])
    judge(store, "billing", [seen(store, "billing", "a", email="ann@example.org", first_name="Ann", version="1")])
    return made


def test_everybody_once_is_nobody_twice(sync: Sync) -> None:
    assert doubled({"crm": Rows(one="ann@example.org"), "billing": Rows(a="ann@example.org")}, ()) == []


def test_a_row_that_belongs_to_nobody_and_an_address_that_is_there_twice_are_found(sync: Sync) -> None:
    found = doubled({"crm": Rows(one="ann@example.org", two="Ann@Example.org")}, ())
    assert found == ["crm: e-mail address ann@example.org is there 2 times", "crm: two belongs to 0 records"]


def test_who_is_missing_somewhere_is_found_and_who_is_nowhere_was_deleted() -> None:
    systems = {"crm": Rows(one="ann@example.org"), "billing": Rows(a="ben@example.org")}
    assert scattered(systems, ["Ann@example.org", "gone@example.org"]) == [("Ann@example.org", "billing")]


def test_a_belief_without_a_source_is_unexplained(sync: Sync) -> None:
    assert unexplained(sync) == []
    row = Record.objects.get()
    row.beliefs["first_name"].pop("said")
    Record.objects.filter(pk=row.pk).update(beliefs=row.beliefs)
    assert Link.objects.count() == 2
    [sentence] = unexplained(sync)
    assert f"{row.key} first_name" in sentence


def test_the_set_up_names_tokens_that_expire_and_the_changed_one_another_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SANDBOX_CLIENT_SECRET", "SANDBOX_REFRESH_TOKEN"):
        monkeypatch.setenv(name, "before")
    text = write_set_up(tmp_path / "set-up.yaml").read_text()
    told = parse(text, "set-up.yaml").data
    assert set(told["accounts"]["crm"]["secrets"]) == {"refresh_token", "client_secret", "webhook"}
    assert told["accounts"]["billing"]["config"]["client_id"] == "Concord"
    rules = parse(changed_policy(text), "changed.yaml").data["syncs"]["contacts"]["policy"]["rules"]
    assert (rules["first_name"]["owner"], rules["newsletter"]["strategy"]) == ("crm", "manual_review")
    with pytest.raises(AssertionError, match="no longer says"):
        changed_policy(text.replace("first_name", "given_name"))
