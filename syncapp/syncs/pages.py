"""The syncs there are, the page of one, and how a new one is made in the browser."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from policies.models import Role, Sync
from syncapp.access import ADMINISTER, needs
from syncapp.apply.file import ApplyError
from syncapp.connect.drafts import Taken as RoleTaken
from syncapp.connect.drafts import begin, spec_of
from syncapp.connect.meant import target_of
from syncapp.connect.pages import account_or_404
from syncapp.connect.sample import sample_of
from syncapp.connectors.errors import ManifestError
from syncapp.facts import manifest_of
from syncapp.models import Account
from syncapp.shell import shell
from syncapp.words import sentence

from .chosen import OFFERED, Chosen, Unclear
from .create import Taken, create
from .listed import fields_of, listed, match_words
from .proposal import Proposal, from_object, templates

PLACE = "Syncs"


def sync_or_404(slug: str) -> Sync:
    sync = Sync.objects.filter(slug=slug).first()
    if sync is None:
        raise Http404("There is no such sync. The page of syncs lists them.")
    return sync


@needs(ADMINISTER)
@require_GET
def syncs(request: HttpRequest) -> HttpResponse:
    return render(request, "syncs/list.html", shell(request, PLACE, rows=listed(list(Sync.objects.all()))))


@needs(ADMINISTER)
@require_GET
def sync(request: HttpRequest, slug: str) -> HttpResponse:
    [row] = listed([sync_or_404(slug)])
    fields = fields_of(row)
    told = {"row": row, "sync": row.sync, "fields": fields, "keys": match_words(row, fields)}
    return render(request, "syncs/sync.html", shell(request, row.sync.name, place=PLACE, **told))


@needs(ADMINISTER)
@require_GET
def connect(request: HttpRequest, slug: str, role: str) -> HttpResponse:
    """Which account is to play a role that has none: one that is there, or a new one."""
    kept = sync_or_404(slug)
    found = Role.objects.filter(sync=kept, name=role).first()
    if found is None:
        raise Http404("There is no such role. The page of the sync lists them.")
    accounts = Account.objects.exclude(direction=Account.Direction.OFF).order_by("name")
    told = {"sync": kept, "role": found, "accounts": accounts, "target": target_of(found)}
    return render(request, "syncs/connect.html", shell(request, f"Who plays {found}?", place=PLACE, **told))


@needs(ADMINISTER)
@require_GET
def new(request: HttpRequest) -> HttpResponse:
    told = {"templates": templates(), "accounts": [(one, _objects(one)) for one in Account.objects.order_by("name")]}
    return render(request, "syncs/choose.html", shell(request, "Create a sync", place=PLACE, **told))


def _objects(account: Account) -> list[tuple[str, str]]:
    try:
        return [(slug, spec.name) for slug, spec in manifest_of(account).objects.items()]
    except ManifestError:
        return []  # its trouble is told on the page of the account


@needs(ADMINISTER)
@require_http_methods(["GET", "POST"])
def from_template(request: HttpRequest, template: str) -> HttpResponse:
    proposal = templates().get(template)
    if proposal is None:
        raise Http404(f"There is no such template. Accepted: {', '.join(templates())}.")
    return _new(request, Chosen(proposal, request.POST))


@needs(ADMINISTER)
@require_http_methods(["GET", "POST"])
def from_account(request: HttpRequest, slug: str, object_slug: str) -> HttpResponse:
    """The first role that is named plays the account that the fields come from."""
    account = account_or_404(slug)
    if object_slug not in manifest_of(account).objects:
        raise Http404("There are no such records there. The page for a new sync lists them.")
    sample = sample_of(account, object_slug)
    proposal = from_object(spec_of(account, object_slug), sample.body, account.name)
    if not proposal.fields:
        why = sample.trouble or "it names no fields, and no record was found that shows some"
        messages.warning(request, sentence(f"No sync can be made of it: {why}"))
        return redirect("sync_new")
    return _new(request, Chosen(proposal, request.POST), account, object_slug)


def _new(request: HttpRequest, chosen: Chosen, account: Account | None = None, object_slug: str = "") -> HttpResponse:
    problem = ""
    if request.method == "POST":
        try:
            made = create(chosen.name, chosen.wanted(), chosen.labels(), request.user.get_username())
        except (Unclear, Taken) as error:
            problem = sentence(str(error)[:1].upper() + str(error)[1:])
        except ApplyError as error:
            problem = sentence(f"{error.message}{f'; accepted: {error.accepted}' if error.accepted else ''}")
        else:
            return _made(request, made, account, object_slug)
    return _form(request, chosen, problem, account)


def _form(request: HttpRequest, chosen: Chosen, problem: str, account: Account | None) -> HttpResponse:
    proposal: Proposal = chosen.proposal
    keys = [" and ".join(str(proposal.fields[name]["label"]) for name in key) for key in proposal.match]
    told: dict[str, Any] = {"chosen": chosen, "rows": list(chosen.rows()), "proposal": proposal, "problem": problem}
    told |= {"types": OFFERED, "account": account, "keys": keys}
    page = shell(request, f"Create a sync: {proposal.name}", place=PLACE, **told)
    return render(request, "syncs/new.html", page, status=422 if problem else 200)


def _made(request: HttpRequest, made: Sync, account: Account | None, object_slug: str) -> HttpResponse:
    said = f"{made.name} is there. Nothing is read or written before an account plays one of its roles."
    messages.success(request, said)
    first = made.roles.first()
    if account is not None and first is not None:
        try:
            draft = begin(account, object_slug, made, first.name, first.label, request.user.get_username())
        except RoleTaken as taken:
            messages.warning(request, sentence(str(taken)))
        else:
            return redirect("account_draft", account.slug, draft.pk)
    return redirect("sync", made.slug)
