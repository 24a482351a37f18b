"""Stripe's idempotency keys: the first answer is kept, and given again to the same request.

From https://docs.stripe.com/api/idempotent_requests: keys of 255 characters at most, an error where the parameters
differ, `Idempotent-Replayed: true` on an answer that is given again; what was refused before anything was done is not
kept. Keys are kept for ever here, and a 500 is not.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, request

from syncapp.doubles.stripe_forms import error

LONGEST = 255


@dataclass(frozen=True)
class Answered:
    """What a key was first used for, and what was answered."""

    path: str
    params: bytes
    status: int
    body: bytes
    request_id: str


class Keys:
    def __init__(self) -> None:
        self._known: dict[str, Answered] = {}

    def again(self, key: str) -> Response | None:
        """The answer that the key got before, or None if it is new. Raises Refused where it was used otherwise."""
        if len(key) > LONGEST:
            raise error(400, f"Idempotency keys are at most {LONGEST} characters long", "idempotency_error")
        known = self._known.get(key)
        if known is None:
            return None
        if (known.path, known.params) != (request.path, request.get_data()):
            told = "Keys for idempotent requests can only be used with the same parameters they were first used with."
            more = f"Try using a key other than '{key}' if you meant to execute a different request."
            raise error(400, f"{told} {more}", "idempotency_error")
        again = Response(known.body, known.status, mimetype="application/json")
        again.headers.update({"Idempotent-Replayed": "true", "Original-Request": known.request_id})
        return again

    def remember(self, key: str, request_id: str, answer: Response) -> None:
        if answer.status_code < 400 and key not in self._known:
            told = Answered(request.path, request.get_data(), answer.status_code, answer.get_data(), request_id)
            self._known[key] = told
