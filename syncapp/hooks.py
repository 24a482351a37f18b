"""The webhook door, the only view without a login: cap, verify the raw bytes, store, answer."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from .connectors import webhook
from .connectors.errors import Malformed, ManifestError, Misconfigured
from .connectors.handshakes import Challenge
from .connectors.hookspec import WebhookSpec
from .connectors.proofs import knows
from .connectors.signatures import BadSignature
from .connectors.webhook import Told
from .facts import manifest_of
from .hooksecrets import keep_first, webhook_secrets
from .models import Account
from .receive import HINT_PAUSE, count, fully_hinted, poll_soon, receive
from .secrets import SecretProblem
from .sequences import missed

LARGEST_BODY = 1024 * 1024
CHUNK = 64 * 1024
# A secret that is shorter is as good as none, and may be a part of any word.
SHORTEST, HIDDEN = 4, b"***"
# Kept beside the body, because the id of a delivery may stand in a header; never the signature.
ALWAYS_KEPT = ("content-type",)


class Refused(Exception):
    """What to answer, and under which reason to count it."""

    def __init__(self, status: int, reason: str, said: str) -> None:
        self.status, self.reason, self.said = status, reason, said
        super().__init__(said)


@dataclass(frozen=True, slots=True)
class Knock:
    """A delivery at the door. Its secrets are read once."""

    account: Account
    spec: WebhookSpec
    request: HttpRequest
    headers: Mapping[str, str]
    secrets: Sequence[str]

    @property
    def method(self) -> str:
        return self.request.method or ""

    @property
    def urls(self) -> list[str]:
        """Behind a proxy nobody but the setting knows the address that the sender sees."""
        public = settings.PUBLIC_ADDRESS.rstrip("/") + self.request.get_full_path()
        return [public, self.request.build_absolute_uri()]


@csrf_exempt
def hook(request: HttpRequest, token: str) -> HttpResponse:
    begun = time.monotonic()
    account = _account(token)
    if account is None:
        return _answer(404, "there is no such address")
    try:
        spec = _spec(account)
        answer = _receive(request, account, spec)
    except Refused as refused:
        count(account, refused.reason, refused.said)
        return _answer(refused.status, refused.said)
    taken = time.monotonic() - begun
    if taken > spec.answer.within:
        count(account, "slow", f"it took {taken:.1f} s, and the provider waits {spec.answer.within:g} s")
    return answer


def _account(token: str) -> Account | None:
    """As it is now. In words of our own: to put Django's together took half of what a delivery costs."""
    return next(iter(Account.objects.raw("SELECT * FROM syncapp_account WHERE webhook_token = %s", [token])), None)


def _receive(request: HttpRequest, account: Account, spec: WebhookSpec) -> HttpResponse:
    headers = {name.lower(): value for name, value in request.headers.items()}
    knock = Knock(account, spec, request, headers, _secrets(account))
    greeting = _greeted(knock, b"", verified=False)
    if greeting is not None:
        return greeting
    if request.method != "POST":
        raise Refused(405, "method", f"{request.method} is not accepted; deliveries come by POST")
    body = _capped_body(request)
    greeting = _greeted(knock, body, verified=False)
    if greeting is not None:
        return greeting
    _verify(knock, body)
    return _greeted(knock, body, verified=True) or _store(knock, body)


def _spec(account: Account) -> WebhookSpec:
    try:
        spec = manifest_of(account).webhook
    except (ManifestError, Misconfigured) as error:
        raise Refused(503, "provider", str(error)) from None
    if spec is None:
        raise Refused(404, "no_webhooks", "this provider sends no webhooks that the hub knows")
    return spec


def _secrets(account: Account) -> Sequence[str]:
    try:
        return webhook_secrets(account)
    except SecretProblem as error:
        raise _unverifiable(account, error) from None


def _unverifiable(account: Account, error: Exception) -> Refused:
    """The sentence is for the account's page; the sender learns nothing about our secrets."""
    count(account, "secret_problem", str(error))
    return Refused(401, "no_secret", "the delivery cannot be verified")


