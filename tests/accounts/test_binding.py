"""Steps 4 and 5: bind and map through the pages, against a real sandbox, until the first sync begins by itself."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from policies.models import FieldRule, PolicySet, Role, Sync
from syncapp.connectors import registry
from syncapp.mapper.editor import Editor
from syncapp.models import Account, Draft, Feed, Ledger, Record, Run
from syncapp.plan.make import carry_out
from syncapp.queue import client
from syncapp.secrets import encrypt
from syncapp.store import PgStore
from tests.carry.driving import Side, drain
from tests.clerk.making import make_sync, silent
from tests.review.seeding import Desk, browser_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin(redis_client: object) -> Client:
    return browser_of("Admin", "ann")


@pytest.fixture
def account(crm: Side, transactional_db: None) -> Account:
    crm.create(email="ada@example.org", firstname="Ada", lastname="Lovelace", phone="+49 30 901820")
    return Account.objects.create(
        slug="shop", name="Shop", provider="sandbox", config={"server": crm.url}, allow_private=True,
        secrets=encrypt({"token": "t0ken"}), health="well",
    )  # fmt: skip


def said(answer: Any) -> str:
    return str(answer.content.decode())


def bound_to(admin: Client, **told: str) -> Any:
    return admin.post("/accounts/shop/bind/", {"object": "contacts", "name": "Shop", **told})


def drafted(admin: Client, target: str = "new-role:contacts") -> Draft:
    answer = bound_to(admin, target=target)
    assert answer.status_code == 302, said(answer)
    return Draft.objects.get()


def form_of(page: Any) -> dict[str, str]:
    """What a browser would send back of the page as it is."""
    told = {"version": str(page.context["draft"].version), "sample": page.context["sample"].id}
    shown = page.context["shown"]
    told |= {"scope": shown.scope, "every": shown.every, "settle": shown.settle}
    for row in page.context["rows"]:
        for part in ("map", "path", "direction", "values", "transforms", "jsonata", "inverse"):
            told[f"{part}-{row.field.name}"] = getattr(row.typed, part)
    return told


def address(draft: Draft) -> str:
    return f"/accounts/shop/drafts/{draft.pk}/"


def test_what_may_be_bound_is_offered(admin: Client, account: Account) -> None:
    sync = make_sync()
    Role.objects.create(sync=sync, name="app", label="App", order=9)
    shown = said(admin.get("/accounts/shop/bind/"))
    assert "Contacts: the role App" in shown and "Contacts: a new role" in shown and "A new sync" in shown
    assert "the role crm" not in shown, "that one has a feed"


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"object": "nothing", "target": "new-role:contacts"}, "Choose which records"),
        ({"target": "new-role:nowhere"}, "Choose what it is bound to"),
        ({"target": ""}, "Choose what it is bound to"),
        ({"target": "new-role:contacts", "name": " "}, "Give this side a name"),
        ({"target": "new-role:contacts", "name": "CRM"}, "“Contacts” has a role “crm” already"),
        ({"target": "role:contacts:crm"}, "bound to crm already"),
        ({"target": "role:contacts:Bad Name!"}, "Choose what it is bound to"),
        ({"target": "role:contacts:c\0rm\0"}, "bound to crm already"),
    ],
)
def test_what_cannot_be_bound_says_why(admin: Client, account: Account, told: dict[str, str], why: str) -> None:
    make_sync()
    answer = bound_to(admin, **told)
    assert answer.status_code == 422 and why in said(answer)
    assert not Draft.objects.exists()


def test_a_draft_begins_with_what_could_be_guessed_and_shows_a_real_record(admin: Client, account: Account) -> None:
    make_sync()
    draft = drafted(admin)
    assert draft.mapping == {
        "email": "email", "first_name": "firstname", "phone": "phone", "street": "street", "city": "city",
    }  # fmt: skip
    shown = said(admin.get(address(draft)))
    assert "ada@example.org" in shown and "Written back" in shown and "records are matched by it" in shown
    assert Feed.objects.count() == 2 and not Role.objects.filter(name="shop").exists(), "nothing acts on a draft"


def test_the_hubs_own_values_stand_beside_the_sample(admin: Client, account: Account, crm: Side) -> None:
    sync = make_sync()
    Desk(sync, PgStore(sync, ring_feeds=silent)).contact(1, email="ada@example.org", first_name="Ada in the hub")
    assert "the hub holds: Ada in the hub" in said(admin.get(address(drafted(admin))))


def test_a_preview_is_told_without_saving(admin: Client, account: Account) -> None:
    make_sync()
    draft = drafted(admin)
    told = form_of(admin.get(address(draft))) | {"transforms-first_name": "upper", "direction-first_name": "both"}
    part = admin.post(address(draft), told, headers={"HX-Request": "true"})
    assert 'id="told-first_name"' in said(part) and "hx-swap-oob" in said(part) and "<html" not in said(part)
    assert "the case is lost" in said(part)
    draft.refresh_from_db()
    assert (draft.version, draft.mapping["first_name"]) == (1, "firstname")


def test_what_cannot_be_understood_stays_as_it_was_typed(admin: Client, account: Account) -> None:
    make_sync()
    draft = drafted(admin)
    told = form_of(admin.get(address(draft))) | {"values-phone": "no pair here", "do": "save"}
    answer = admin.post(address(draft), told)
    assert answer.status_code == 422 and "no pair here" in said(answer) and "Nothing was saved" in said(answer)
    told = form_of(admin.get(address(draft))) | {"scope": "phone resembles 3", "do": "save"}
    assert "is no condition" in said(admin.post(address(draft), told))
    told = form_of(admin.get(address(draft))) | {"every": "soon", "do": "save"}
    assert "a number from 1" in said(admin.post(address(draft), told))
    draft.refresh_from_db()
    assert draft.version == 1
    odd = form_of(admin.get(address(draft))) | {
        "scope": "city is U\0lm",
        "sample": "\0",
        "transforms-phone": "split: --5",
    }
    assert admin.post(address(draft), odd | {"do": "save", "version": "9" * 5000}).status_code == 409
    assert admin.post(address(draft), odd | {"do": "save"}).status_code == 302
    assert admin.get(address(draft)).status_code == 200


def test_an_object_that_is_gone_is_told(admin: Client, account: Account) -> None:
    make_sync()
    draft = drafted(admin)
    Draft.objects.update(object="vanished")
    answer = admin.get(address(draft))
    assert answer.status_code == 503 and "has no object" in said(answer)


def test_of_two_admins_the_second_does_not_undo_the_first(admin: Client, account: Account) -> None:
    make_sync()
    draft = drafted(admin)
    mine = form_of(admin.get(address(draft)))
    other = browser_of("Admin", "bob")
    assert other.post(address(draft), mine | {"map-phone": "", "do": "save"}).status_code == 302
    for do in ("save", "bind", "drop"):
        late = admin.post(address(draft), mine | {"do": do})
        assert late.status_code == 409 and "somebody else changed this draft" in said(late), do
    draft.refresh_from_db()
    assert (draft.by, draft.version) == ("bob", 2) and "phone" not in draft.mapping
    assert not Role.objects.filter(name="shop").exists()


def test_one_role_is_drafted_for_one_account_at_a_time(admin: Client, account: Account) -> None:
    sync = make_sync()
    Role.objects.create(sync=sync, name="app", order=9)
    draft = drafted(admin, "role:contacts:app")
    assert bound_to(admin, target="role:contacts:app").headers["Location"] == address(draft)
    Draft.objects.update(account=Account.objects.get(slug="crm"))
    taken = bound_to(admin, target="role:contacts:app")
    assert taken.status_code == 422 and "just now" in said(taken)


def test_a_draft_that_is_gone_leads_back(admin: Client, account: Account) -> None:
    make_sync()
    draft = drafted(admin)
    told = form_of(admin.get(address(draft)))
    assert admin.post(address(draft), told | {"do": "drop"}).headers["Location"] == "/accounts/shop/"
    assert admin.post(address(draft), told | {"do": "bind"}).headers["Location"] == "/accounts/shop/"
    assert not Draft.objects.exists()


def test_without_the_match_key_it_cannot_be_used(admin: Client, account: Account) -> None:
    make_sync()
    draft = drafted(admin)
    told = form_of(admin.get(address(draft))) | {"map-email": "", "do": "bind"}
    answer = admin.post(address(draft), told)
    assert answer.status_code == 422 and "taken for a new one" in said(answer)
    assert not Role.objects.filter(name="shop").exists() and Draft.objects.exists()


def test_what_a_new_record_needs_and_is_not_mapped_is_told(db: None) -> None:
    editor = Editor(make_sync(), registry.load("redmine").objects["users"])
    mapping = {"email": "mail", "first_name": {"field": "firstname", "direction": "read"}, "phone": "lastname"}
    [told] = [one.said for one in editor.whole(editor.rows(mapping)) if "new record" in one.said]
    assert told.startswith("Login and First name cannot be left out") and "map it, or no record is made there" in told
    whole = editor.whole(editor.rows({**mapping, "first_name": "firstname", "street": "login"}))
    assert not [one for one in whole if "new record" in one.said]


def test_a_scope_that_cannot_be_asked_is_refused_and_the_draft_stays(admin: Client, account: Account) -> None:
    make_sync()
    draft = drafted(admin)
    told = form_of(admin.get(address(draft))) | {"scope": "shoe_size from 40", "do": "bind"}
    answer = admin.post(address(draft), told)
    assert answer.status_code == 422 and "tells no field" in said(answer)
    assert Draft.objects.get().scope == [{"field": "shoe_size", "from": 40}]
    assert not Role.objects.filter(name="shop").exists()


def test_how_many_records_a_scope_takes_is_counted(admin: Client, account: Account, crm: Side) -> None:
    make_sync()
    crm.create(email="bo@example.org", firstname="Bo", city="Ulm")
    draft = drafted(admin)
    told = form_of(admin.get(address(draft))) | {"scope": "city is Ulm", "do": "save"}
    assert "It takes 1 of all 2 records." in said(admin.post(address(draft), told, follow=True))
    Draft.objects.update(scope=[{"field": "shoe_size", "from": 40}])
    assert "cannot be told" in said(admin.get(address(draft)))


def test_a_role_joins_the_policy_and_begins_in_preview(admin: Client, account: Account) -> None:
    """Everything through the doors of a set-up file, on record, and nothing is read into the hub before an approval."""
    sync = make_sync()
    draft = drafted(admin)
    told = form_of(admin.get(address(draft))) | {"scope": "city empty", "every": "30", "settle": "2", "do": "bind"}
    answer = admin.post(address(draft), told)
    assert answer.status_code == 302, said(answer)
    feed = Feed.objects.get(role__name="shop")
    assert (feed.stage, feed.schedule, feed.settle_delay, feed.role.label) == ("preview", 30.0, 2.0, "Shop")
    assert feed.scope == [{"field": "city", "empty": True}] and not Draft.objects.exists()
    policy = PolicySet.objects.get(sync=sync, state="published")
    rules = {rule.unit: rule for rule in FieldRule.objects.filter(policy_set=policy)}
    assert (policy.version, policy.published_by) == (2, "ann")
    assert rules["email"].readers == ["crm", "billing", "shop"] and rules["email"].writers == ["crm", "billing"]
    assert rules["phone"].writers == ["crm", "billing", "shop"], "nobody owns it"
    line = Ledger.objects.get(reason="account_changed")
    assert (line.role, line.actor) == ("shop", "ann") and "feed of shop: created" in line.detail
    run = Run.objects.get(kind="plan")
    assert answer.headers["Location"] == f"/plans/{run.pk}/" and not Record.objects.exists()


def test_from_nothing_to_the_first_sync(admin: Client, account: Account) -> None:
    """A sync made of the account's own fields; approving the plan starts the first sync, and nobody has to."""
    draft = drafted(admin, "new-sync")
    sync = Sync.objects.get()
    assert (sync.name, sync.match_keys) == ("Contacts (CRM)", [["email"]])
    assert {row.name: row.type for row in sync.fields.all()}["credit_limit"] == "decimal"
    answer = admin.post(address(draft), form_of(admin.get(address(draft))) | {"do": "bind"})
    run = Run.objects.get(kind="plan")
    assert answer.headers["Location"] == f"/plans/{run.pk}/"
    made = carry_out(run.pk)
    assert made is not None and (made.state, made.error) == ("done", "")
    assert admin.get(f"/plans/{run.pk}/").status_code == 200 and not Record.objects.exists()
    client().flushdb()  # what rang before: only the approval rings now, and no schedule runs here
    assert browser_of("Business owner", "bea").post(f"/plans/{run.pk}/approve/").status_code == 302
    drain()
    record = Record.objects.get()
    assert record.links.get().feed.account == account and "Ada" in str(record.beliefs)


