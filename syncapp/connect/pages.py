"""The first pages of connecting: the accounts there are, the providers, sign in, and the test."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from syncapp.access import ADMINISTER, needs
from syncapp.apply.file import ApplyError
from syncapp.connectors import registry
from syncapp.connectors.authspec import WAY
from syncapp.connectors.spec import Manifest
from syncapp.facts import manifest_of
from syncapp.models import Account
from syncapp.shell import is_partial, shell
from syncapp.signin import redirect_uri, signin_state
from syncapp.words import sentence

from .cards import card_of, cards
from .credentials import Moved, NotTaken, change, connect, place_of, seen, stored_names
from .form import AccountForm
from .interactive import grant_of, signs_in
from .listed import listed
from .meant import meant, remember
from .tried import findings, try_account

PLACE = "Accounts"


def account_or_404(slug: str) -> Account:
    account = Account.objects.filter(slug=slug).first()
    if account is None:
        raise Http404("There is no such account. The page of accounts lists them.")
    return account


@needs(ADMINISTER)
@require_GET
def accounts(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/list.html", shell(request, PLACE, rows=listed()))


@needs(ADMINISTER)
@require_GET
def providers(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("q", "").replace("\0", "").strip()
    told = {"cards": cards(wanted), "wanted": wanted, "meant": meant(request)}
    if is_partial(request):
        return render(request, "accounts/_cards.html", told)
    return render(request, "accounts/providers.html", shell(request, "Choose a provider", place=PLACE, **told))


def _manifest(slug: str) -> Manifest:
    folders = tuple(settings.PROVIDER_FOLDERS)
    if slug not in registry.files(folders):
        raise Http404("There is no such provider. The page of providers lists them.")
    return registry.load(slug, folders)


@needs(ADMINISTER)
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, provider: str) -> HttpResponse:
    """Step 2 for a new account: kept, and tested at once."""
    manifest = _manifest(provider)
    form = AccountForm(manifest, None, data=request.POST or None)
    if form.is_valid():
        try:
            account = connect(provider, form.given())
        except ApplyError as error:
            form.point_at(place_of(error), sentence(error.message))
        else:
            remember(request, account)
            return _next(request, account)
    return _form_page(request, f"Connect {manifest.name}", form, manifest, meant=meant(request))


def _next(request: HttpRequest, account: Account) -> HttpResponse:
    """A person signs in at the provider where that is the way; else it is tested at once."""
    if signs_in(account) and not signin_state(account).signed_in:
        return redirect("signin", account.slug)
    try_account(account, request.user.get_username())
    return redirect("account_test", account.slug)


@needs(ADMINISTER)
@require_http_methods(["GET", "POST"])
def credentials(request: HttpRequest, slug: str) -> HttpResponse:
    """Address and credentials of an account that is there: tested before they take the place of the old ones."""
    account = account_or_404(slug)
    manifest = manifest_of(account)
    form = AccountForm(manifest, account, stored_names(account), request.POST or None)
    problem, status, down = "", 422, False
    if form.is_valid():
        problem, status, down = _changed(request, account, form)
        if not problem and not form.errors:
            return _next(request, account)
    shown = request.POST.get("seen") or seen(account)
    told = {"account": account, "seen": shown, "problem": problem, "may_force": status == 424, "down": down}
    return _form_page(request, f"Address and credentials of {account.name}", form, manifest, status, **told)


def _changed(request: HttpRequest, account: Account, form: AccountForm) -> tuple[str, int, bool]:
    """What stands in the way, or "" when it is stored; and whether no answer came at all."""
    by, untested = request.user.get_username(), "untested" in request.POST
    try:
        change(account, form.given(), request.POST.get("seen", ""), by, untested=untested)
    except Moved as moved:
        return sentence(f"Nothing was changed: {moved}"), 409, False
    except NotTaken as refused:
        said = f"Nothing was changed, and the old credentials stay. The test said: {sentence(str(refused))}"
        return said, 424, not refused.found.reachable
    except ApplyError as error:
        form.point_at(place_of(error), sentence(error.message))
        return "", 422, False
    account.refresh_from_db()
    messages.success(request, f"The new address and credentials of {account.name} are stored.")
    return "", 200, False


def _form_page(
    request: HttpRequest, title: str, form: AccountForm, manifest: Manifest, status: int = 422, **more: Any
) -> HttpResponse:
    grant = next((found for way in manifest.ways or [""] if (found := grant_of(manifest, {WAY: way}))), None)
    told = shell(request, title, place=PLACE, form=form, card=card_of(manifest), grant=grant, **more)
    told["redirect_uri"] = redirect_uri() if grant is not None else ""
    return render(request, "accounts/signin.html", told, status=status if request.method == "POST" else 200)


@needs(ADMINISTER)
@require_http_methods(["GET", "POST"])
def test(request: HttpRequest, slug: str) -> HttpResponse:
    account = account_or_404(slug)
    if request.method == "POST":
        try_account(account, request.user.get_username())
        if not is_partial(request):
            return redirect("account_test", slug)
    found = findings(account)
    told = {
        "account": account,
        "findings": found,
        "signs_in": signs_in(account),
        "fine": all(one.tone != "bad" for one in found),
    }
    if is_partial(request):
        return render(request, "accounts/_findings.html", told)
    return render(request, "accounts/test.html", shell(request, f"Test of {account.name}", place=PLACE, **told))