def _greeted(knock: Knock, body: bytes, *, verified: bool) -> HttpResponse | None:
    """A handshake is answered, and a secret that it tells is kept, if none was known before."""
    found = webhook.challenge(
        knock.spec, knock.method, knock.request.GET.dict(), knock.headers, body, verified=verified
    )
    if found is None:
        return None
    if found.keep and not keep_first(knock.account, found.keep):
        raise Refused(
            401, "secret_refused", "a secret was told again; the one that is known stays until it is taken away"
        )
    return _handshake(found)


def _handshake(found: Challenge) -> HttpResponse:
    return HttpResponse(found.body, status=found.status, content_type=found.content_type, headers=dict(found.headers))


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


def _verify(knock: Knock, body: bytes) -> None:
    spec, now = knock.spec.signature, time.time() + settings.CLOCK_OFFSET
    if not knock.secrets and spec.scheme not in ("address", "none"):
        raise Refused(401, "no_secret", "the account has no webhook secret to verify deliveries with")
    if spec.scheme == "none" and fully_hinted(knock.account, spec.limit):
        said = f"more than {spec.limit} a minute that nothing proves; the next delta sync looks"
        raise Refused(429, "hints_capped", said)
    try:
        query = knock.request.GET.dict()
        webhook.verify(knock.spec, knock.secrets, knock.method, knock.urls, knock.headers, body, now, query)
    except BadSignature as error:
        raise Refused(401, f"signature_{error.reason}", str(error)) from None
    except Misconfigured as error:
        raise _unverifiable(knock.account, error) from None


def _store(knock: Knock, body: bytes) -> HttpResponse:
    account = knock.account
    told = _told(knock, body)
    _note(account, told)
    if told.sequence is not None and missed(account, *told.sequence):
        poll_soon(account, "*", "deliveries are missing: their numbers leave a gap")
    if not told.events:
        if not (told.unknown or told.faults or told.refused):
            count(account, "ignored", "nothing in it concerns the hub")
        return _taken(knock.spec, "nothing in it concerns the hub")
    kept = {name: knock.headers[name] for name in (*ALWAYS_KEPT, *knock.spec.kept_headers()) if name in knock.headers}
    how = knock.spec.signature
    pause = 0.0 if how.proves else HINT_PAUSE
    fresh = receive(account, told.events, _without_secret(knock, body), kept, picked=how.by_item, pause=pause)
    return _taken(knock.spec, "accepted" if fresh else "known already")


def _without_secret(knock: Knock, body: bytes) -> bytes:
    """Where the body repeats the secret itself, it has done its duty, and is not kept in the clear."""
    if knock.spec.signature.scheme != "token":
        return body
    for secret in knock.secrets:
        body = body.replace(secret.encode(), HIDDEN) if len(secret) >= SHORTEST else body
    return body


def _told(knock: Knock, body: bytes) -> Told:
    try:
        believes = partial(knows, secrets=knock.secrets)
        return webhook.told(knock.spec, body, knock.headers, believes)
    except Malformed as error:
        # Verified, and yet nothing that its file describes: sent again it would be the same.
        raise Refused(400 if error.where == "webhook body" else 202, "unreadable", str(error)) from None


def _note(account: Account, told: Told) -> None:
    """What could not be read is counted, and a delta sync looks at once at what it may have been about."""
    for reason, sentences in (("unknown_event", told.unknown), ("malformed_event", told.faults)):
        if sentences:
            count(account, reason, sentences[0], len(sentences))
    if told.refused:
        count(account, "item_refused", "it does not repeat the token of this account", told.refused)
    for object_slug in sorted(told.unread):
        poll_soon(account, object_slug, "an event did not say which record it is about")


def _taken(spec: WebhookSpec, said: str) -> HttpResponse:
    if spec.answer.body is None:
        return _answer(spec.answer.status, said)
    return HttpResponse(spec.answer.body, status=spec.answer.status, content_type="text/plain; charset=utf-8")


def _answer(status: int, said: str) -> HttpResponse:
    return JsonResponse({"detail": said}, status=status)
