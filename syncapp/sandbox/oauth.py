"""The token endpoint: POST /oauth/token, grant_type=refresh_token (RFC 6749, section 6)."""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, jsonify, request

from syncapp.sandbox.access import Access
from syncapp.sandbox.gate import Gate
from syncapp.sandbox.refusals import GrantRefused, Refused


def oauth(access: Access, gate: Gate) -> Blueprint:
    door = Blueprint("oauth", __name__, url_prefix="/oauth")
    gate.count(door)

    @door.post("/token")
    def token() -> Response:
        form = request.form
        _check_client(access)
        if form.get("grant_type") != "refresh_token":
            raise GrantRefused("The one grant that is served here is refresh_token.", "unsupported_grant_type")
        if not form.get("refresh_token"):
            raise GrantRefused("refresh_token is missing.", "invalid_request")
        return _never_kept(jsonify(access.refresh(form["refresh_token"])))

    @door.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        response = jsonify({"error": error.code, "error_description": error.message})
        response.status_code = error.status
        response.headers.update(error.headers)
        return _never_kept(response)

    return door


def _check_client(access: Access) -> None:
    """By HTTP Basic or in the form, as section 2.3.1 has it."""
    basic = request.authorization
    if basic is not None and basic.type == "basic":
        name, secret = basic.username or "", basic.password or ""
    else:
        name, secret = request.form.get("client_id", ""), request.form.get("client_secret", "")
    if name != access.client or not hmac.compare_digest(secret.encode(), access.client_secret.encode()):
        refusal = GrantRefused("The client or its secret is wrong.", "invalid_client", 401)
        refusal.headers["WWW-Authenticate"] = 'Basic realm="sandbox"'
        raise refusal


def _never_kept(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
