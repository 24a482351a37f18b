"""The webhook sections on the docs page: each is accepted, and reads what its provider is documented to send."""

# ruff: noqa: E501  (tables are read by the line)
from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
import yaml

from syncapp.connectors import webhook
from syncapp.connectors.hookspec import WebhookSpec
from syncapp.connectors.manifest import parse
from syncapp.connectors.signatures import BadSignature
from tests.connectors.shapes import bent
from tests.connectors.test_signatures import VECTORS
from tests.habits.tree import PROJECT

PAGE = (PROJECT / "docs/manifest/webhooks-by-provider.md").read_text()
BLOCKS = dict(re.findall(r"^### (.+)\n(?:(?!#|```).*\n)*```yaml\n([\s\S]*?)^```", PAGE, re.MULTILINE))
TWENTY = {
    "HubSpot", "Stripe", "Pipedrive", "Zendesk", "Intercom", "Shopify", "Microsoft Graph", "Slack", "GitHub", "Jira", "Linear",
    "Airtable", "Notion", "BambooHR", "Zoho CRM", "QuickBooks", "Xero", "Chargebee", "Mailchimp",
}  # fmt: skip
CONFIG = {name: {"label": name} for name in ("server", "owner", "repository", "jql", "base", "list")}
LIFE_CYCLE = {"subscriptionId": "s1", "lifecycleEvent": "missed", "clientState": "x"}

