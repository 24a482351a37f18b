"""References in a file: the other sync has to be there, and to read the same account."""

from __future__ import annotations

import pytest

from syncapp.apply import ApplyError, apply
from syncapp.apply.file import parse
from tests.clerk.pairs import pairs_text

pytestmark = pytest.mark.django_db
TEXT = pairs_text()
ROLE = next(line for line in TEXT.splitlines(keepends=True) if "object: accounts" in line)


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T", "t0ken")
    monkeypatch.setenv("W", "whsec_c2VjcmV0")


WRONG = [
    ("params: {sync: companies}", "params: {}", ["contacts.fields.company.params", "the parameter sync is needed"]),
    ("{sync: companies}", "{sync: firms}", ["contacts.fields.company.params.sync", "no sync 'firms'", "companies"]),
    (ROLE, "", ["contacts.roles.billing.mapping.company", "no feed at account 'billing'", "a role of companies"]),
    (ROLE, ROLE + ROLE.replace("billing:", "again:", 1), ["several feeds", "again, billing"]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "words"), WRONG)
def test_a_reference_that_nothing_resolves_is_refused(old: str, new: str, words: list[str]) -> None:
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    if not new:
        text = text.replace("writers: [crm, billing, hub]", "writers: [crm, hub]", 2)
    with pytest.raises(ApplyError) as refusal:
        apply(parse(text, "pairs.yaml"))
    for word in ["pairs.yaml", *words]:
        assert word in str(refusal.value)


def test_the_order_of_the_syncs_in_the_file_does_not_matter() -> None:
    head, companies, contacts = TEXT.partition("  contacts:\n")[0], "", TEXT.partition("  contacts:\n")[2]
    accounts, _, companies = head.partition("  companies:\n")
    apply(parse(f"{accounts}  contacts:\n{contacts}  companies:\n{companies}", "pairs.yaml"))
