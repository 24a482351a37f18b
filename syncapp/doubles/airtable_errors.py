"""How Airtable words its refusals: https://airtable.com/developers/web/api/errors."""

from __future__ import annotations

from syncapp.doubles.answers import Refused

TYPES = {500: "SERVER_ERROR", 502: "BAD_GATEWAY", 503: "SERVICE_UNAVAILABLE"}


def error(status: int, type: str, message: str = "") -> Refused:
    return Refused(status, {"error": {"type": type, "message": message}} if message else {"error": type})


def unauthorized(token: str) -> Refused:
    if not token:
        return error(401, "AUTHENTICATION_REQUIRED", "Authentication required")
    return error(401, "UNAUTHORIZED", "Invalid authentication token")


def no_model() -> Refused:
    told = "Invalid permissions, or the requested model was not found. Check that both your user and your token have"
    return error(403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", f"{told} the required permissions")


def refused(status: int) -> Refused:
    """What is answered with a status that was asked for."""
    if status == 429:
        told = {"error": "RATE_LIMIT_REACHED", "message": "Rate limit exceeded. Please try again later"}
        return Refused(429, {"errors": [told]})
    if status == 401:
        return unauthorized("x")
    if status == 403:
        return no_model()
    return error(status, TYPES.get(status, "SERVER_ERROR"), "The server encountered an unexpected condition")
