"""Questions over the API: list them, look at one, answer it through the same code as the web form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from rest_framework import status
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from policies.core.diff import is_null
from policies.core.resolve import ACTIONS
from policies.core.rules import Unit
from policies.core.types import Invalid
from policies.core.values import Kind
from syncapp.access import DECIDE
from syncapp.api.filters import by_sync, fields, one_of, roles
from syncapp.api.lists import OldestFirst, Sees, refusal
from syncapp.api.shapes import iso, unit_value
from syncapp.api.views import Rows
from syncapp.clearing import clearing
from syncapp.load import database_now
from syncapp.models import Conflict
from syncapp.words import Words, words_of

from .answers import Answer
from .cards import Card, card_of, load
from .decide import Choice, Moved, Refused, decide
from .questions import asked_because, headline, how_it_ended
from .queue import AGE_LABELS, AGES
from .undo import undo

Json = dict[str, Any]
WAYS = ("choice", "value", "action")
KNOWN = {"version", *WAYS, "overwritten", "place", "record"}


class ConflictFilter(django_filters.FilterSet):
    sync = by_sync()
    field = one_of("unit", fields)
    role = django_filters.ChoiceFilter(method="by_role", choices=roles)
    kind = one_of("kind", [(kind.value, kind.value) for kind in Kind])
    state = one_of("state", Conflict.State.choices)
    age = django_filters.ChoiceFilter(method="by_age", choices=AGE_LABELS)

    class Meta:
        model = Conflict
        fields: Sequence[str] = []

    def by_role(self, rows: QuerySet[Conflict], name: str, value: str) -> QuerySet[Conflict]:
        return rows.filter(Q(role=value) | Q(candidates__contains=[{"source": value}]))

    def by_age(self, rows: QuerySet[Conflict], name: str, value: str) -> QuerySet[Conflict]:
        return rows.filter(opened_at__lte=database_now() - AGES[value])


class Conflicts(Rows):
    queryset = Conflict.objects.select_related("record", "sync")
    filterset_class = ConflictFilter
    pagination_class = OldestFirst

    def told(self, rows: Sequence[Conflict]) -> list[Json]:
        words = words_of({row.sync_id for row in rows})
        return [conflict_json(row, words[row.sync_id]) for row in rows]

    def one(self) -> Response:
        return Response(whole_json(_found(self.kwargs["pk"])))


def _found(pk: int) -> Conflict:
    conflict = load(pk)
    if conflict is None:
        raise NotFound("There is no such question. /api/v1/conflicts/?state=open lists the open ones.")
    return conflict


def conflict_json(row: Conflict, words: Words) -> Json:
    ended = row.state != Conflict.State.OPEN
    return {
        "id": row.pk,
        "sync": row.sync.slug,
        "record": {"key": str(row.record_id), "title": row.record.title},
        "kind": row.kind,
        "field": row.unit,
        "role": row.role,
        "about": row.about,
        "state": row.state,
        "version": row.version,
        "question": headline(row, words),
        "why": asked_because(row, words),
        "candidates": [_candidate(row, one) for one in row.candidates],
        "opened_at": iso(row.opened_at),
        "closed_at": iso(row.closed_at),
        "ended": how_it_ended(row, words) if ended else None,
        "decided_by": row.decided_by or None,
        "winner": row.winner or None,
        "value": unit_value(row.unit, row.value),
    }


def _candidate(row: Conflict, one: Json) -> Json:
    """As stored, with a field's values by themselves."""
    single = {name: unit_value(row.unit, one[name]) for name in ("value", "base") if isinstance(one.get(name), dict)}
    return {**one, **single}


def whole_json(row: Conflict) -> Json:
    """One question; while it is open, with the answers it offers and what each will do, by system."""
    told = conflict_json(row, words_of([row.sync_id])[row.sync_id])
    if row.state == Conflict.State.OPEN:
        told["answers"] = [_answer(row, answer) for answer in card_of(row, database_now()).answers]
    return told


def _answer(row: Conflict, answer: Answer) -> Json:
    """`take` is the body that gives this answer."""
    choice = answer.choice
    take: Json = {"version": row.version}
    if choice.action:
        take |= {"action": choice.action} | ({"record": choice.record} if choice.record else {})
    elif choice.value is not None:
        take["value"] = unit_value(row.unit, choice.value)
    else:
        take |= {"choice": choice.source}
        take |= {"overwritten": True, "place": choice.place} if choice.overwritten else {}
    effects = [{"system": effect.role, "what": effect.said} for effect in answer.effects]
    return {"answer": answer.title, "take": take, "effects": effects, "refused": answer.refusal or None}