def test_the_mapping_of_a_live_feed_changes_by_way_of_a_plan(admin: Client, account: Account, crm: Side) -> None:
    test_from_nothing_to_the_first_sync(admin, account)
    feed = Feed.objects.get()
    assert feed.stage == "live"
    answer = admin.post(f"/accounts/shop/feeds/{feed.pk}/remap/")
    draft = Draft.objects.get()
    assert answer.headers["Location"] == address(draft) and draft.mapping == feed.mapping
    told = form_of(admin.get(address(draft)))
    same = admin.post(address(draft), told | {"do": "bind"})
    assert same.headers["Location"] == "/accounts/shop/" and Feed.objects.get().stage == "live"
    admin.post(f"/accounts/shop/feeds/{feed.pk}/remap/")
    told = form_of(admin.get(address(draft := Draft.objects.get()))) | {"map-city": "f:street", "do": "bind"}
    moved = admin.post(address(draft), told)
    feed.refresh_from_db()
    assert moved.status_code == 302 and (feed.stage, feed.stage_reason) == ("preview", "its mapping changed")


@pytest.mark.parametrize("team", ["Viewer", "Reviewer", "Business owner"])
def test_binding_is_for_admins(team: str, admin: Client, account: Account) -> None:
    make_sync()
    draft = drafted(admin)
    other = browser_of(team)
    feed = Feed.objects.first()
    for each in ("/accounts/shop/bind/", address(draft), f"/accounts/shop/feeds/{feed.pk}/remap/"):  # type: ignore[union-attr]
        assert other.get(each).status_code == 403 and other.post(each, {"do": "bind"}).status_code == 403
