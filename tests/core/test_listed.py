"""What an account holds in another form than the hub's value, beyond its declared one, is listed for people."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policies.core.draft import Draft
from policies.core.exceptions import holding
from policies.core.values import Base
from tests.core.cases.making import Case, context_of, policy_of, record_of

TOLD = Case("", "Anna", None, H="Anna")


@pytest.mark.parametrize(("stored", "listed"), [("4nna", {("app", "name"): "near miss"}), ("Anna", {})])
def test_a_link_that_joins_in_a_form_of_its_own_is_still_listed(stored: str, listed: dict[tuple[str, str], str]):
    """It came to agree by another member of its bundle; this one still shows what the account made of it."""
    record, policy = record_of(TOLD), policy_of(TOLD)
    held = {"name": Base({"name": stored}, {"name": "Anna"}, 2)}
    links = {**record.links, "app": replace(record.links["app"], bases=held)}
    draft = Draft(replace(record, links=links), policy, context_of(TOLD))
    draft.join("app", policy.unit("name"))
    assert holding(draft.done().state, policy) == listed
