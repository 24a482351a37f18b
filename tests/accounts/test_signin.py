"""Steps 1 to 3: the list, the providers, giving address and credentials, and the test."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from syncapp.certificates import digest_of, manifest_named
from syncapp.models import Account, Certificate, Ledger
from syncapp.sandbox.server import SandboxServer
from syncapp.sandbox.settings import Settings
from syncapp.secrets import decrypt, encrypt, secrets_of
from tests.carry.driving import Side
from tests.clerk.making import make_account, make_sync
from tests.review.seeding import browser_of

pytestmark = pytest.mark.django_db
CREDENTIALS = "/accounts/my-crm/credentials/"
ADDRESSES = ["/accounts/", "/accounts/providers/", "/accounts/new/sandbox/", CREDENTIALS, "/accounts/my-crm/test/"]


@pytest.fixture
def admin() -> Client:
    return browser_of("Admin", "ann")


def given(crm: Side, **more: str) -> dict[str, str]:
    return {
        "name": "My CRM", "config-server": crm.url, "secret-token": "t0ken", "allow_private": "on", **more
    }  # fmt: skip


def connected(admin: Client, crm: Side, **more: str) -> Account:
    answer = admin.post("/accounts/new/sandbox/", given(crm, **more))
    assert answer.status_code == 302, answer.content.decode()
    return Account.objects.get(slug="my-crm")


def said(answer: object) -> str:
    return answer.content.decode()  # type: ignore[attr-defined]


@pytest.mark.parametrize("team", ["Viewer", "Reviewer", "Business owner", ""])
def test_accounts_are_for_admins(team: str) -> None:
    Account.objects.create(slug="my-crm", name="My CRM", provider="sandbox")
    browser = browser_of(team)
    for address in ADDRESSES:
        assert browser.get(address).status_code == 403, address
        assert browser.post(address, {}).status_code == 403, address
    assert 'href="/accounts/"' not in said(browser.get("/"))
    assert Account.objects.get().tried == {}


@pytest.mark.parametrize("address", ADDRESSES)
def test_strangers_are_asked_to_sign_in(address: str) -> None:
    answered = Client().get(address)
    assert (answered.status_code, answered.headers["Location"][:19]) == (302, "/admin/login/?next=")


def test_an_empty_list_says_what_to_do_next(admin: Client) -> None:
    shown = said(admin.get("/accounts/"))
    assert "Connect the first account" in shown and 'href="/accounts/providers/"' in shown


def test_the_list_says_what_is_the_matter_and_what_to_do_the_worst_first(
    admin: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_sync()
    Account.objects.filter(slug="billing").update(health="attention", last_error="the token has expired")
    with django_assert_num_queries(8):
        shown = said(admin.get("/accounts/"))
    assert shown.index(">billing</a>") < shown.index(">crm</a>")
    assert "The token has expired." in shown and "mend its address or credentials" in shown
    for number in range(5):
        make_account(f"more-{number}")
    with django_assert_num_queries(8):
        assert "more-4" in said(admin.get("/accounts/"))


def test_every_provider_has_a_card_that_says_what_it_can_do(admin: Client) -> None:
    shown = said(admin.get("/accounts/providers/"))
    assert "Connect Kinto" in shown and "Connect Sandbox" in shown and "conditional writes" in shown
    found = said(admin.get("/accounts/providers/?q=WEBHOOKS+sandbox"))
    assert "Connect Sandbox" in found and "Connect Kinto" not in found
    part = admin.get("/accounts/providers/?q=kinto", headers={"HX-Request": "true"})
    assert "Connect Kinto" in said(part) and "<html" not in said(part)


def test_a_card_says_what_the_suite_found_last(admin: Client) -> None:
    told: dict[str, Any] = {"provider": "kinto", "against": "real server", "writes": True, "hub_version": "1"}
    digest = digest_of(manifest_named("kinto"))
    Certificate.objects.create(**told, digest=digest, verdict="partly", made_at=datetime(2026, 1, 2, tzinfo=UTC))
    shown = said(admin.get("/accounts/providers/?q=kinto"))
    assert "Partly certified against real server, 2026-01-02." in shown and "Not certified" not in shown
    Certificate.objects.create(**told, digest="old", verdict="certified", made_at=datetime(2026, 1, 3, tzinfo=UTC))
    assert "Certified against real server, 2026-01-03; its file has changed since." in said(
        admin.get("/accounts/providers/?q=kinto")
    )
    assert "Not certified in this installation" in said(admin.get("/accounts/providers/?q=sandbox"))


def test_a_provider_whose_file_is_wrong_hides_no_other(
    admin: Client, settings: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("providers")
    (folder / "broken.yaml").write_text("slug: broken\n")
    settings.PROVIDER_FOLDERS = [folder]
    shown = said(admin.get("/accounts/providers/"))
    assert "Its file cannot be used" in shown and "broken.yaml" in shown and "Connect Kinto" in shown


def test_an_account_is_connected_and_tested_at_once(admin: Client, crm: Side) -> None:
    account = connected(admin, crm, **{"secret-webhook": "whsec_c2VjcmV0"})
    assert (account.provider, account.name, account.config) == ("sandbox", "My CRM", {"server": crm.url})
    assert decrypt(account) == {"token": "t0ken", "webhook": "whsec_c2VjcmV0"}
    assert (account.health, account.tried["by"], account.tried["authenticated"]) == ("well", "ann", True)
    shown = said(admin.get("/accounts/my-crm/test/"))
    assert "My CRM can be used." in shown and "Contacts (CRM)" in shown and "clock is" in shown
    for page in ("/accounts/my-crm/credentials/", "/accounts/my-crm/test/", "/accounts/"):
        assert "t0ken" not in said(admin.get(page)) and "whsec_" not in said(admin.get(page))


def test_what_is_missing_is_told_by_its_field_and_nothing_is_stored(admin: Client) -> None:
    answer = admin.post("/accounts/new/kinto/", {"name": "", "config-server": "", "secret-user": "hub"})
    assert answer.status_code == 422
    for label in ("Address of the server", "Bucket", "Collection", "Password"):
        assert f"{label} is needed" in said(answer)
    assert "Nothing was stored yet" in said(answer) and 'value="hub"' not in said(answer)
    assert not Account.objects.exists()


def test_what_the_set_up_refuses_is_told_too(admin: Client, crm: Side) -> None:
    answer = admin.post("/accounts/new/sandbox/", {**given(crm), "secret-token": ""})
    assert answer.status_code == 422 and "is missing, and so is" in said(answer)
    assert not Account.objects.exists()


def test_two_accounts_of_one_name_get_two_addresses(admin: Client, crm: Side) -> None:
    connected(admin, crm)
    assert admin.post("/accounts/new/sandbox/", given(crm)).headers["Location"] == "/accounts/my-crm-2/test/"


@pytest.mark.parametrize("name", ["Providers", "new", "…"])
def test_a_name_that_is_a_word_of_these_addresses_gets_another(admin: Client, crm: Side, name: str) -> None:
    address = admin.post("/accounts/new/sandbox/", given(crm, name=name)).headers["Location"]
    assert admin.get(address).status_code == 200 and address not in ("/accounts/providers/test/", "/accounts/new/test/")


@pytest.mark.parametrize("source", ["env:SECRET_KEY", "env:DATABASE_URL", "file:/etc/passwd", "file:/run/secrets/../x"])
def test_only_an_accounts_own_secrets_may_be_named_from_a_browser(admin: Client, crm: Side, source: str) -> None:
    """Or the hub's own key could be sent to any address."""
    answer = admin.post("/accounts/new/sandbox/", {**given(crm), "secret-token": "", "source-token": source})
    assert answer.status_code == 422 and "begins with CONCORD_ACCOUNT_" in said(answer)
    assert not Account.objects.exists()


