"""How Graph words refusals: https://learn.microsoft.com/graph/errors; codes of Outlook are from published answers."""

from __future__ import annotations

from syncapp.doubles.answers import Refused

TENANT = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
CODES = {
    403: ("ErrorAccessDenied", "Access is denied. Check credentials and try again."),
    409: ("ErrorIrresolvableConflict", "The operation could not be performed because of a conflict."),
    429: ("ApplicationThrottled", "Application is over its MailboxConcurrency limit."),
    503: ("serviceNotAvailable", "The service is temporarily unavailable. You may repeat the request."),
    504: ("ErrorTimeoutExpired", "The request timed out."),
}


def error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Refused:
    inner = {"date": "2026-01-31T18:42:00", "request-id": "0b9c9d3e-5a6f-4b55-8f5a-2d6d3a1f7c10"}
    return Refused(status, {"error": {"code": code, "message": message, "innerError": inner}}, headers)


def refused(status: int) -> Refused:
    """What is answered with a status that was asked for."""
    if status == 401:
        return unauthorized("")
    if status == 410:
        headers = {"Location": "/v1.0/me/contactFolders/contacts/contacts/delta"}
        return error(410, "syncStateNotFound", "The sync state generation is not found", headers)
    code, message = CODES.get(status, ("InternalServerError", "An internal error occurred."))
    return error(status, code, message, {"Retry-After": "1"} if status in (429, 503) else {})


def unauthorized(told: str) -> Refused:
    message = told or "Access token is empty or not well formed."
    realm = f'Bearer realm="", authorization_uri="https://login.microsoftonline.com/{TENANT}/oauth2/authorize"'
    return error(401, "InvalidAuthenticationToken", message, {"WWW-Authenticate": realm})
