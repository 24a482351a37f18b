"""How a dialect says no from wherever it is: raise Refused with the provider's own status, body and headers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, jsonify


class Refused(Exception):
    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status}: {body}")
        self.status, self.body, self.headers = status, body, headers or {}

    def answer(self) -> Response:
        answer = jsonify(self.body)
        answer.status_code = self.status
        answer.headers.update(self.headers)
        return answer


def speak(app: Flask) -> None:
    """Answer what is raised."""
    app.register_error_handler(Refused, lambda refused: refused.answer())


def iso(moment: datetime, digits: int = 3) -> str:
    """2026-01-31T18:42:00.000Z with so many digits of a second."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{f'{moment.microsecond:06d}0'[:digits]}Z" if digits else f"{text}Z"


def read_iso(text: str) -> datetime:
    """Any ISO time with a zone. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} has no zone")
    return moment.astimezone(UTC)
