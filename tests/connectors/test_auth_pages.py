"""The credentials and limits on the docs page: each is accepted, and asks and proves as its provider is documented to."""

# ruff: noqa: E501  (tables are read by the line)
from __future__ import annotations

import base64
import re
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from syncapp.connectors.client import Client
from syncapp.connectors.consent import Consent
from syncapp.connectors.manifest import Manifest, parse
from tests.connectors.shapes import bent
from tests.connectors.test_oauth import PEM
from tests.habits.tree import PROJECT

PAGE = (PROJECT / "docs/manifest/auth-by-provider.md").read_text()
BLOCKS = dict(re.findall(r"^### (.+)\n(?:(?!#|```).*\n)*```yaml\n([\s\S]*?)^```", PAGE, re.MULTILINE))
TWENTY = {
    "HubSpot", "Salesforce", "Stripe", "Pipedrive", "Zendesk", "Intercom", "Shopify", "Microsoft Graph", "Slack", "GitHub",
    "Jira", "Linear", "Airtable", "Notion", "BambooHR", "Zoho CRM", "QuickBooks", "Xero", "Chargebee", "Mailchimp",
}  # fmt: skip
APP = {"client_id": "hub"}
SECRET = {"client_secret": "s3cret"}
BACK = "https://hub.example.org/oauth/callback/"


def made(provider: str) -> Manifest:
    block = yaml.safe_load(BLOCKS[provider])
    return parse(
        yaml.safe_dump({**bent({"errors": ..., "secrets": ..., "config": ...}), **block}, sort_keys=False), provider
    )


def pair(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_all_twenty_are_there() -> None:
    assert set(BLOCKS) == TWENTY


# provider, settings, secrets, base address, the header that proves who we are
PROVEN: list[tuple[str, dict[str, str], dict[str, str], str, tuple[str, str]]] = [
    ("HubSpot", {}, {"access_token": "pat-1"}, "https://api.hubapi.com", ("Authorization", "Bearer pat-1")),
    ("Salesforce", {**APP, "instance_url": "https://acme.my.salesforce.com"}, {**SECRET, "access_token": "t"}, "https://acme.my.salesforce.com", ("Authorization", "Bearer t")),
    ("Stripe", {}, {"key": "sk_1"}, "https://api.stripe.com", ("Authorization", "Bearer sk_1")),
    ("Pipedrive", {"sign_in": "key", "company": "acme"}, {"api_token": "t"}, "https://acme.pipedrive.com", ("x-api-token", "t")),
    ("Zendesk", {"subdomain": "acme", "email": "k@a.org"}, {"api_token": "t"}, "https://acme.zendesk.com/api/v2", ("Authorization", pair("k@a.org/token", "t"))),
    ("Zendesk", {**APP, "sign_in": "person", "subdomain": "acme"}, {**SECRET, "access_token": "t"}, "https://acme.zendesk.com/api/v2", ("Authorization", "Bearer t")),
    ("Intercom", {}, {"access_token": "t"}, "https://api.intercom.io", ("Authorization", "Bearer t")),
    ("Intercom", {"region": ".eu"}, {"access_token": "t"}, "https://api.eu.intercom.io", ("Authorization", "Bearer t")),
    ("Shopify", {"shop": "acme"}, {"access_token": "shpat"}, "https://acme.myshopify.com", ("X-Shopify-Access-Token", "shpat")),
    ("Shopify", {**APP, "shop": "acme", "sign_in": "person"}, {**SECRET, "access_token": "t"}, "https://acme.myshopify.com", ("X-Shopify-Access-Token", "t")),
    ("Microsoft Graph", APP, {**SECRET, "access_token": "t"}, "https://graph.microsoft.com/v1.0", ("Authorization", "Bearer t")),
    ("Slack", {}, {"access_token": "xoxb-1"}, "https://slack.com/api", ("Authorization", "Bearer xoxb-1")),
    ("GitHub", {}, {"token": "ghp"}, "https://api.github.com", ("Authorization", "Bearer ghp")),
    ("Jira", {"site": "acme", "email": "k@a.org"}, {"api_token": "t"}, "https://acme.atlassian.net/rest/api/3", ("Authorization", pair("k@a.org", "t"))),
    ("Jira", {**APP, "sign_in": "person", "cloud_id": "c-1"}, {**SECRET, "access_token": "t"}, "https://api.atlassian.com/ex/jira/c-1/rest/api/3", ("Authorization", "Bearer t")),
    ("Linear", {}, {"api_key": "lin_1"}, "https://api.linear.app", ("Authorization", "lin_1")),
    ("Linear", {**APP, "sign_in": "person"}, {**SECRET, "access_token": "t"}, "https://api.linear.app", ("Authorization", "Bearer t")),
    ("Airtable", {}, {"access_token": "pat"}, "https://api.airtable.com/v0", ("Authorization", "Bearer pat")),
    ("Notion", {}, {"access_token": "ntn"}, "https://api.notion.com/v1", ("Authorization", "Bearer ntn")),
    ("BambooHR", {"company": "acme"}, {"api_key": "k"}, "https://acme.bamboohr.com/api/v1", ("Authorization", pair("k", "x"))),
    ("Zoho CRM", {**APP, "api_domain": "https://www.zohoapis.eu"}, {**SECRET, "access_token": "t"}, "https://www.zohoapis.eu/crm/v8", ("Authorization", "Zoho-oauthtoken t")),
    ("QuickBooks", {**APP, "realm": "934"}, {**SECRET, "access_token": "t"}, "https://quickbooks.api.intuit.com/v3/company/934", ("Authorization", "Bearer t")),
    ("Xero", {**APP, "tenant": "a1"}, {**SECRET, "access_token": "t"}, "https://api.xero.com/api.xro/2.0", ("Authorization", "Bearer t")),
    ("Chargebee", {"site": "acme"}, {"api_key": "k"}, "https://acme.chargebee.com/api/v2", ("Authorization", pair("k", ""))),
    ("Mailchimp", {"dc": "us21"}, {"api_key": "k-us21"}, "https://us21.api.mailchimp.com/3.0", ("Authorization", pair("hub", "k-us21"))),
    ("Mailchimp", {**APP, "dc": "us21", "sign_in": "person"}, {**SECRET, "access_token": "t"}, "https://us21.api.mailchimp.com/3.0", ("Authorization", "Bearer t")),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "config", "secrets", "base", "header"), PROVEN)