# provider, headers, body, what is read: (object, record, kind)
TOLD: list[tuple[str, dict[str, str], Any, list[tuple[str, str, str]]]] = [
    ("HubSpot", {}, [
        {"eventId": 1, "subscriptionId": 25, "portalId": 33, "appId": 1160452, "occurredAt": 1462216307945, "subscriptionType": "contact.propertyChange", "attemptNumber": 0, "objectId": 123, "propertyName": "email", "propertyValue": "x", "changeSource": "CRM_UI", "sourceId": "userId:514"},
        {"eventId": 2, "subscriptionId": 26, "occurredAt": 1462216307946, "subscriptionType": "contact.merge", "primaryObjectId": 5, "mergedObjectIds": [6, 7], "newObjectId": 9},
        {"eventId": 3, "subscriptionId": 26, "occurredAt": 1462216307946, "subscriptionType": "contact.merge", "primaryObjectId": 5, "mergedObjectIds": [6]},
    ], [("contacts", "123", "updated"), ("contacts", "9", "merged"), ("contacts", "5", "merged")]),
    ("Stripe", {}, {"id": "evt_1", "object": "event", "created": 1600000000, "type": "customer.updated", "request": {"id": "req_1", "idempotency_key": "hub:1"}, "data": {"object": {"id": "cus_1", "email": "a@x.org"}, "previous_attributes": {"email": "b@x.org"}}},
     [("customers", "cus_1", "updated")]),
    ("Pipedrive", {}, {"meta": {"action": "delete", "entity": "person", "entity_id": "12", "id": "u-1", "change_source": "api", "user_id": "4", "timestamp": "2026-01-31T18:42:00Z"}, "data": None, "previous": {"name": "A"}},
     [("persons", "12", "deleted")]),
    ("Zendesk", {"X-Zendesk-Webhook-Invocation-Id": "inv-1"}, {"type": "zen:event-type:user.created", "account_id": 1, "id": "01H", "time": "2026-01-31T18:42:00Z", "subject": "zen:user:35436", "detail": {"id": "35436"}},
     [("users", "35436", "created")]),
    ("Intercom", {}, {"type": "notification_event", "id": "notif_1", "topic": "contact.user.updated", "created_at": 1600000000, "data": {"item": {"id": "c1"}}}, [("contacts", "c1", "updated")]),
    ("Intercom", {}, {"type": "notification_event", "topic": "ping", "data": {"item": {"type": "ping"}}}, []),
    ("Shopify", {"X-Shopify-Topic": "customers/update", "X-Shopify-Webhook-Id": "w1", "X-Shopify-Triggered-At": "2026-01-31T18:42:00.1Z"}, {"id": 7012, "email": "a@x.org"}, [("customers", "7012", "updated")]),
    ("Microsoft Graph", {}, {"value": [
        {"subscriptionId": "s1", "clientState": "x", "changeType": "updated", "resource": "Users/1/Contacts/AAMk", "resourceData": {"@odata.type": "#Microsoft.Graph.Contact", "@odata.id": "u", "@odata.etag": 'W/"1"', "id": "AAMk"}},
        LIFE_CYCLE, {**LIFE_CYCLE, "lifecycleEvent": "subscriptionRemoved"}, {**LIFE_CYCLE, "lifecycleEvent": "reauthorizationRequired"},
    ]}, [("contacts", "AAMk", "updated"), ("*", "", "poll"), ("*", "", "lost"), ("*", "", "expiring")]),
    ("Slack", {}, {"type": "event_callback", "team_id": "T", "event": {"type": "user_change", "user": {"id": "U1"}, "event_ts": "1.1"}, "event_id": "Ev1", "event_time": 1600000000}, [("users", "U1", "updated")]),
    ("Slack", {}, {"type": "event_callback", "event": {"type": "message", "subtype": "channel_topic", "user": "U1", "channel": "C1"}, "event_id": "Ev2", "event_time": 1600000000}, [("conversations", "C1", "updated")]),
    ("Slack", {}, {"type": "event_callback", "event": {"type": "channel_created", "channel": {"id": "C2", "name": "x"}}, "event_id": "Ev3", "event_time": 1600000000}, [("conversations", "C2", "created")]),
    ("Slack", {}, {"type": "app_rate_limited", "minute_rate_limited": 1}, [("*", "", "poll")]),
    ("GitHub", {"X-GitHub-Event": "issues", "X-GitHub-Delivery": "g1"}, {"action": "edited", "issue": {"number": 5, "updated_at": "2026-01-31T18:42:00Z"}, "sender": {"login": "hub[bot]", "type": "Bot"}}, [("issues", "5", "updated")]),
    ("GitHub", {"X-GitHub-Event": "ping", "X-GitHub-Delivery": "g2"}, {"zen": "z", "hook_id": 1}, []),
    ("Jira", {"X-Atlassian-Webhook-Identifier": "j1"}, {"timestamp": 1600000000000, "webhookEvent": "jira:issue_updated", "user": {"accountId": "a1"}, "issue": {"id": "10001", "key": "A-1"}}, [("issues", "10001", "updated")]),
    ("Linear", {"Linear-Delivery": "l1"}, {"action": "remove", "type": "Issue", "createdAt": "2026-01-31T18:42:00.000Z", "data": {"id": "uuid"}, "actor": {"id": "u", "type": "user"}, "webhookTimestamp": 1}, [("issues", "uuid", "deleted")]),
    ("Airtable", {}, {"base": {"id": "app1"}, "webhook": {"id": "ach1"}, "timestamp": "2026-01-01T00:00:00.000Z"}, [("*", "", "poll")]),
    ("Notion", {}, {"id": "n1", "timestamp": "2026-01-31T18:42:00.000Z", "type": "page.properties_updated", "authors": [{"id": "b", "type": "bot"}], "entity": {"id": "p1", "type": "page"}, "attempt_number": 1}, [("pages", "p1", "updated")]),
    ("BambooHR", {}, {"employees": [{"id": "7", "action": "Updated", "timestamp": "2026-01-31T18:42:00+0000", "changedFields": ["First Name"], "fields": {}}, {"id": "8", "action": "Created", "timestamp": "2026-01-31T18:42:00+0000", "changedFields": []}]},
     [("employees", "7", "updated"), ("employees", "8", "created")]),
    ("BambooHR", {}, {"type": "employee.deleted", "timestamp": "2026-01-31T18:42:00+0000", "data": {"companyId": "c", "employeeId": "9", "changedFields": []}}, [("employees", "9", "deleted")]),
    ("Zoho CRM", {}, {"server_time": 1600000000000, "module": "Contacts", "ids": ["5725767000000524001", "5725767000000524002"], "operation": "update", "channel_id": "1", "token": "x"}, [("contacts", "5725767000000524001", "updated"), ("contacts", "5725767000000524002", "updated")]),
    ("Zoho CRM", {}, {"server_time": 1600000000009, "module": "Contacts", "ids": ["5725767000000524001"], "operation": "delete", "channel_id": "1", "token": "x"}, [("contacts", "5725767000000524001", "deleted")]),
    ("QuickBooks", {}, {"eventNotifications": [{"realmId": "1", "dataChangeEvent": {"entities": [{"name": "Customer", "id": "42", "operation": "Update", "lastUpdated": "2026-01-31T18:42:00Z"}, {"name": "Customer", "id": "43", "operation": "Merge", "lastUpdated": "2026-01-31T18:42:00Z", "deletedId": "44"}]}}]}, [("customers", "42", "updated"), ("*", "", "poll")]),
    ("QuickBooks", {}, {"eventNotifications": []}, []),
    ("QuickBooks", {}, [{"specversion": "1.0", "id": "ce1", "source": "intuit", "type": "qbo.customer.updated.v1", "time": "2026-01-31T18:42:00Z", "intuitentityid": "42", "intuitaccountid": "1", "data": {}}], [("customers", "42", "updated")]),
    ("QuickBooks", {}, [{"id": "ce3", "type": "qbo.customer.created.v1", "time": "2026-01-31T18:42:00Z", "intuitentityid": "1"}, {"id": "ce2", "type": "qbo.customer.deleted.v1", "time": "2026-01-31T18:42:00Z", "intuitentityid": "2"}], [("customers", "1", "created"), ("customers", "2", "deleted")]),
    ("Xero", {}, {"events": [{"resourceUrl": "u", "resourceId": "r1", "eventDateUtc": "2026-05-30T00:44:09.923", "eventType": "UPDATE", "eventCategory": "CONTACT", "tenantId": "t"}], "firstEventSequence": 4, "lastEventSequence": 4, "entropy": "e"}, [("contacts", "r1", "updated")]),
    ("Chargebee", {}, {"id": "ev_1", "occurred_at": 1600000000, "source": "api", "user": "full_access_key", "event_type": "customer_changed", "content": {"customer": {"id": "c1", "resource_version": 1600000000000}}}, [("customers", "c1", "updated")]),
    ("Mailchimp", {}, b"type=profile&fired_at=2026-03-26+21%3A35%3A57&data%5Bid%5D=8a25&data%5Bemail%5D=a%40x.org&data%5Bmerges%5D%5BFNAME%5D=Ann", [("members", "", "poll")]),
]  # fmt: skip


