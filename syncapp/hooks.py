"""The webhook door, the only view without a login: cap, verify the raw bytes, store, answer."""

from __future__ import annotations

import time
from collections.abc import Mapping

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from .connectors import webhook
from .connectors.errors import Malformed, ManifestError, Misconfigured
from .connectors.hookspec import WebhookSpec
from .models import Account
from .receive import count, receive
from .remote import manifest_of
from .secrets import SecretProblem, secrets_of

LARGEST_BODY = 1024 * 1024
CHUNK = 64 * 1024
# Kept beside the body, because the id of a delivery may stand in a header; never the signature.
ALWAYS_KEPT = ("content-type",)


class Refused(Exception):
    """What to answer, and under which reason to count it."""

    def __init__(self, status: int, reason: str, said: str) -> None:
        self.status, self.reason, self.said = status, reason, said
        super().__init__(said)


@csrf_exempt
def hook(request: HttpRequest, token: str) -> HttpResponse:
    account = _account(token)
    if account is None:
        return _answer(404, "there is no such address")
    try:
        return _receive(request, account)
    except Refused as refused:
        count(account, refused.reason, refused.said)
        return _answer(refused.status, refused.said)


def _account(token: str) -> Account | None:
    """As it is now. In words of our own: to put Django's together took half of what a delivery costs."""
    return next(iter(Account.objects.raw("SELECT * FROM syncapp_account WHERE webhook_token = %s", [token])), None)


def _receive(request: HttpRequest, account: Account) -> HttpResponse:
    spec = _spec(account)
    headers = {name.lower(): value for name, value in request.headers.items()}
    greeting = webhook.challenge(spec, request.method or "", request.GET.dict(), headers, b"")
    if greeting is not None:
        return HttpResponse(greeting.body, status=greeting.status, content_type=greeting.content_type)
    if request.method != "POST":
        raise Refused(405, "method", f"{request.method} is not accepted; deliveries come by POST")
    body = _capped_body(request)
    _verify(account, spec, request, headers, body)
    _demand_json(body)
    greeting = webhook.challenge(spec, "POST", {}, headers, body)
    if greeting is not None:
        return HttpResponse(greeting.body, status=greeting.status, content_type=greeting.content_type)
    return _store(account, spec, headers, body)


def _spec(account: Account) -> WebhookSpec:
    try:
        spec = manifest_of(account).webhook
    except ManifestError as error:
        raise Refused(503, "provider", str(error)) from None
    if spec is None:
        raise Refused(404, "no_webhooks", "this provider sends no webhooks that the hub knows")
    return spec


def _capped_body(request: HttpRequest) -> bytes:
    """Read no more than the cap, whatever the request says about its length."""
    told = request.headers.get("Content-Length", "")
    if told.isdigit() and int(told) > LARGEST_BODY:
        raise _too_large()
    parts: list[bytes] = []
    size = 0
    while chunk := request.read(CHUNK):
        size += len(chunk)
        if size > LARGEST_BODY:
            raise _too_large()
        parts.append(chunk)
    return b"".join(parts)


def _too_large() -> Refused:
    return Refused(413, "too_large", f"the body is larger than {LARGEST_BODY} bytes")


def _verify(account: Account, spec: WebhookSpec, request: HttpRequest, headers: Mapping[str, str], body: bytes) -> None:
    try:
        known = secrets_of(account)
        # While a secret is changed, the old one may stand beside it under another name.
        given = [value for name, value in sorted(known.items()) if name.startswith("webhook") and value]
        if not given:
            raise Refused(401, "no_secret", "the account has no webhook secret to verify deliveries with")
        address = request.build_absolute_uri()
        now = time.time() + settings.CLOCK_OFFSET
        webhook.verify(spec, given, request.method or "", address, headers, body, now)
    except webhook.BadSignature as error:
        raise Refused(401, f"signature_{error.reason}", str(error)) from None
    except (Misconfigured, SecretProblem) as error:
        # The sentence is for the account's page; the sender learns nothing about our secrets.
        count(account, "secret_problem", str(error))
        raise Refused(401, "no_secret", "the delivery cannot be verified") from None


def _demand_json(body: bytes) -> None:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(400, "not_json", "the body is not JSON") from None


def _store(account: Account, spec: WebhookSpec, headers: Mapping[str, str], body: bytes) -> HttpResponse:
    try:
        events = webhook.events(spec, body, headers)
    except Malformed as error:
        # Verified, and of a kind that the hub does not know: the sender need not try again.
        raise Refused(202, "unknown_event", str(error)) from None
    if not events:
        raise Refused(202, "ignored", "nothing in it concerns the hub")
    kept = {name: headers[name] for name in (*ALWAYS_KEPT, spec.events.id_header.lower()) if name in headers}
    return _answer(202, "accepted" if receive(account, events, body, kept) else "known already")


def _answer(status: int, said: str) -> HttpResponse:
    return JsonResponse({"detail": said}, status=status)