class Decide(APIView):
    """409 with the new question if it moved on, 400 with field errors if the answer does not fit."""

    permission_classes = (Sees,)

    def post(self, request: Request, pk: int) -> Response:
        if not request.user.has_perm(DECIDE):
            raise PermissionDenied(refusal(DECIDE))
        conflict = _found(pk)
        version = _version(request.data)
        if conflict.state != Conflict.State.OPEN or conflict.version != version:
            return _moved(pk)
        choice = _choice(request.data, card_of(conflict, database_now()))
        try:
            decide(conflict, version, choice, request.user.get_username())
        except Moved:
            return _moved(pk)
        except Refused as refused:
            raise ValidationError({"error": f"This answer cannot be taken: {refused}."}) from None
        return Response(whole_json(_found(pk)))


class Undo(APIView):
    """Take an answer about identity back; 400 in words where it cannot be."""

    permission_classes = (Sees,)

    def post(self, request: Request, pk: int) -> Response:
        if not request.user.has_perm(DECIDE):
            raise PermissionDenied(refusal(DECIDE))
        try:
            record = undo(_found(pk), request.user.get_username())
        except Refused as refused:
            raise ValidationError({"error": f"This cannot be undone: {refused}."}) from None
        return Response({"undone": True, "record": {"key": str(record.pk), "title": record.title}})


def _moved(pk: int) -> Response:
    fresh = _found(pk)
    ended = fresh.state != Conflict.State.OPEN
    said = "This question has ended." if ended else "This question moved on since that version; here is the new one."
    told = {"error": f"{said} Nothing was decided.", "conflict": whole_json(fresh)}
    return Response(told, status.HTTP_409_CONFLICT)


def _version(body: Any) -> int:
    if not isinstance(body, dict):
        raise ValidationError({"error": 'The body must be a JSON object such as {"version": 1, "choice": "crm"}.'})
    unknown = {name: [f"no such field; accepted: {', '.join(sorted(KNOWN))}"] for name in body if name not in KNOWN}
    version = body.get("version")
    if type(version) is not int:
        unknown["version"] = ["the version of the question that is answered, a whole number, is needed"]
    if unknown:
        raise ValidationError(unknown)
    assert isinstance(version, int)
    return version


def _choice(body: Json, card: Card) -> Choice:
    given = [name for name in WAYS if name in body]
    ways = _ways(card)
    if len(given) != 1 or given[0] not in ways:
        raise ValidationError({"error": f"Say exactly one of {', '.join(ways)}; given: {', '.join(given) or 'none'}."})
    if given == ["value"]:
        return Choice(value=_typed(body["value"], card))
    named, record, overwritten = body[given[0]], body.get("record", ""), body.get("overwritten", False)
    if not isinstance(named, str) or not named:
        raise ValidationError({given[0]: ["must be text; the question's `answers` show what is accepted"]})
    if not isinstance(record, str):
        raise ValidationError({"record": ["must be the key of a record, as text"]})
    if type(overwritten) is not bool:
        raise ValidationError({"overwritten": ["must be true or false"]})
    place = body.get("place")
    if place is not None and type(place) is not int:
        raise ValidationError({"place": ["must be the place of a candidate in the list, a whole number from 0"]})
    return Choice(action=named, record=record) if given == ["action"] else Choice(named, overwritten, place)


def _ways(card: Card) -> tuple[str, ...]:
    return ("action",) if card.question.kind in ACTIONS else ("choice", "value")


def _typed(value: Any, card: Card) -> Json:
    """Each member read as its own type reads it; a field by itself, a bundle by member."""
    assert card.unit is not None, "questions without a unit are answered by actions"
    members = {member.name: member for member in card.unit.members}
    given = {card.unit.name: value} if list(members) == [card.unit.name] else value
    if not isinstance(given, dict) or set(given) != set(members):
        raise ValidationError({"value": [f"must be an object with exactly: {', '.join(members)}"]})
    found, wrong = {}, {}
    for name, member in members.items():
        try:
            found[name] = member.normalise(given[name])
        except Invalid as invalid:
            wrong[name] = [invalid.reason]
    if wrong:
        raise ValidationError(wrong)
    if is_null(found):
        _cleared(given, card, card.unit)
    return found


def _cleared(given: Json, card: Card, unit: Unit) -> None:
    """Empty text clears nothing by accident: that takes null, and a policy that lets a person do it."""
    if any(value is not None for value in given.values()):
        raise ValidationError({"value": ["nothing stands in it; to clear the field everywhere, say null"]})
    offered = any(answer.choice.value is not None and is_null(answer.choice.value) for answer in card.answers)
    if not offered and clearing(card.sight, unit) is None:
        raise ValidationError({"value": ["must not be empty: the policy lets no person clear this field"]})
