"""The page of one account: pause, pace, webhooks, deliveries, what it rewrites, and removing it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from policies.models import FieldRule, PolicySet, Sync
from syncapp.models import Account, Delivery, Feed, Ledger, Link, Push, Revision
from syncapp.secrets import decrypt, encrypt, secrets_of
from tests.clerk.making import make_account
from tests.review.conftest import desk
from tests.review.seeding import Desk, browser_of

__all__ = ["desk"]
pytestmark = pytest.mark.django_db
PAGE = "/accounts/crm/"


@pytest.fixture
def admin() -> Client:
    return browser_of("Admin", "ann")


@pytest.fixture
def crm(desk: Desk) -> Account:
    Account.objects.filter(slug="crm").update(
        name="My CRM",
        config={"server": "https://crm.example"},
        secrets=encrypt({"token": "t0ken", "webhook": "whsec_b2xk"}),
    )
    return Account.objects.get(slug="crm")


def said(answer: Any) -> str:
    return str(answer.content.decode())


def do(admin: Client, deed: str, page: str = PAGE, **told: str) -> Any:
    return admin.post(page, {"seen": admin.get(PAGE).context["seen"], "do": deed, **told}, follow=True)


def feed_do(admin: Client, deed: str, **told: str) -> Any:
    [(feed, seen)] = admin.get(PAGE).context["feeds"]
    return admin.post(f"{PAGE}feeds/{feed.pk}/", {"seen": seen, "do": deed, **told}, follow=True)


@pytest.mark.parametrize("team", ["Viewer", "Reviewer", "Business owner"])
def test_it_is_for_admins(team: str, crm: Account) -> None:
    feed, browser = Feed.objects.get(account=crm), browser_of(team)
    for address in (PAGE, f"{PAGE}deliveries/", f"{PAGE}remove/", f"{PAGE}feeds/{feed.pk}/"):
        assert browser.get(address).status_code in (403, 405), address
        assert browser.post(address, {"do": "pause"}).status_code in (403, 405), address
    assert browser.post(f"{PAGE}feeds/{feed.pk}/", {"do": "pause"}).status_code == 403
    assert Account.objects.get(slug="crm").paused == "" and Feed.objects.get(pk=feed.pk).paused == ""


def test_it_tells_health_feeds_and_address_in_few_queries(
    admin: Client, crm: Account, desk: Desk, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(19):
        shown = said(admin.get(PAGE))
    assert "contacts as CRM of Contacts" in shown and f"/hooks/{crm.webhook_token}/" in shown
    assert "t0ken" not in shown and "whsec_" not in shown
    for n in range(4):
        desk.contact(n)
        Delivery.objects.create(
            account=crm, event_id=f"e{n}", received_at=timezone.now(), body=b"{}", next_try=timezone.now()
        )
    with django_assert_num_queries(19):
        assert "4 new" in said(admin.get(PAGE))


def test_an_account_pauses_and_goes_on(admin: Client, crm: Account) -> None:
    assert "My CRM is paused" in said(do(admin, "pause", why="they move house"))
    assert Account.objects.get(slug="crm").paused == "they move house"
    assert "They move house." in said(admin.get("/accounts/"))
    assert "My CRM goes on" in said(do(admin, "resume"))
    assert Account.objects.get(slug="crm").paused == ""
    assert [line.actor for line in Ledger.objects.filter(reason="account_changed")] == ["ann", "ann"]
    long = do(admin, "pause", why="x" * 301)
    assert long.status_code == 422 and "shorten it to 300" in said(long)
    assert Account.objects.get(slug="crm").paused == ""


def test_direction_and_budgets_are_stored_and_what_is_due_is_worked_out_anew(
    admin: Client, crm: Account, desk: Desk
) -> None:
    desk.contact(1)
    shown = said(do(admin, "settings", direction="in", write_budget="50", quota_share="25"))
    assert "direction: both → in" in shown
    crm.refresh_from_db()
    assert (crm.direction, crm.write_budget, crm.quota_share) == ("in", 50, 0.25)
    assert Revision.objects.filter(policy_set=PolicySet.objects.get(state="published"), done_at=None).exists()
    do(admin, "settings", direction="in", write_budget="", quota_share="25")
    assert Account.objects.get(slug="crm").write_budget is None
    assert "nothing was changed" in said(do(admin, "settings", direction="in", write_budget="", quota_share="25"))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"write_budget": "0"}, "accepted: a whole number from 1"),
        ({"write_budget": "many"}, "accepted: a whole number from 1"),
        ({"quota_share": "120"}, "accepted: 0 to 100 %"),
        ({"quota_share": "nan"}, "accepted: 0 to 100 %"),
        ({"direction": "sideways"}, "both, in, out, off"),
    ],
)
def test_what_cannot_be_stored_says_what_is_accepted(
    admin: Client, crm: Account, told: dict[str, str], why: str
) -> None:
    answer = do(admin, "settings", **{"direction": "both", "write_budget": "10", "quota_share": "80", **told})
    assert answer.status_code == 422 and why in said(answer)
    assert Account.objects.get(slug="crm").write_budget == 1000


def test_a_stale_form_changes_nothing(admin: Client, crm: Account) -> None:
    seen = admin.get(PAGE).context["seen"]
    [(feed, feed_seen)] = admin.get(PAGE).context["feeds"]
    do(admin, "pause", why="first")
    feed_do(admin, "pause", why="first")
    late = admin.post(
        PAGE, {"seen": seen, "do": "settings", "direction": "off", "write_budget": "", "quota_share": "1"}
    )
    assert late.status_code == 409 and "somebody else changed this" in said(late)
    late = admin.post(f"{PAGE}feeds/{feed.pk}/", {"seen": feed_seen, "do": "pace", "every": "1", "settle": "1"})
    assert late.status_code == 409
    assert admin.post(f"{PAGE}remove/", {"seen": seen}).status_code in (409, 422)
    assert Account.objects.get(slug="crm").direction == "both" and Feed.objects.get(pk=feed.pk).schedule == 60


def test_one_feed_pauses_and_changes_its_pace(admin: Client, crm: Account) -> None:
    feed_do(admin, "pause", why="mending")
    assert Feed.objects.get(account=crm).paused == "mending" and Account.objects.get(slug="crm").paused == ""
    feed_do(admin, "resume")
    Feed.objects.update(next_due=timezone.now() + timedelta(days=1))
    feed_do(admin, "pace", every="15", settle="3")
    found = Feed.objects.get(account=crm)
    assert (found.paused, found.schedule, found.settle_delay, found.next_due) == ("", 15.0, 3.0, None)
    answer = feed_do(admin, "pace", every="0", settle="3")
    assert answer.status_code == 422 and "a number from 1" in said(answer)
    assert Ledger.objects.filter(reason="account_changed", role="crm").count() == 3


def test_two_webhook_secrets_are_taken_while_one_is_changed(admin: Client, crm: Account) -> None:
    do(admin, "secret", secret="whsec_bmV3")
    crm.refresh_from_db()
    assert secrets_of(crm) == {"token": "t0ken", "webhook": "whsec_bmV3", "webhook_old": "whsec_b2xk"}
    shown = said(admin.get(PAGE))
    assert "Two secrets are taken just now" in shown and "whsec_" not in shown
    do(admin, "drop-secret")
    assert decrypt(Account.objects.get(slug="crm")) == {"token": "t0ken", "webhook": "whsec_bmV3"}
    assert do(admin, "secret", secret=" ").status_code == 422
    assert not any("whsec" in line.detail for line in Ledger.objects.all())


def test_a_delivery_is_looked_at_again(admin: Client, crm: Account) -> None:
    now, told = timezone.now(), [{"object": "contacts", "record": "7", "kind": "update"}]
    row = Delivery.objects.create(
        account=crm, event_id="e1", received_at=now, body=b"{}", events=told, state="set_aside", attempts=9,
        reason="no such record", next_try=now, ended_at=now,
    )  # fmt: skip
    shown = said(admin.get(f"{PAGE}deliveries/"))
    assert "update contacts 7" in shown and "no such record" in shown and "Look again" in shown
    again = f"{PAGE}deliveries/{row.pk}/replay/"
    assert "looked at once more" in said(admin.post(again, follow=True))
    row.refresh_from_db()
    assert (row.state, row.attempts, row.reason, row.ended_at) == ("new", 0, "", None)
    assert "being looked at already" in said(admin.post(again, follow=True))
    other = make_account("other")
    Delivery.objects.filter(pk=row.pk).update(state="done")
    admin.post(f"/accounts/{other.slug}/deliveries/{row.pk}/replay/")
    assert Delivery.objects.get(pk=row.pk).state == "done", "it is none of that account's"


def test_what_the_provider_rewrites_is_told(admin: Client, crm: Account) -> None:
    told: dict[str, Any] = {
        "sync": Sync.objects.get(), "line": 0, "verdict": "near_miss", "reason": "near_miss", "unit": "phone",
        "policy": 1, "recorded_at": timezone.now(),
    }  # fmt: skip
    for role, value in (("crm", "030 1"), ("crm", "030 2"), ("billing", "none of ours")):
        Ledger.objects.create(correlation=uuid.uuid4(), role=role, x={"phone": value}, **told)
    old = {**told, "recorded_at": timezone.now() - timedelta(days=40), "unit": "street"}
    Ledger.objects.create(correlation=uuid.uuid4(), role="crm", x={"street": "long ago"}, **old)
    shown = said(admin.get(PAGE))
    assert "Telephone" in shown and "030 2" in shown
    assert "none of ours" not in shown and "long ago" not in shown


def test_an_account_that_owns_fields_is_not_removed(admin: Client, crm: Account) -> None:
    answer = admin.get(f"{PAGE}remove/")
    assert "It owns Email and First name of Contacts as CRM" in said(answer) and "Remove My CRM</button>" not in said(
        answer
    )
    refused = admin.post(f"{PAGE}remove/", {"seen": answer.context["seen"]})
    assert refused.status_code == 422 and "give them another owner first" in said(refused)
    assert Account.objects.get(slug="crm").direction == "both"


def test_a_write_under_way_is_waited_for(admin: Client, crm: Account, desk: Desk) -> None:
    FieldRule.objects.update(owner="shared", strategy="manual_review")
    record, now = desk.contact(1), timezone.now()
    Push.objects.create(
        record=record, feed=Feed.objects.get(account=crm), state="sending", key="k", next_try=now, created_at=now
    )
    answer = admin.post(f"{PAGE}remove/", {"seen": admin.get(f"{PAGE}remove/").context["seen"]})
    assert answer.status_code == 422 and "under way" in said(answer)


def test_a_removed_account_forgets_its_secrets_and_its_links_sleep(admin: Client, crm: Account, desk: Desk) -> None:
    FieldRule.objects.update(owner="shared", strategy="manual_review")
    desk.contact(1)
    answer = admin.get(f"{PAGE}remove/")
    assert "1 link to its records sleeps" in said(answer)
    assert admin.post(f"{PAGE}remove/", {"seen": answer.context["seen"]}).status_code == 302
    gone = Account.objects.get(slug="crm")
    assert (gone.secrets, gone.direction, gone.paused) == (b"", "off", "removed by ann")
    assert gone.webhook_token != crm.webhook_token
    assert Link.objects.filter(feed__account=gone, remote_id="crm-1").exists()
    assert Client().post(f"/hooks/{crm.webhook_token}/", b"{}", content_type="application/json").status_code == 404
    assert "Removed by ann." in said(admin.get("/accounts/"))


def test_a_removed_account_comes_back_with_its_links(admin: Client, crm: Account, desk: Desk) -> None:
    FieldRule.objects.update(owner="shared", strategy="manual_review")
    desk.contact(1)
    admin.post(f"{PAGE}remove/", {"seen": admin.get(f"{PAGE}remove/").context["seen"]})
    back = {"name": "My CRM", "config-server": "https://crm.example", "secret-token": "new", "untested": "on"}
    back["seen"] = admin.get(f"{PAGE}credentials/").context["seen"]
    assert admin.post(f"{PAGE}credentials/", back).status_code == 302
    do(admin, "settings", direction="both", write_budget="", quota_share="80")
    do(admin, "resume")
    crm.refresh_from_db()
    assert (crm.direction, crm.paused, decrypt(crm)) == ("both", "", {"token": "new"})
    assert Link.objects.filter(feed__account=crm, remote_id="crm-1").exists()


def test_the_stock_administration_only_shows_them(admin: Client, crm: Account) -> None:
    """What it stored would be on no record."""
    for page in (f"account/{crm.pk}", f"feed/{Feed.objects.get(account=crm).pk}"):
        assert admin.get(f"/admin/syncapp/{page}/change/").status_code == 200
        assert admin.post(f"/admin/syncapp/{page}/change/", {"paused": "x"}).status_code == 403


def test_an_account_that_was_never_used_is_deleted_whole(admin: Client, desk: Desk) -> None:
    make_account("fresh", secrets=encrypt({"token": "t"}))
    page = "/accounts/fresh/remove/"
    answer = admin.get(page)
    assert "deleted whole" in said(answer)
    admin.post(page, {"seen": answer.context["seen"]})
    assert not Account.objects.filter(slug="fresh").exists()
    assert admin.get("/accounts/fresh/").status_code == 404


def test_a_provider_file_that_is_gone_is_told_on_the_page(admin: Client, crm: Account) -> None:
    Account.objects.filter(slug="crm").update(provider="vanished")
    answer = admin.get(PAGE)
    assert answer.status_code == 200 and "The provider’s file cannot be used" in said(answer)
    assert admin.get("/accounts/").status_code == 200


def test_a_form_that_does_not_say_what_to_do_does_nothing(admin: Client, crm: Account) -> None:
    assert do(admin, "explode").status_code == 422
    assert not Ledger.objects.filter(reason="account_changed").exists()
