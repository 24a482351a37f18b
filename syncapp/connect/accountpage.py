"""The page of one account: health, feeds, pace, webhooks and deliveries, what it rewrites, and its removal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from syncapp.access import ADMINISTER, needs
from syncapp.apply.file import ApplyError
from syncapp.brakes import open_brakes
from syncapp.connectors.errors import ConnectorError
from syncapp.facts import manifest_of
from syncapp.hookaddress import address_of, why_not_reachable
from syncapp.hooksecrets import await_secret, told_secret
from syncapp.keyset import by_id
from syncapp.models import Account, Delivery, Feed
from syncapp.plan.waiting import previews
from syncapp.receive import look_again
from syncapp.secrets import SecretProblem
from syncapp.shell import shell
from syncapp.subscriptions import lines, proof, resubscribe, setup, unsubscribe
from syncapp.words import counted, sentence, words_of

from .cards import card_of
from .credentials import Moved, seen
from .interactive import signs_in
from .learned import declared, rewritten
from .listed import row_of
from .pages import PLACE, account_or_404
from .removal import Refused, outlook, remove
from .steering import feed_seen, steer, steer_feed
from .twosecrets import change_secret, drop_old, is_changing, secret_name

DELIVERIES = 25
LONGEST_REASON = 300


class Unclear(ValueError):
    """What cannot be used of a form, and what is accepted."""


@needs(ADMINISTER)
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest, slug: str) -> HttpResponse:
    row = account_or_404(slug)
    if request.method == "GET":
        return _page(request, row)
    deed = DEEDS.get(request.POST.get("do", ""))
    if deed is None:
        return _page(request, row, "Nothing was changed: the form did not say what to do.", 422)
    return _done(request, row, deed)


Deed = Callable[[HttpRequest, Account], str]


def _done(request: HttpRequest, row: Account, deed: Deed) -> HttpResponse:
    try:
        messages.success(request, deed(request, row))
    except Moved as moved:
        row.refresh_from_db()
        return _page(request, row, sentence(f"Nothing was changed: {moved}"), 409)
    except ApplyError as error:
        told = f"{error.message}{f'; accepted: {error.accepted}' if error.accepted else ''}"
        return _page(request, row, sentence(f"Nothing was changed: {told}"), 422)
    except (Unclear, SecretProblem) as error:
        return _page(request, row, sentence(f"Nothing was changed: {error}"), 422)
    return redirect("account", row.slug)


def _by(request: HttpRequest) -> str:
    return request.user.get_username()


def _reason(post: Mapping[str, str]) -> str:
    why = post.get("why", "").replace("\0", "").strip()
    if len(why) > LONGEST_REASON:
        raise Unclear(f"the reason has {len(why):,} characters; shorten it to {LONGEST_REASON} at most")
    return why


def _pause(request: HttpRequest, row: Account) -> str:
    why = _reason(request.POST) or f"paused by {_by(request)}"
    steer(row, request.POST.get("seen", ""), _by(request), paused=why)
    return f"{row.name} is paused: nothing new is read or written there; what is due waits."


def _resume(request: HttpRequest, row: Account) -> str:
    steer(row, request.POST.get("seen", ""), _by(request), paused="")
    return f"{row.name} goes on."


def _settings(request: HttpRequest, row: Account) -> str:
    post = request.POST
    told = {
        "direction": post.get("direction", ""),
        "write_budget": _whole(post.get("write_budget", "")),
        "quota_share": _share(post.get("quota_share", "")),
    }
    changed = steer(row, post.get("seen", ""), _by(request), **told)
    return f"Stored: {'; '.join(changed)}." if changed else "That is how it was already; nothing was changed."


def _whole(text: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isdecimal() or len(text) > 12 or not 0 < int(text) <= 1_000_000:
        raise Unclear(
            f"writes a minute: {text!r} cannot be used; accepted: a whole number from 1 to 1,000,000, or empty"
        )
    return int(text)


def _share(text: str) -> float:
    try:
        found = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise Unclear(f"share of the daily quota: {text!r} cannot be used; accepted: 0 to 100 %")
    return found


def _secret(request: HttpRequest, row: Account) -> str:
    name, fresh = secret_name(manifest_of(row)), request.POST.get("secret", "").strip()
    if not name or not fresh:
        raise Unclear("enter the new webhook secret, as the provider shows it")
    change_secret(row, name, fresh, request.POST.get("seen", ""), _by(request))
    return "Deliveries signed with the new secret are taken from now on, and those with the old one too."


def _drop(request: HttpRequest, row: Account) -> str:
    drop_old(row, secret_name(manifest_of(row)), request.POST.get("seen", ""), _by(request))
    return "Only deliveries signed with the new secret are taken from now on."


def _await(request: HttpRequest, row: Account) -> str:
    await_secret(row)
    return "The next handshake of the provider may tell a new secret."


def _resubscribe(request: HttpRequest, row: Account) -> str:
    number = resubscribe(row)
    return f"{counted(number, 'subscription')} made anew; what was missed meanwhile is read."


DEEDS: Mapping[str, Deed] = {
    "pause": _pause,
    "resume": _resume,
    "settings": _settings,
    "secret": _secret,
    "drop-secret": _drop,
    "await-secret": _await,
    "resubscribe": _resubscribe,
}


def _page(request: HttpRequest, row: Account, problem: str = "", status: int = 200) -> HttpResponse:
    feeds = list(row.feeds.select_related("account", "role__sync").order_by("role__sync__slug", "role__order"))
    told = {
        "account": row, "row": row_of(row, feeds, open_brakes()), "seen": seen(row), "problem": problem,
        "feeds": [(feed, feed_seen(feed)) for feed in feeds], "drafts": row.drafts.select_related("sync"),
        "waiting": [one for one in previews() if any(feed.account_id == row.pk for feed in one.feeds)],
        "directions": Account.Direction.choices, "rewritten": rewritten(feeds), "share": f"{row.quota_share * 100:g}",
        **_of_the_file(row, feeds), **_deliveries(row),
    }  # fmt: skip
    return render(request, "accounts/account.html", shell(request, row.name, place=PLACE, **told), status=status)


def _of_the_file(row: Account, feeds: list[Feed]) -> dict[str, Any]:
    """What the provider's file says; its trouble where it cannot be read."""
    try:
        manifest = manifest_of(row)
        card, name = card_of(manifest), secret_name(manifest)
        forms = declared(feeds, words_of({feed.role.sync_id for feed in feeds}))
    except (ConnectorError, LookupError) as error:
        return {"trouble": str(error)}
    told = {"card": card, "declared": forms, "secret": name, "signs_in": signs_in(row), "sql": manifest.sql}
    return told | (_hook(row, name) if manifest.webhook is not None else {})


