"""Errors of the API: JSON with one sentence, and the fields it is about where there are some."""

from __future__ import annotations

from typing import Any

from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from syncapp.access import NOT_READY
from syncapp.load import Contended

BUSY = "Somebody else is changing this record right now. Nothing was changed; please try again."
WRONG = "The request cannot be taken as it is; the fields say what is accepted."


def tell(error: Exception, context: dict[str, Any]) -> Response | None:
    """What DRF would answer, in this shape; None lets an error that nobody foresaw be logged as one."""
    if isinstance(error, Contended):
        return Response({"error": BUSY}, status.HTTP_503_SERVICE_UNAVAILABLE, headers={"Retry-After": "1"})
    if isinstance(error, NOT_READY):
        return Response({"error": str(error)}, status.HTTP_503_SERVICE_UNAVAILABLE)
    answer = exception_handler(error, context)
    if answer is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        answer.data = _of_fields(answer.data)
    else:
        answer.data = {"error": str((answer.data or {}).get("detail", error))}
    return answer


def _of_fields(data: Any) -> dict[str, Any]:
    """Lists of sentences per field; what is about the whole request stands under `error`."""
    if isinstance(data, list):
        return {"error": " ".join(map(str, data))}
    whole, fields = data.get("error"), {name: said for name, said in data.items() if name != "error"}
    told: dict[str, Any] = {"error": str(whole) if whole is not None else WRONG}
    return told | ({"fields": fields} if fields else {})
