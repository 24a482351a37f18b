"""The address that an account's provider sends its deliveries to, and whether the provider can reach it."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

from .models import Account


def address_of(account: Account) -> str:
    return settings.PUBLIC_ADDRESS.rstrip("/") + reverse("hook", args=[account.webhook_token])


def why_not_reachable(account: Account) -> str:
    """ "" where it may be reached. A provider on this network reaches a local address too."""
    if account.allow_private or not is_local(settings.PUBLIC_ADDRESS):
        return ""
    return (
        f"the hub's address is {settings.PUBLIC_ADDRESS}, which the provider cannot reach: set CONCORD_ADDRESS to the"
        " https address that the hub has on the internet"
    )


def is_local(address: str) -> bool:
    host = (urlsplit(address).hostname or "").rstrip(".").lower()
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".local", ".localhost", ".internal", ".test", ".lan", ".home.arpa"))
