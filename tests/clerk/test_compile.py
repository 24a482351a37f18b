"""Rows into the judge's policy, and the policies that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from policies.compile import PolicyError, compile_policy, compile_sheet, sheet_of
from policies.core.rules import Policy, Strategy
from policies.models import FieldRule, PolicySet, Sync, SyncField
from policies.rolefacts import RoleFacts
from syncapp.facts import facts_of
from syncapp.models import Account, Feed
from tests.clerk.making import make_sync

pytestmark = pytest.mark.django_db


def facts() -> dict[str, RoleFacts]:
    return {feed.role.name: facts_of(feed) for feed in Feed.objects.select_related("account", "role")}


def compiled(sync: Sync) -> Policy:
    return compile_sheet(sheet_of(sync.policy_sets.get()), facts())


def change(unit: str, /, **values: Any) -> None:
    FieldRule.objects.filter(unit=unit).update(**values)


def test_a_policy_speaks_of_units_and_roles() -> None:
    policy = compiled(make_sync())
    assert [unit.name for unit in policy.units] == ["email", "first_name", "phone", "address"]
    assert [member.name for member in policy.unit("address").members] == ["street", "city"]
    assert policy.unit("email").strategy is Strategy.OWNER_WINS
    assert list(policy.roles) == ["crm", "billing"]
    assert policy.match_keys == (("email",),)


def test_roles_carry_what_the_manifest_says() -> None:
    policy = compiled(make_sync())
    assert policy.roles["crm"].norms["email"](" Kim@X.org ".strip()) == "kim@x.org"
    assert policy.roles["billing"].norms["street"]("x" * 50) == "x" * 40
    assert policy.roles["crm"].ordered
    assert policy.roles["crm"].conditional


def test_one_way_accounts_make_one_way_roles() -> None:
    sync = make_sync()
    Account.objects.filter(slug="billing").update(direction="in")
    policy = compiled(sync)
    assert (policy.roles["billing"].reads, policy.roles["billing"].writes) == (False, True)
    assert policy.unit("email").readers == {"crm"}
    Account.objects.filter(slug="billing").update(direction="off")
    assert compiled(sync).unit("email").writers == {"crm"}


def test_a_role_without_a_feed_is_silent() -> None:
    sync = make_sync()
    Feed.objects.filter(role__name="billing").delete()
    role = compiled(sync).roles["billing"]
    assert (role.reads, role.writes, role.creates) == (False, False, False)


def test_a_published_policy_is_compiled_once_while_the_facts_stay() -> None:
    policy_set = make_sync().policy_sets.get()
    first = compile_policy(policy_set, facts())
    assert compile_policy(policy_set, facts()) is first
    Account.objects.filter(slug="crm").update(direction="in")
    assert compile_policy(policy_set, facts()) is not first


def test_a_draft_is_compiled_anew() -> None:
    policy_set = make_sync().policy_sets.get()
    policy_set.state = PolicySet.State.DRAFT
    assert compile_policy(policy_set, facts()) is not compile_policy(policy_set, facts())


UNTIMED = RoleFacts(readable=frozenset({"count"}), writable=frozenset({"count"}))
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "an owner that is no role": ("phone", {"owner": "erp"}, r"phone: owner names 'erp'.*accepted: crm, billing, hub"),
    "a writer that is no role": ("phone", {"writers": ["crn"]}, r"writers names 'crn'.*accepted: crm, billing, hub"),
    "a reader that is no role": ("phone", {"readers": ["hub"]}, r"readers names 'hub'.*accepted: crm, billing$"),
    "a first-link rule that is no role": ("phone", {"first_link": "x"}, r"first_link names 'x'.*owner, ask, crm"),
    "an owner that may not write": ("phone", {"owner": "crm", "writers": []}, r"owner 'crm' is not among its writers"),
    "a rule on a member of a bundle": ("address", {"unit": "street"}, r"street: the members of the bundle 'address'"),
    "a rule for nothing": ("phone", {"unit": "fax"}, r"fax: no such field or bundle; accepted: .*email"),
    "a field without a rule": ("phone", {"unit": "fax"}, r"phone: has no rule"),
    "a validator that does not exist": ("phone", {"validators": {"phone": ["luhn"]}}, r"unknown validator 'luhn'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_refuses(what: str) -> None:
    unit, values, words = REFUSED[what]
    sync = make_sync()
    change(unit, **values)
    with pytest.raises(PolicyError, match=words):
        compiled(sync)


def test_shared_fields_have_no_owner_that_wins() -> None:
    sync = make_sync()
    sheet = sheet_of(sync.policy_sets.get())
    sheet.rules["phone"].strategy = "owner_wins"
    with pytest.raises(PolicyError, match="owner_wins needs one owner, and it is shared"):
        compile_sheet(sheet, facts())


def test_the_latest_change_needs_clocks() -> None:
    sync = make_sync()
    change("phone", strategy="latest_valid_change")
    known = facts()
    blind = RoleFacts(readable=known["crm"].readable, writable=known["crm"].writable, timed=False)
    with pytest.raises(PolicyError, match="needs trustworthy times, and crm has none"):
        compile_sheet(sheet_of(sync.policy_sets.get()), {**known, "crm": blind})


def counter(sync: Sync, **rule: Any) -> dict[str, RoleFacts]:
    SyncField.objects.create(sync=sync, name="count", type="counter", order=9)
    FieldRule.objects.create(
        policy_set=sync.policy_sets.get(), unit="count", strategy="merge", writers=["crm"], readers=["crm"], **rule
    )
    known = facts()
    return {
        **known,
        "crm": RoleFacts(
            readable=known["crm"].readable | {"count"}, writable=known["crm"].writable | {"count"}, timed=True
        ),
    }


def test_counters_need_conditional_writes() -> None:
    sync = make_sync()
    known = counter(sync)
    with pytest.raises(PolicyError, match=r"conditional writes, and crm has none.*review_on_unknown_outcome"):
        compile_sheet(sheet_of(sync.policy_sets.get()), known)


def test_counters_may_ask_instead() -> None:
    sync = make_sync()
    known = counter(sync, review_on_unknown_outcome=True)
    assert compile_sheet(sheet_of(sync.policy_sets.get()), known).unit("count").strategy is Strategy.MERGE


def test_a_reader_that_cannot_be_written_is_told() -> None:
    sync = make_sync()
    Feed.objects.filter(role__name="billing").update(
        mapping={"email": "email", "phone": {"field": "telephone", "direction": "read"}}
    )
    with pytest.raises(PolicyError) as refusal:
        compiled(sync)
    told = [problem for problem in refusal.value.problems if problem.startswith("phone")]
    assert told == ["phone: billing is to read it, but its feed cannot write phone; map it or drop the reader"]
    assert any("its feed does not tell first_name" in problem for problem in refusal.value.problems)


def test_match_keys_and_guards_are_checked() -> None:
    sync = make_sync()
    sync.match_keys = [["mail"]]
    sync.save()
    sync.policy_sets.update(guards={"ping": 3})
    with pytest.raises(PolicyError) as refusal:
        compiled(sync)
    told = " ".join(refusal.value.problems)
    assert "match key mail: no field 'mail'" in told
    assert "guards: unknown 'ping'; accepted: bulk, ping_pong, window" in told
