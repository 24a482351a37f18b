"""The token endpoint of Microsoft's identity platform: codes, refreshes and client credentials.

From https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow and
.../v2-oauth2-client-creds-grant-flow: form in, JSON out, errors with AADSTS numbers.
"""

from __future__ import annotations

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from syncapp.doubles.clock import Clock
from syncapp.doubles.tokens import Pair, Tokens, basic

SCOPE = "Contacts.ReadWrite User.Read"


def token(tokens: Tokens, clock: Clock) -> ResponseReturnValue:
    form = request.form
    shown = basic() if request.authorization else (form.get("client_id"), form.get("client_secret"))
    if not tokens.is_client(*shown):
        return _refused(clock, 401, "invalid_client", 7000215, "Invalid client secret provided.")
    grant = form.get("grant_type")
    if grant == "client_credentials":
        pair = tokens.issue()
        return {
            "token_type": "Bearer",
            "expires_in": pair.life,
            "ext_expires_in": pair.life,
            "access_token": pair.access,
        }
    if grant == "refresh_token":
        return _answer(clock, tokens.renew(form.get("refresh_token")), 70008, "refresh token has expired")
    if grant == "authorization_code":
        pair_or_none = tokens.redeem(form.get("code"), form.get("redirect_uri"), form.get("code_verifier", ""))
        return _answer(clock, pair_or_none, 70008, "authorization code has expired or was used already")
    return _refused(
        clock, 400, "unsupported_grant_type", 70003, f"The app requested an unsupported grant type {grant}."
    )


def _answer(clock: Clock, pair: Pair | None, number: int, why: str) -> ResponseReturnValue:
    if pair is None:
        return _refused(clock, 400, "invalid_grant", number, f"The provided {why}.")
    return {
        "token_type": "Bearer", "scope": SCOPE, "expires_in": pair.life, "ext_expires_in": pair.life,
        "access_token": pair.access, "refresh_token": pair.refresh,
    }  # fmt: skip


def _refused(clock: Clock, status: int, error: str, number: int, told: str) -> ResponseReturnValue:
    trace = "255d1aef-8c98-452f-ac51-23d051240864"
    body = {
        "error": error, "error_description": f"AADSTS{number}: {told}", "error_codes": [number],
        "timestamp": clock.exact().strftime("%Y-%m-%d %H:%M:%SZ"), "trace_id": trace, "correlation_id": trace,
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
    }  # fmt: skip
    return jsonify(body), status
