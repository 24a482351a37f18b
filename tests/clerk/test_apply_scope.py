"""The scope of a feed in a file: what is accepted, how it complains, what the provider is asked, what a change does."""

from __future__ import annotations

import pytest

from policies.core.scope import Condition
from policies.models import Sync
from syncapp.apply import ApplyError, apply
from syncapp.apply.file import parse
from syncapp.meaning import translator_of
from syncapp.models import Feed, Link
from syncapp.steps import judge
from syncapp.store import PgStore
from tests.clerk.making import demo_environment, demo_file, seen, silent

pytestmark = pytest.mark.django_db
DEMO = demo_file().read_text()
PLACE = "        mapping:\n          email: email\n          first_name: firstname\n"


@pytest.fixture(autouse=True)
def addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    demo_environment(monkeypatch)


def run(scope: str = "") -> tuple[str, ...]:
    """The demo's file with this scope on the CRM's feed."""
    assert PLACE in DEMO
    text = DEMO.replace(PLACE, f"        scope: {scope}\n{PLACE}", 1) if scope else DEMO
    return apply(parse(text, "set-up.yaml")).changes


def crm() -> Feed:
    return Feed.objects.select_related("account", "role__sync").get(role__name="crm")


WRONG = [
    ("[]", ["roles.crm.scope"]),
    ("[{field: stage}]", ["roles.crm.scope"]),
    ("[{field: stage, like: c}]", ["roles.crm.scope", "like"]),
    ("[{field: shoe, is: 9}]", ["scope[0].field", "the feed tells no field 'shoe'", "stage", "lifecycle"]),
    ("[{field: stage, is: gone}]", ["scope[0].is", "'gone'", "customer"]),
    ("[{field: email, set: true}, {field: newsletter, is: perhaps}]", ["scope[1].is", "perhaps"]),
    ("[{field: stage, in: [lead, boss]}]", ["scope[0].in", "'boss'"]),
    ("[{field: newsletter, from: true}]", ["scope[0].from", "cannot be compared"]),
    ("[{field: credit_limit, contains: '9'}]", ["scope[0].contains", "contains looks into text"]),
    ("[{field: stage, is: null}]", ["scope[0].is", "empty: true"]),
    ("[{field: stage, set: false}]", ["scope[0].set"]),
]


@pytest.mark.parametrize(("scope", "words"), WRONG)
def test_a_scope_that_cannot_be_asked_is_refused_where_it_stands(scope: str, words: list[str]) -> None:
    with pytest.raises(ApplyError) as refusal:
        run(scope)
    for word in ["set-up.yaml", *words]:
        assert word in str(refusal.value)


def test_canonical_values_are_compared_as_canonical_ones() -> None:
    run("[{field: email, is: ' Anna@Example.org '}, {field: credit_limit, from: 10}]")
    scope = translator_of(crm()).scope
    assert scope.canonical == (
        Condition("email", "is", "Anna@example.org", "email"), Condition("credit_limit", "from", "10.00", "decimal"),
    )  # fmt: skip
    assert not scope.filters, "another spelling may be stored there, which the provider would not find"
    assert scope.takes({"email": "Anna@example.org", "credit_limit": "9.99"}, {}, partial=False) is False
    assert scope.takes({"email": "Anna@example.org", "credit_limit": "10.00"}, {}, partial=False) is True


def test_a_provider_field_is_compared_as_the_provider_tells_it() -> None:
    run("[{field: lifecycle, in: [customer, lead]}]")
    scope = translator_of(crm()).scope
    assert scope.takes({}, {"properties": {"lifecycle": "lead"}}, partial=False)
    assert not scope.takes({}, {"properties": {"lifecycle": None}}, partial=False)
    assert not scope.takes({}, {"properties": {}}, partial=False)
    assert [(one.spec.op, one.value) for one in scope.filters] == [("in", ["customer", "lead"])]


def test_a_canonical_choice_is_put_to_the_provider_in_its_own_words() -> None:
    run("[{field: stage, is: customer}]")
    assert [one.value for one in translator_of(crm()).scope.filters] == ["customer"]


def test_a_condition_on_a_provider_field_says_in_canonical_words_what_is_made_there() -> None:
    run("[{field: lifecycle, in: [customer]}, {field: tags, contains: vip}]")
    policy = PgStore(Sync.objects.get()).setting().policy
    assert policy.roles["crm"].scope == (Condition("stage", "in", ["customer"], "choice"),)
    assert policy.roles["billing"].scope == ()


def test_a_changed_scope_forgets_digests_and_asks_for_a_whole_pass() -> None:
    run()
    store = PgStore(Sync.objects.get(), ring_feeds=silent)
    judge(store, "crm", [seen(store, "crm", "1", email="a@example.org")])
    Link.objects.update(digest="d")
    Feed.objects.update(cursor={"full_at": "2026-11-01T00:00:00+00:00", "at": "somewhere"})
    changes = run("[{field: stage, is: customer}]")
    assert any("scope" in line for line in changes)
    assert Link.objects.get(feed=crm()).digest == ""
    assert crm().cursor == {"full_at": "1970-01-01T00:00:00+00:00", "whole": True} and crm().next_due is None
    assert "at" in Feed.objects.get(role__name="billing").cursor
    assert run("[{field: stage, is: customer}]") == ()


def test_times_are_kept_as_they_were_written() -> None:
    run("[{field: firstname, from: 2026-01-31}]")
    assert crm().scope == [{"field": "firstname", "from": "2026-01-31"}]