def test_where_calls_go_and_what_proves_them(
    provider: str, config: dict[str, str], secrets: dict[str, str], base: str, header: tuple[str, str]
) -> None:
    caller = Client(made(provider), config, secrets)._caller
    assert (caller.base, dict(caller.credentials.headers)) == (base, {header[0]: header[1]})


# provider, settings, the page of consent, some of what it is asked
ASKED: list[tuple[str, dict[str, str], str, dict[str, str]]] = [
    ("HubSpot", {}, "https://app.hubspot.com/oauth/authorize", {"scope": "oauth crm.objects.contacts.read crm.objects.contacts.write"}),
    ("Salesforce", {"login": "https://test.salesforce.com"}, "https://test.salesforce.com/services/oauth2/authorize", {"scope": "api refresh_token"}),
    ("Pipedrive", {}, "https://oauth.pipedrive.com/oauth/authorize", {}),
    ("Zendesk", {"sign_in": "person", "subdomain": "acme"}, "https://acme.zendesk.com/oauth/authorizations/new", {"scope": "read write"}),
    ("Intercom", {"region": ".au"}, "https://app.au.intercom.com/oauth", {}),
    ("Shopify", {"sign_in": "person", "shop": "acme"}, "https://acme.myshopify.com/admin/oauth/authorize", {"scope": "read_customers,write_customers"}),
    ("Microsoft Graph", {"tenant": "acme.org"}, "https://login.microsoftonline.com/acme.org/oauth2/v2.0/authorize", {"scope": "offline_access User.Read Contacts.ReadWrite"}),
    ("Slack", {}, "https://slack.com/oauth/v2/authorize", {"scope": "users:read,users:read.email"}),
    ("GitHub", {"sign_in": "person"}, "https://github.com/login/oauth/authorize", {}),
    ("Jira", {"sign_in": "person"}, "https://auth.atlassian.com/authorize", {"audience": "api.atlassian.com", "prompt": "consent"}),
    ("Linear", {"sign_in": "person"}, "https://linear.app/oauth/authorize", {"scope": "read,write", "actor": "app"}),
    ("Airtable", {}, "https://airtable.com/oauth2/v1/authorize", {"code_challenge_method": "S256"}),
    ("Notion", {}, "https://api.notion.com/v1/oauth/authorize", {"owner": "user"}),
    ("BambooHR", {"sign_in": "person", "company": "acme"}, "https://acme.bamboohr.com/authorize.php", {"request": "authorize"}),
    ("Zoho CRM", {"domain": "eu"}, "https://accounts.zoho.eu/oauth/v2/auth", {"access_type": "offline", "prompt": "consent"}),
    ("QuickBooks", {}, "https://appcenter.intuit.com/connect/oauth2", {"scope": "com.intuit.quickbooks.accounting"}),
    ("Xero", {}, "https://login.xero.com/identity/connect/authorize", {"scope": "offline_access accounting.contacts"}),
    ("Mailchimp", {"sign_in": "person"}, "https://login.mailchimp.com/oauth2/authorize", {}),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "config", "page", "asked"), ASKED)
