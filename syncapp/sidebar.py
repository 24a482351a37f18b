"""The look that all pages share: sidebar, styles and scripts, for unfold's settings."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

SEE = "syncapp.access.may_see"
ADMINISTER = "syncapp.access.may_administer"


def style(_: HttpRequest) -> str:
    return static("concord/concord.css")


def script(_: HttpRequest) -> str:
    return static("concord/concord.js")


def icon(_: HttpRequest) -> str:
    return static("concord/icon.svg")


def _item(title: str, icon: str, link: str, permission: str, **more: Any) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(link), "permission": permission, **more}


def _rows(title: str, icon: str, model: str) -> dict[str, Any]:
    return _item(title, icon, f"admin:{model}_changelist", ADMINISTER)


def at_home(request: HttpRequest) -> bool:
    """Every address begins with that of the home page, so unfold's own test would light it up everywhere."""
    return request.path == "/"


NAVIGATION = [
    {
        "items": [
            _item("Home", "home", "home", SEE, active=at_home),
            _item("Review", "rule", "review:queue", SEE, badge="review.queue.badge"),
            _item("Records", "contacts", "records", SEE),
            _item("Plans", "fact_check", "plans", SEE),
            _item("Brakes", "front_hand", "brakes", SEE),
        ]
    },
    {
        "title": "What is kept in step",
        "separator": True,
        "items": [
            _item("Syncs", "sync_alt", "syncs", ADMINISTER),
            _rows("Policies", "gavel", "policies_policyset"),
            _item("Accounts", "hub", "accounts", ADMINISTER),
            _rows("Feeds", "rss_feed", "syncapp_feed"),
        ],
    },
    {
        "title": "What happened",
        "separator": True,
        "items": [
            _rows("Ledger", "receipt_long", "syncapp_ledger"),
            _rows("Runs", "play_circle", "syncapp_run"),
            _rows("Inbox", "inbox", "syncapp_delivery"),
            _rows("Outbox", "outbox", "syncapp_push"),
            _rows("Questions", "help", "syncapp_conflict"),
            _item("Queues", "list_alt", "django_rq:home", ADMINISTER),
        ],
    },
    {
        "title": "People",
        "separator": True,
        "items": [_rows("People", "person", "auth_user"), _rows("Teams", "group", "auth_group")],
    },
]

LOOK = {
    "SITE_TITLE": "Concord",
    "SITE_HEADER": "Concord",
    "SITE_SYMBOL": "sync_alt",
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": icon}],
    "STYLES": [style],
    "SCRIPTS": [script],
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": NAVIGATION},
}