def _hook(row: Account, name: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "hook": address_of(row),
        "unreachable": why_not_reachable(row),
        "proof": proof(row),
        "setup": setup(row),
    }
    told["subscriptions"] = lines(row)
    try:
        return told | {"changing": is_changing(row, name), "pasted": told_secret(row)}
    except SecretProblem as problem:
        return told | {"proof": sentence(str(problem))}


def _deliveries(row: Account) -> dict[str, Any]:
    counts = dict(row.deliveries.order_by().values_list("state").annotate(Count("pk")))
    labels = dict(Delivery.State.choices)
    return {
        "delivered": [(labels[state], number) for state, number in sorted(counts.items())],
        "tallies": row.tallies.order_by("reason"),
    }


@needs(ADMINISTER)
@require_GET
def deliveries(request: HttpRequest, slug: str) -> HttpResponse:
    row = account_or_404(slug)
    part = by_id(row.deliveries.defer("body", "headers"), request.GET.get("after", ""), DELIVERIES)
    told = {"account": row, "rows": part.rows, "next": part.next, **_deliveries(row)}
    return render(request, "accounts/deliveries.html", shell(request, f"Deliveries of {row.name}", place=PLACE, **told))


@needs(ADMINISTER)
@require_POST
def replay(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    row = account_or_404(slug)
    if look_again(row, pk):
        messages.success(
            request, "It is looked at once more: what it points to is read again, and judged as it is now."
        )
    else:
        messages.info(request, "It waits or is being looked at already; nothing was changed.")
    back = reverse("account_deliveries", args=[slug])
    return redirect(f"{back}?after={request.POST['after']}" if request.POST.get("after", "").isdecimal() else back)


@needs(ADMINISTER)
@require_POST
def feed(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    found = Feed.objects.filter(pk=pk, account__slug=slug).select_related("account", "role__sync").first()
    if found is None:
        raise Http404("There is no such feed. The page of the account lists them.")
    return _done(request, found.account, lambda request, _: _steered(request, found))


def _steered(request: HttpRequest, found: Feed) -> str:
    post = request.POST
    if post.get("do") == "resume":
        told: dict[str, Any] = {"paused": ""}
    elif post.get("do") == "pause":
        told = {"paused": _reason(post) or f"paused by {_by(request)}"}
    else:
        told = {
            "schedule": _seconds(post.get("every", ""), 1, 31_536_000),
            "settle_delay": _seconds(post.get("settle", ""), 0, 86_400),
        }
    changed = steer_feed(found, post.get("seen", ""), _by(request), **told)
    return f"Stored: {'; '.join(changed)}." if changed else "That is how it was already; nothing was changed."


def _seconds(text: str, low: float, high: float) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not low <= found <= high:
        raise Unclear(f"{text!r} seconds cannot be used; accepted: a number from {low:g} to {high:,.0f}")
    return found


@needs(ADMINISTER)
@require_http_methods(["GET", "POST"])
def removal(request: HttpRequest, slug: str) -> HttpResponse:
    row, problem, status = account_or_404(slug), "", 200
    if request.method == "POST":
        try:
            # While there are credentials: whoever is not heard any more should not be told either.
            for left in [] if outlook(row).blocked else unsubscribe(row):
                messages.warning(request, sentence(left))
            found = remove(row, request.POST.get("seen", ""), _by(request))
            messages.success(request, f"{row.name} is removed. {'' if found.forgets else 'Its links sleep.'}".strip())
            return redirect("accounts")
        except Refused as refused:
            problem, status = f"Nothing was removed: {sentence(str(refused))}", 422
        except Moved as moved:
            problem, status = f"Nothing was removed: {sentence(str(moved))}", 409
            row.refresh_from_db()
    told = {"account": row, "outlook": outlook(row), "seen": seen(row), "problem": problem}
    title = f"Remove {row.name}?"
    return render(request, "accounts/remove.html", shell(request, title, place=PLACE, **told), status=status)