def test_where_a_person_signs_in(provider: str, config: dict[str, str], page: str, asked: dict[str, str]) -> None:
    url = Consent(made(provider), {**APP, **config}, SECRET, redirect_uri=BACK).begin().url
    assert url.partition("?")[0] == page
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked.items() <= query.items()
    assert (query["client_id"], query["redirect_uri"]) == ("hub", BACK)


@pytest.mark.parametrize(
    ("provider", "config", "secrets"),
    [
        ("Salesforce", {**APP, "sign_in": "key", "username": "k@a.org"}, {"private_key": PEM}),
        ("Salesforce", {**APP, "sign_in": "app"}, SECRET),
        ("Zendesk", {**APP, "sign_in": "app", "subdomain": "acme"}, SECRET),
        ("Shopify", {**APP, "sign_in": "app", "shop": "acme"}, SECRET),
        ("Microsoft Graph", {**APP, "sign_in": "app", "tenant": "t1"}, SECRET),
        ("GitHub", {**APP, "sign_in": "installation", "installation": "42"}, {"private_key": PEM}),
    ],
)
def test_accounts_that_need_nobody_to_sign_in(provider: str, config: dict[str, str], secrets: dict[str, str]) -> None:
    """Access is bought at the first call: until then there is nothing to prove."""
    caller = Client(made(provider), config, secrets)._caller
    assert caller.credentials.headers == {} and caller.manifest.auth.oauth is not None
    assert caller.manifest.auth.oauth.alone


def test_what_only_some_ways_need_is_demanded_of_them_alone() -> None:
    mailchimp = made("Mailchimp")
    assert [mailchimp.chosen({"sign_in": way}).config["dc"].required for way in ("key", "person")] == [True, False]
    assert [mailchimp.chosen({"sign_in": way}).config["dc"].captured for way in ("key", "person")] == [False, True]
    assert not mailchimp.config["dc"].required and not mailchimp.config["dc"].captured
    assert made("Xero").config["tenant"].captured and made("Jira").config["cloud_id"].captured
    shopify = made("Shopify")
    assert [shopify.chosen({"sign_in": way}).secrets["access_token"].required for way in ("key", "person")] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("name", "value"), [("accounts_server", "https://accounts.zoho.eu"), ("api_domain", "https://www.zohoapis.com.au")]
)
def test_zoho_is_followed_to_its_own_hosts_only(name: str, value: str) -> None:
    oauth = made("Zoho CRM").auth.oauth
    assert oauth is not None and re.fullmatch(oauth.capture[name].pattern, value)
    for bad in (f"{value}.evil.org", "https://evil.org", value.replace("https", "http"), f"https://evil.org/{value}"):
        assert not re.fullmatch(oauth.capture[name].pattern, bad)
