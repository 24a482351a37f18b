"""The review pages: parse, call, render."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from policies.core.values import Question
from syncapp.access import DECIDE, SEE, needs, require
from syncapp.clearing import clearing
from syncapp.load import Contended, database_now
from syncapp.models import Conflict
from syncapp.shell import is_partial, shell
from syncapp.typed import ValueForm
from syncapp.words import sentence

from .answers import Answer
from .cards import Card, Receipt, card_of, load, receipt_of, what_moved
from .decide import Choice, Moved, Refused, decide
from .queue import queue
from .undo import undo

BUSY = "Somebody else is changing this record right now. Nothing was decided; please try again."
CHOOSE = "Choose one of the answers, or type a value."


@needs(SEE)
@require_GET
def show_queue(request: HttpRequest) -> HttpResponse:
    found = queue(request.GET.dict(), request.GET.get("after", ""))
    kept = request.GET.copy()
    kept.pop("after", None)
    return render(request, "desk/queue.html", shell(request, "Review", queue=found, kept=kept.urlencode()))


@needs(SEE)
@require_http_methods(["GET", "POST"])
def show_card(request: HttpRequest, pk: int) -> HttpResponse:
    conflict = _load(pk)
    if request.method == "POST":
        require(request, DECIDE)
        return _answer(request, conflict)
    if conflict.state != Conflict.State.OPEN:
        return redirect("review:receipt", pk)
    return _card(request, conflict)


def _load(pk: int) -> Conflict:
    conflict = load(pk)
    if conflict is None:
        raise Http404("There is no such question. The queue lists the open ones.")
    return conflict


def _card(request: HttpRequest, conflict: Conflict, status: int = 200, **more: Any) -> HttpResponse:
    card = card_of(conflict, database_now())
    more.setdefault("form", _form(card))
    told = shell(request, card.headline, place="Review", card=card, may_decide=request.user.has_perm(DECIDE), **more)
    return render(request, "desk/card.html", told, status=status)


def _form(card: Card, data: QueryDict | None = None) -> ValueForm | None:
    if card.unit is None:
        return None
    return ValueForm(card.unit, card.sight.words, clears=clearing(card.sight, card.unit), data=data)


def _answer(request: HttpRequest, conflict: Conflict) -> HttpResponse:
    if conflict.state != Conflict.State.OPEN:
        return _moved(request, conflict, None)
    version = request.POST.get("version", "")
    if not version.isdecimal():
        return _card(
            request, conflict, 400, problem="The form did not say which question it answers. Please answer this one."
        )
    card = card_of(conflict, database_now())
    form = _form(card, request.POST)
    typed = request.POST.get("answer") == "typed"
    if typed and form is not None and not form.is_valid():
        return _card(request, conflict, 422, form=form)
    if not typed and (unsure := _unconfirmed(request, card)):
        return _card(request, conflict, 422, problem=unsure)
    choice = Choice(value=form.cleaned_data) if typed and form is not None else _offered(request, card)
    if choice is None and int(version) == card.question.version:
        return _card(request, conflict, 422, problem=CHOOSE)
    return _decide(request, conflict, int(version), choice or Choice(), {"form": form} if typed else {})


def _unconfirmed(request: HttpRequest, card: Card) -> str:
    """What cannot be undone takes a tick beside its button."""
    number = request.POST.get("answer", "")
    found = next((a for a in card.answers if a.confirm and str(a.number) == number), None)
    if found is None or request.POST.get("confirmed") == number:
        return ""
    return f"Nothing was decided. “{found.button}” takes a tick in its box first: {found.confirm}"


def _offered(request: HttpRequest, card: Card) -> Choice | None:
    """The answer by its number; numbers are those of the version that was shown, which `decide` compares."""
    number = request.POST.get("answer", "")
    found: Answer | None = next((a for a in card.answers if str(a.number) == number), None)
    return found.choice if found else None


def _decide(
    request: HttpRequest, conflict: Conflict, version: int, choice: Choice, kept: dict[str, Any]
) -> HttpResponse:
    try:
        decide(conflict, version, choice, request.user.get_username())
    except Moved as moved:
        return _moved(request, conflict, moved.question)
    except Refused as refused:
        return _card(request, conflict, 422, problem=sentence(f"This answer cannot be taken: {refused}"), **kept)
    except Contended:
        return _card(request, conflict, 503, problem=BUSY, **kept)
    return redirect("review:receipt", conflict.pk)


def _moved(request: HttpRequest, conflict: Conflict, question: Question | None) -> HttpResponse:
    """409: the new question with what moved, or how the question ended meanwhile."""
    fresh = _load(conflict.pk)
    if question is None or fresh.state != Conflict.State.OPEN:
        told = shell(request, "This question has ended", place="Review", receipt=receipt_of(fresh), too_late=True)
        return render(request, "desk/receipt.html", told, status=409)
    words = card_of(fresh, database_now()).sight.words
    return _card(request, fresh, 409, moved=what_moved(request.POST.get("shown", ""), fresh, words))


@needs(SEE)
@require_GET
def show_receipt(request: HttpRequest, pk: int) -> HttpResponse:
    conflict = _load(pk)
    if conflict.state == Conflict.State.OPEN:
        return redirect("review:card", pk)
    receipt = receipt_of(conflict)
    if is_partial(request):
        return render(request, "desk/_systems.html", {"receipt": receipt})
    return _receipt(request, receipt)


def _receipt(request: HttpRequest, receipt: Receipt, status: int = 200, **more: Any) -> HttpResponse:
    more["may_decide"] = request.user.has_perm(DECIDE)
    told = shell(request, receipt.headline, place="Review", receipt=receipt, **more)
    return render(request, "desk/receipt.html", told, status=status)


@needs(DECIDE)
@require_POST
def undo_answer(request: HttpRequest, pk: int) -> HttpResponse:
    conflict = _load(pk)
    try:
        record = undo(conflict, request.user.get_username())
    except Refused as refused:
        return _receipt(request, receipt_of(conflict), 422, problem=sentence(f"This cannot be undone: {refused}"))
    except Contended:
        return _receipt(request, receipt_of(conflict), 503, problem=BUSY)
    messages.success(request, "The answer is taken back.")
    return redirect("record", record.pk)
