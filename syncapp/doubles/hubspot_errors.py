"""How HubSpot words its refusals: https://developers.hubspot.com/docs/api-reference/error-handling."""

from __future__ import annotations

import uuid
from typing import Any

from flask import jsonify
from flask.typing import ResponseReturnValue

from syncapp.doubles.answers import Refused

DOCS = "https://developers.hubspot.com"


def error(status: int, category: str | None, message: str, **more: Any) -> Refused:
    body = {"status": "error", "message": message, "correlationId": str(uuid.uuid4()), **more}
    return Refused(status, {**body, **({"category": category} if category else {})})


def not_found(id: str) -> Refused:
    return error(404, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.", context={"id": [id]})


def unknown_token() -> Refused:
    more = f"This API supports OAuth 2.0 authentication and you can find more details at {DOCS}/docs/methods/auth"
    return error(401, "INVALID_AUTHENTICATION", f"Authentication credentials not found. {more}/oauth-overview")


def missing_scopes(*scopes: str) -> Refused:
    told = f"This app hasn't been granted all required scopes to make this call. Read more here: {DOCS}/scopes."
    needed = [
        {"message": "One or more of the following scopes are required.", "context": {"requiredGranularScopes": scopes}}
    ]
    return error(403, "MISSING_SCOPES", told, errors=needed, links={"scopes": f"{DOCS}/scopes"})


def too_many(policy: str) -> Refused:
    more = {"errorType": "RATE_LIMIT", "policyName": policy, "groupName": "publicapi:private-apps:api-calls"}
    return error(429, "RATE_LIMITS", f"You have reached your {policy.lower()} limit.", **more)


def oauth_error(error: str, status: str, message: str) -> ResponseReturnValue:
    return jsonify(error=error, error_description=message, status=status, message=message), 400
