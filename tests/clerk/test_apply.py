"""Set-up by file: what it makes, that it may run again, and how it complains."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import pytest
import yaml
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from jsonschema import Draft202012Validator
from pytest_django import Settings

import syncapp.apply
from policies.models import PolicySet, Sync
from syncapp.apply import ApplyError, apply
from syncapp.apply.file import parse
from syncapp.connectors import registry
from syncapp.load import database_now
from syncapp.models import Account, Conflict, Feed, Ledger, Link, Push, Record, Revision
from syncapp.replay import replay
from syncapp.revising import revise_slice
from syncapp.secrets import SecretProblem, encrypt, secrets_of
from syncapp.steps import judge
from syncapp.store import PgStore
from syncapp.sweep import open_revisions
from tests.clerk.making import demo_environment, demo_file, seen, silent

pytestmark = pytest.mark.django_db
DEMO = demo_file()


@pytest.fixture(autouse=True)
def addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    demo_environment(monkeypatch)


def run(text: str, **more: bool) -> tuple[str, ...]:
    return apply(parse(text, "set-up.yaml"), **more).changes


def command(path: Path, *words: str) -> str:
    out = StringIO()
    call_command("apply", str(path), *words, stdout=out)
    return out.getvalue()


def edited(pattern: str, by: str) -> str:
    text, count = re.subn(pattern, by, DEMO.read_text())
    assert count, pattern
    return text


def test_the_demo_file_makes_accounts_feeds_fields_and_a_policy() -> None:
    out = command(DEMO, "--address", "http://hub.example")
    assert "account crm: created" in out
    crm = Account.objects.get(slug="crm")
    assert f"webhook address of crm: http://hub.example/hooks/{crm.webhook_token}/" in out
    assert crm.config == {"server": "http://127.0.0.1:1"}
    sync = Sync.objects.get()
    assert list(sync.roles.values_list("name", flat=True)) == ["crm", "billing", "directory"]
    assert sync.fields.count() == 11
    policy = sync.policy_sets.get()
    assert (policy.version, policy.state) == (1, "published")
    rules = {rule.unit: rule for rule in policy.rules.all()}
    assert rules["phone"].strategy == "manual_review"
    assert rules["credit_limit"].writers == ["billing", "hub"]
    assert rules["credit_limit"].readers == ["billing", "crm"] or rules["credit_limit"].readers == ["crm", "billing"]
    assert Feed.objects.get(role__name="directory").schedule == 1


def test_secrets_are_never_stored_or_printed() -> None:
    out = command(DEMO)
    crm = Account.objects.get(slug="crm")
    assert crm.secret_refs["token"] == {"env": "CONCORD_CRM_TOKEN"}
    assert bytes(crm.secrets) == b""
    assert "crm-secret" not in out
    assert secrets_of(crm) == {"token": "crm-secret", "webhook": "whsec_c2VjcmV0"}


def test_a_second_run_has_nothing_to_change() -> None:
    command(DEMO)
    assert command(DEMO).startswith("nothing to change")
    assert PolicySet.objects.count() == 1


def test_the_next_command_is_named_while_a_feed_waits_in_preview() -> None:
    said = "contacts waits in preview; to see what it would do: python manage.py plan contacts"
    assert command(DEMO).count(said) == 0, "the demo's roles start live"
    Feed.objects.update(stage="preview")
    lines = command(DEMO).splitlines()
    assert lines[-1] == said and lines.count(said) == 1, "once for a sync, after the webhook addresses"


def test_a_plan_changes_nothing_and_says_so_by_its_exit_code() -> None:
    with pytest.raises(SystemExit) as leaving:
        command(DEMO, "--plan")
    assert leaving.value.code == 2
    assert not Account.objects.exists()
    command(DEMO)
    assert command(DEMO, "--plan") == "nothing to change\n"


def test_a_changed_rule_is_published_as_a_new_version_with_its_difference() -> None:
    run(DEMO.read_text())
    changes = run(edited("phone: {owner: shared, strategy: manual_review", "phone: {owner: crm, strategy: owner_wins"))
    assert changes[0] == "sync contacts: policy version 2 published"
    assert "  phone.strategy: manual_review → owner_wins" in changes
    assert "  phone.owner: shared → crm" in changes
    assert not any("email" in line for line in changes)
    assert list(PolicySet.objects.order_by("version").values_list("state", flat=True)) == ["retired", "published"]


def test_a_changed_mapping_makes_the_next_read_count() -> None:
    run(DEMO.read_text())
    store = PgStore(Sync.objects.get(), ring_feeds=silent)
    judge(store, "crm", [seen(store, "crm", "1", email="a@example.org", version="1")])
    Link.objects.update(digest="d")
    changes = run(
        edited("stage: lifecycle", "stage: {field: lifecycle, direction: read}").replace(
            "readers: [crm, billing], unauthorised: propose", "readers: [billing], unauthorised: propose"
        )
    )
    assert (
        "sync contacts: feed of crm: mapping.stage: lifecycle → {'field': 'lifecycle', 'direction': 'read'}" in changes
    )
    assert Link.objects.get().digest == ""


def test_a_new_policy_changes_what_is_due() -> None:
    run(DEMO.read_text())
    store = PgStore(Sync.objects.get(), ring_feeds=silent)
    judge(store, "crm", [seen(store, "crm", "1", email="a@example.org", newsletter=True, version="1")])
    assert Push.objects.get(feed__role__name="billing").units == ["email", "newsletter"]
    run(edited("newsletter: {owner: crm, strategy", "newsletter: {owner: crm, readers: [crm], strategy"))
    assert Push.objects.get(feed__role__name="billing").units == ["email"]
    run(edited("name: Northwind Billing", "name: Acme Billing\n    direction: in"))
    assert not Push.objects.filter(feed__role__name="billing").exists()


def test_a_role_in_use_is_not_dropped() -> None:
    run(DEMO.read_text())
    store = PgStore(Sync.objects.get(), ring_feeds=silent)
    judge(store, "directory", [seen(store, "directory", "1", email="a@example.org", version="1")])
    content = yaml.safe_load(DEMO.read_text())
    del content["syncs"]["contacts"]["roles"]["directory"]
    with pytest.raises(ApplyError, match=r"'directory' is in use.*direction: off"):
        run(yaml.safe_dump(content))


REFUSED: dict[str, tuple[str, str, str]] = {
    "an unknown key at the top": (
        r"(?m)^accounts:",
        "accunts: {}\naccounts:",
        r"unknown key 'accunts'.*:3.*accounts, syncs",
    ),
    "an unknown key of an account": (
        "name: Northwind CRM",
        "titel: Northwind CRM",
        r"unknown key 'titel'.*set-up.yaml:6 at accounts.crm.titel.*allow_private, config",
    ),
    "an unknown key of a rule": ("strategy: merge", "stratgy: merge", r"unknown key 'stratgy'.*:\d+ at .*rules.labels"),
    "an unknown provider": (
        "provider: kinto",
        "provider: kino",
        rf"no provider 'kino'.*:\d+ .*Accepted: {', '.join(sorted(registry.files()))}",
    ),
    "a setting the provider does not have": (
        "config: {server:",
        "config: {host:",
        r"no setting of sandbox 'host'.*server",
    ),
    "a setting that is missing": (
        r"      server: \{env: CONCORD_DIRECTORY_URL\}\n",
        "",
        r"setting 'server' is missing",
    ),
    "a variable that is not set": ("CONCORD_CRM_URL", "CONCORD_ABSENT", r"CONCORD_ABSENT is not set.*:\d+"),
    "a secret in plain sight": (
        r"token: \{env: CONCORD_CRM_TOKEN\}",
        "token: abc",
        r"wrong type.*:\d+ at .*secrets.token",
    ),
    "an unknown field type": ("type: decimal", "type: money", r"no field type 'money'.*decimal"),
    "an unknown parameter": ("scale: 2", "digits: 2", r"unknown parameter digits; accepted: scale"),
    "a match key of no field": (r"match: \[\[email\]\]", "match: [[mail]]", r"no field 'mail'.*email"),
    "a mapping of no field": (
        "given_name",
        "given_name\n          nick: nick",
        r"no field 'nick'.*:\d+ at .*mapping.nick",
    ),
    "a provider's field that is not there": (
        "newsletter: marketing_opt_in",
        "newsletter: {field: marketing}",
        r"no provider field 'marketing'.*marketing_opt_in",
    ),
    "a bare word that is no field of the provider": (
        "newsletter: marketing_opt_in",
        "newsletter: marketing_optin",
        r"declares no field 'marketing_optin'.*:\d+ at .*mapping.newsletter.*marketing_opt_in.*path: marketing_optin",
    ),
    "an unknown object": ("object: customers", "object: clients", r"no object 'clients'.*contacts, customers"),
    "an unknown account": ("account: billing", "account: bill", r"no account 'bill'.*Accepted: billing, crm"),
    "an unknown owner": ("address: {owner: billing", "address: {owner: bill", r"owner names 'bill'.*crm, billing"),
    "a key given twice": ("  billing:\n    provider", "  crm:\n    provider", r"'crm' is given twice"),
    "not YAML": (r"(?m)^accounts:", "accounts: [", r"not readable as YAML"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_it_refuses(what: str) -> None:
    pattern, by, words = REFUSED[what]
    text = (
        edited(pattern, by)
        if what != "a key given twice"
        else DEMO.read_text().replace("  billing:\n    provider", "  crm:\n    provider", 1)
    )
    with pytest.raises(ApplyError, match=words) as refusal:
        run(text)
    assert "set-up.yaml" in str(refusal.value)
    assert not Account.objects.exists()


def test_the_schema_for_editors_is_a_schema() -> None:
    path = Path(syncapp.apply.__file__).with_name("schema.json")
    Draft202012Validator.check_schema(json.loads(path.read_text()))


def test_a_missing_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        command(tmp_path / "absent.yaml")


class TestSecrets:
    @pytest.mark.parametrize("typed", ["hunter2", "{env: CONCORD_CRM_TOKEN, value: hunter2}", "[hunter2]"])
    def test_a_secret_typed_into_the_file_is_refused_and_not_repeated(self, typed: str) -> None:
        with pytest.raises(ApplyError, match=r"secrets\.token") as refusal:
            run(edited(r"token: \{env: CONCORD_CRM_TOKEN\}", f"token: {typed}"))
        assert "hunter2" not in str(refusal.value)

    def test_stored_secrets_are_encrypted_and_come_back(self) -> None:
        account = Account(slug="a", secrets=encrypt({"token": "hush"}))
        assert b"hush" not in account.secrets
        assert secrets_of(account) == {"token": "hush"}

    def test_keys_are_rotated(self, settings: Settings) -> None:
        account = Account.objects.create(slug="a", provider="sandbox", name="A", secrets=encrypt({"token": "hush"}))
        new = Fernet.generate_key().decode()
        settings.CREDENTIAL_KEYS = [new, *settings.CREDENTIAL_KEYS]
        call_command("rotate_credentials", stdout=StringIO())
        settings.CREDENTIAL_KEYS = [new]
        account.refresh_from_db()
        assert secrets_of(account) == {"token": "hush"}

    def test_a_lost_key_is_told_without_the_secret(self, settings: Settings) -> None:
        Account.objects.create(slug="a", provider="sandbox", name="A", secrets=encrypt({"token": "hush"}))
        settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
        with pytest.raises(SecretProblem, match="account 'a' fit none of the keys in CONCORD_CREDENTIAL_KEYS"):
            secrets_of(Account.objects.get())
        with pytest.raises(CommandError, match="Nothing was changed"):
            call_command("rotate_credentials", stdout=StringIO())

    def test_files_and_missing_variables(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("from a file\n")
        account = Account(slug="a", secret_refs={"token": {"file": str(tmp_path / "token")}})
        assert secrets_of(account) == {"token": "from a file"}
        account.secret_refs = {"token": {"env": "CONCORD_ABSENT"}}
        with pytest.raises(SecretProblem, match=r"'token' of account 'a'.*CONCORD_ABSENT, which is not set"):
            secrets_of(account)
        account.secret_refs = {"token": {"file": str(tmp_path / "absent")}}
        with pytest.raises(SecretProblem, match="cannot be read"):
            secrets_of(account)


def test_a_new_policy_judges_again_what_it_changed() -> None:
    run(DEMO.read_text())
    store = PgStore(Sync.objects.get(), ring_feeds=silent)
    judge(store, "crm", [seen(store, "crm", "1", email="a@example.org", stage="lead", version="1")])
    judge(store, "billing", [seen(store, "billing", "2", email="a@example.org", stage="customer", version="1")])
    question = Conflict.objects.get(kind="proposal", state="open")
    run(
        edited(
            "stage: {owner: crm, strategy: owner_wins",
            "stage: {owner: billing, writers: [crm, billing], strategy: owner_wins",
        )
    )
    revision = Revision.objects.get(before__version=1)
    question.refresh_from_db()
    assert question.state == "closed"
    assert Record.objects.get().beliefs["stage"]["value"] == {"stage": "customer"}
    assert Push.objects.get(feed__role__name="crm", state="pending").units == ["stage"]
    assert Ledger.objects.filter(role="billing", unit="stage", verdict="concurrent").exists()
    assert (revision.records, open_revisions(database_now())) == (1, [])
    assert replay(Sync.objects.get()).differences == []


def test_what_a_killed_apply_left_undone_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """The new direction is in the database; what is due under it is worked out by whoever comes next."""
    run(DEMO.read_text())
    store = PgStore(Sync.objects.get(), ring_feeds=silent)
    judge(store, "crm", [seen(store, "crm", "1", email="a@example.org", newsletter=True, version="1")])
    assert Push.objects.filter(feed__role__name="billing").exists()

    def die(*told: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("syncapp.apply.run.finish_revisions", die)
        run(edited("name: Northwind Billing", "name: Acme Billing\n    direction: in"))
    assert Push.objects.filter(feed__role__name="billing").exists()
    [left] = open_revisions(database_now())
    assert revise_slice(left, ring_feeds=silent)
    assert not Push.objects.filter(feed__role__name="billing").exists()
    assert open_revisions(database_now()) == []
