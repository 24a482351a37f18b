"""The pages of signing in at a provider: what it asks and why, the way there, the way back, and what it is for."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from .access import ADMINISTER, needs
from .connect.tried import try_account
from .connectors.consent import Choice
from .connectors.errors import ConnectorError, EgressDenied
from .facts import manifest_of
from .models import Account
from .secrets import SecretProblem
from .shell import shell
from .signin import NotYours, address_of, begin, choose, claim, end, reachable, redirect_uri, signin_state
from .words import sentence

FAILED = (ConnectorError, SecretProblem)
CHOICE = "choice"


@never_cache
@needs(ADMINISTER)
@require_http_methods(["GET", "POST"])
def signin(request: HttpRequest, slug: str) -> HttpResponse:
    account = _account(slug)
    if CHOICE in request.POST:
        return _choose(request, account, request.POST[CHOICE])
    if request.method == "POST":
        return _begin(request, account)
    return _page(request, account)


def _account(slug: str) -> Account:
    account = Account.objects.filter(slug=slug).first()
    if account is None:
        raise Http404("There is no such account. The page of accounts lists them.")
    return account


def _begin(request: HttpRequest, account: Account) -> HttpResponse:
    if not request.session.session_key:
        request.session.create()
    try:
        return _away(begin(account, str(request.session.session_key)))
    except FAILED as error:
        return _page(request, account, sentence(str(error)), 422)


def _away(url: str) -> HttpResponse:
    """Only to a web page: an address such as javascript: would run in the hub's name."""
    if not url.startswith(("https://", "http://")):
        raise EgressDenied("the provider's page for signing in has no web address", url.split("?")[0][:80], "https://")
    return HttpResponseRedirect(url)


@never_cache
@needs(ADMINISTER)
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    query = {name: str(value).replace("\0", "") for name, value in request.GET.items()}
    try:
        account, verifier = claim(query, str(request.session.session_key))
    except NotYours as error:
        return render(request, "problem.html", {"problem": sentence(str(error))}, status=400)
    try:
        chooses = end(account, query, verifier, request.user.get_username())
    except FAILED as error:
        messages.error(request, sentence(str(error)))
        return redirect("signin", account.slug)
    account.refresh_from_db()
    return _choose(request, account, None) if chooses else _tested(request, account)


def _choose(request: HttpRequest, account: Account, id: str | None) -> HttpResponse:
    try:
        if choose(account, id, request.user.get_username()):
            return redirect("signin", account.slug)
    except FAILED as error:
        messages.error(request, sentence(str(error)))
        return redirect("signin", account.slug)
    account.refresh_from_db()
    return _tested(request, account)


def _tested(request: HttpRequest, account: Account) -> HttpResponse:
    try_account(account, request.user.get_username())
    messages.success(request, f"{account.name} is signed in.")
    return redirect("account_test", account.slug)


def _page(request: HttpRequest, account: Account, problem: str = "", status: int = 200) -> HttpResponse:
    there = ""
    try:
        state = signin_state(account)
        there = address_of(account) if state.interactive else ""
    except FAILED as error:
        state, problem = None, problem or sentence(str(error))
    if state is not None and not state.interactive:
        raise Http404("Nobody signs in to this account in a browser. Its credentials are entered instead.")
    choosing = state is not None and bool(state.choice) and (not state.chosen or "choose" in request.GET)
    listed, problem = _listed(account, problem) if choosing else ([], problem)
    told = shell(
        request, f"Sign in to {account.name}", place="Accounts", account=account, state=state, problem=problem,
        provider=manifest_of(account).name, redirect_uri=redirect_uri(), choices=listed, choosing=choosing,
        elsewhere=settings.PUBLIC_ADDRESS if _is_elsewhere(request) else "",
    )  # fmt: skip
    return may_lead_to(there, render(request, "accounts/grant.html", told, status=status))


def _listed(account: Account, problem: str) -> tuple[list[Choice], str]:
    try:
        return reachable(account), problem
    except FAILED as error:
        return [], problem or sentence(str(error))


def may_lead_to(url: str, response: HttpResponse) -> HttpResponse:
    """A page whose form is answered by a redirect to the provider: browsers ask the policy of the page for that too."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https") and parts.netloc:
        response._csp_update = {"form-action": [f"{parts.scheme}://{parts.netloc}"]}  # type: ignore[attr-defined]
    return response


def _is_elsewhere(request: HttpRequest) -> bool:
    """The way back leads to the hub's own address, where a browser at another one is not signed in."""
    return urlsplit(settings.PUBLIC_ADDRESS).netloc not in ("", request.get_host())