def test_a_secret_may_be_kept_in_the_environment_or_in_a_file(
    admin: Client, crm: Side, monkeypatch: pytest.MonkeyPatch, settings: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    monkeypatch.setenv("CONCORD_ACCOUNT_CRM", "t0ken")
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "hook").write_text("whsec_c2VjcmV0\n")
    settings.SECRETS_FOLDER = str(folder)
    more = {"secret-token": "", "source-token": "env:CONCORD_ACCOUNT_CRM", "source-webhook": f"file:{folder}/hook"}
    account = connected(admin, crm, **more)
    assert account.secrets == b"" and account.health == "well"
    assert secrets_of(account) == {"token": "t0ken", "webhook": "whsec_c2VjcmV0"}
    shown = said(admin.get(CREDENTIALS))
    assert "env:CONCORD_ACCOUNT_CRM" in shown


def test_a_private_address_is_refused_and_the_switch_named(admin: Client, crm: Side) -> None:
    told = given(crm)
    del told["allow_private"]
    page = said(admin.post("/accounts/new/sandbox/", told, follow=True))
    assert "which may not be called" in page and "May be reached at private addresses" in page
    assert Account.objects.get().health == "attention"


def test_a_wrong_token_is_told_in_the_providers_words_and_what_to_do(admin: Client, crm: Side) -> None:
    page = said(admin.post("/accounts/new/sandbox/", given(crm, **{"secret-token": "wr0ng"}), follow=True))
    assert "cannot be used yet" in page and "does not accept the credentials" in page
    assert "Make new credentials at the provider" in page and "wr0ng" not in page