def section(name: str) -> WebhookSpec:
    raw = yaml.safe_load(BLOCKS[name])
    objects = {entry["object"] for entry in raw["webhook"]["events"]["types"].values()} - {"*"} or {"records"}
    base = bent()
    base["config"] = CONFIG
    [people] = base["objects"].values()
    base |= {"objects": dict.fromkeys(sorted(objects), people), **raw}
    found = parse(yaml.safe_dump(base, sort_keys=False), f"{name}.yaml").webhook
    assert found is not None
    return found


def test_the_page_has_all_of_them() -> None:
    assert set(BLOCKS) == TWENTY
    assert {told[0] for told in TOLD} == TWENTY
    assert "### Salesforce" in PAGE


@pytest.mark.parametrize(("name", "headers", "body", "wanted"), TOLD, ids=[told[0] for told in TOLD])
def test_what_a_provider_sends_is_read(name: str, headers: dict[str, str], body: Any, wanted: Any) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    found = webhook.told(section(name), content, headers)
    assert [(event.object, event.record_id, event.kind) for event in found.events] == wanted
    assert (found.faults, found.unknown) == ([], [])


@pytest.mark.parametrize("name", sorted(TWENTY))
def test_equal_deliveries_have_equal_ids_and_different_ones_do_not(name: str) -> None:
    bodies = [(told[1], told[2]) for told in TOLD if told[0] == name and told[3]]
    spec = section(name)

    def ids() -> list[str]:
        return [
            event.id
            for headers, body in bodies
            for event in webhook.told(
                spec, body if isinstance(body, bytes) else json.dumps(body).encode(), headers
            ).events
        ]

    assert ids() == ids()
    assert len(set(ids())) == len(ids())


def test_the_ids_of_a_merge_at_hubspot() -> None:
    body = next(told[2] for told in TOLD if told[0] == "HubSpot")
    events = webhook.told(section("HubSpot"), json.dumps(body).encode(), {}).events
    assert [event.merged for event in events] == [(), ("6", "7", "5"), ("6",)]
    again = [{**one, "attemptNumber": 3} for one in body]
    told = webhook.told(section("HubSpot"), json.dumps(again).encode(), {}).events
    assert [event.id for event in told] == [event.id for event in events], "an attempt is no event of its own"


def test_xero_counts_its_deliveries_in_utc() -> None:
    body = next(told[2] for told in TOLD if told[0] == "Xero")
    found = webhook.told(section("Xero"), json.dumps(body).encode(), {})
    assert found.sequence == (4, 4)
    assert str(found.events[0].occurred_at) == "2026-05-30 00:44:09.923000+00:00"


@pytest.mark.parametrize("name", sorted(TWENTY))
def test_answers_are_in_time_and_a_person_is_told_what_the_hub_cannot_do(name: str) -> None:
    spec = section(name)
    assert 0 < spec.answer.within <= 60 and 200 <= spec.answer.status < 300
    assert bool(spec.setup) == (spec.subscription is None)


PUBLISHED = {
    "github": "GitHub", "stripe": "Stripe", "shopify": "Shopify", "hubspot v3": "HubSpot", "slack": "Slack", "notion": "Notion",
    "intercom": "Intercom", "zendesk": "Zendesk", "linear": "Linear", "airtable": "Airtable", "bamboohr": "BambooHR",
    "xero": "Xero", "quickbooks": "QuickBooks",
}  # fmt: skip


@pytest.mark.parametrize("vector", [one for one in VECTORS if one[0] in PUBLISHED], ids=lambda one: one[0])
def test_the_published_vectors_fit_the_sections(vector: Any) -> None:
    name, _, secret, method, url, headers, body, now = vector
    spec, now = section(PUBLISHED[name]), 1_700_000_000 if name == "linear" else now
    webhook.verify(spec, [secret], method, url, headers, body, now)
    with pytest.raises(BadSignature):
        webhook.verify(spec, [secret], method, url, headers, body + b"\n", now)
    with pytest.raises(BadSignature):
        webhook.verify(spec, [base64.b64encode(b"another one").decode()], method, url, headers, body, now)
    assert {one[0] for one in VECTORS} - set(PUBLISHED) == {
        "standard",
        "svix",
        "hubspot v1",
        "hubspot v2 GET",
        "hubspot v2 POST",
    }