def _served(answer: Callable[[str], tuple[int, Any]]) -> Iterator[str]:
    """The address of a server that answers each path so; text is sent as a page for people."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if isinstance(body, str) else "application/json")
            self.end_headers()
            self.wfile.write((body if isinstance(body, str) else json.dumps(body)).encode())

        def log_message(self, *told: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def web_page() -> Iterator[str]:
    yield from _served(lambda _: (200, "<html><body>Welcome</body></html>"))


def test_a_web_page_in_place_of_an_api_is_recognised(admin: Client, crm: Side, web_page: str) -> None:
    page = said(admin.post("/accounts/new/sandbox/", given(crm, **{"config-server": web_page}), follow=True))
    assert "cannot be used yet" in page and "is not JSON" in page and "a page for people" in page


def test_nobody_there_is_told_with_what_to_check(admin: Client, crm: Side) -> None:
    told = given(crm, **{"config-server": "http://127.0.0.1:9"})
    page = said(admin.post("/accounts/new/sandbox/", told, follow=True))
    assert "Check the address for typing errors" in page and "Reachable" in page


def test_new_credentials_are_tested_before_the_old_ones_are_dropped(admin: Client, crm: Side) -> None:
    connected(admin, crm)
    seen = admin.get(CREDENTIALS).context["seen"]
    refused = admin.post(CREDENTIALS, given(crm, **{"secret-token": "wr0ng", "seen": seen}))
    assert refused.status_code == 424 and "the old credentials stay" in said(refused)
    assert decrypt(Account.objects.get()) == {"token": "t0ken"} and Account.objects.get().health == "well"
    kept = admin.post(CREDENTIALS, given(crm, **{"secret-token": "", "secret-webhook": "whsec_eA==", "seen": seen}))
    assert kept.status_code == 302
    assert decrypt(Account.objects.get()) == {"token": "t0ken", "webhook": "whsec_eA=="}


@pytest.fixture
def missing() -> Iterator[str]:
    """Signed in, as whom, and a version of the API: but no collection."""

    def answer(path: str) -> tuple[int, dict[str, Any]]:
        return (200, {"user": {"id": "basicauth:ann"}}) if path == "/v1/" else (404, {"message": "Not there"})

    yield from _served(answer)


@pytest.mark.parametrize("change", [{"config-server": "/v1/"}, {"config-collection": "nowhere"}])
def test_what_the_test_calls_unusable_replaces_nothing(admin: Client, missing: str, change: dict[str, str]) -> None:
    """It answers and takes the credentials, and still no record could be read."""
    config = {"server": "http://127.0.0.1:9", "bucket": "b", "collection": "c"}
    secrets = encrypt({"user": "ann", "password": "0ld"})
    Account.objects.create(slug="kinto", name="Kinto", provider="kinto", config=config, secrets=secrets)
    typed = {"config-server": "", "config-bucket": "b", "config-collection": "c", **change}
    typed["config-server"] = missing + typed["config-server"]
    seen = admin.get("/accounts/kinto/credentials/").context["seen"]
    told = {"name": "Renamed", "allow_private": "on", "secret-password": "n3w", "seen": seen, **typed}
    refused = admin.post("/accounts/kinto/credentials/", told)
    account = Account.objects.get()
    assert refused.status_code == 424 and "the old credentials stay" in said(refused)
    assert "404" in said(refused) and "down just now" not in said(refused)
    assert (account.name, account.config, decrypt(account)["password"]) == ("Kinto", config, "0ld")
    for text in ("Renamed", *typed.values()):
        assert f'value="{text}"' in said(refused)
    assert "n3w" not in said(refused)


def test_they_can_be_stored_all_the_same_while_the_provider_is_down(admin: Client, crm: Side) -> None:
    connected(admin, crm)
    seen = admin.get(CREDENTIALS).context["seen"]
    told = given(crm, **{"config-server": "http://127.0.0.1:9", "seen": seen})
    assert admin.post(CREDENTIALS, told).status_code == 424
    assert admin.post(CREDENTIALS, {**told, "untested": "on"}).status_code == 302
    assert Account.objects.get().config == {"server": "http://127.0.0.1:9"}


def test_of_two_admins_the_second_is_told_what_happened(admin: Client, crm: Side) -> None:
    connected(admin, crm)
    seen = admin.get(CREDENTIALS).context["seen"]
    assert admin.post(CREDENTIALS, given(crm, name="First", seen=seen)).status_code == 302
    late = admin.post(CREDENTIALS, given(crm, name="Second", seen=seen))
    assert late.status_code == 409 and "somebody else changed this account" in said(late)
    assert Account.objects.get().name == "First"


def test_a_change_is_on_record_with_every_sync_and_without_secrets(admin: Client, crm: Side) -> None:
    make_sync()
    Account.objects.filter(slug="crm").update(config={"server": crm.url}, secrets=encrypt({"token": "t0ken"}))
    address = "/accounts/crm/credentials/"
    told = given(crm, name="CRM", seen=admin.get(address).context["seen"], **{"secret-token": "t0ken"})
    assert admin.post(address, told).status_code == 302
    line = Ledger.objects.get(reason="account_changed")
    assert (line.sync.slug, line.actor) == ("contacts", "ann")
    assert "token entered anew" in line.detail and "t0ken" not in line.detail


@pytest.mark.django_db(transaction=True)
def test_a_token_that_the_test_renewed_is_what_is_stored(admin: Client, crm: Side, tmp_path: Path) -> None:
    """A refresh token that serves only once was used up by the test."""
    connected(admin, crm)
    settings = Settings("crm", tmp_path / "x.sqlite", token_ttl=600, client_secret="s3cret", refresh_token="first")
    with SandboxServer(settings) as expiring:
        told = given(crm, seen=admin.get(CREDENTIALS).context["seen"])
        told |= {"config-server": expiring.url, "secret-token": "", "secret-client_secret": "s3cret"}
        del told["secret-token"]
        Account.objects.update(secrets=b"")
        told["seen"] = admin.get(CREDENTIALS).context["seen"]
        assert admin.post(CREDENTIALS, {**told, "secret-refresh_token": "first"}).status_code == 302
        kept = decrypt(Account.objects.get())
        assert kept["token"].startswith("at_") and kept["refresh_token"].startswith("rt_")
        assert Account.objects.get().health == "well"


def test_an_unknown_account_or_provider_is_not_found(admin: Client) -> None:
    for address in ("/accounts/nobody/test/", "/accounts/nobody/credentials/", "/accounts/new/nobody/"):
        assert admin.get(address).status_code == 404
