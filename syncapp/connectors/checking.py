"""What an admin's "test this account" tries: cheap calls only, every outcome as a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncapp.connectors import limiting, times
from syncapp.connectors.answers import passes
from syncapp.connectors.errors import ConnectorError, Retryable, Unauthorised
from syncapp.connectors.expressions import ExpressionError
from syncapp.connectors.jsonbody import soft
from syncapp.connectors.paths import as_text, getter
from syncapp.connectors.records import Check
from syncapp.connectors.spec import CheckSpec

if TYPE_CHECKING:
    from syncapp.connectors.calls import Caller
    from syncapp.connectors.client import Client


def run_check(client: Client, caller: Caller) -> Check:
    """The whole test. Never raises a ConnectorError: what went wrong is in ``problems``."""
    spec = client.manifest.check or CheckSpec("/")
    try:
        answer = caller.get(spec)
    except ConnectorError as error:
        return Check(False, False, None, {}, {}, None, (str(error),))
    date = times.header_date(answer.headers.get("Date"))
    skew = date.timestamp() - (answer.asked_at + answer.answered_at) / 2 if date else None
    objects, problems, refused = _objects(client)
    nobody = ""
    body = soft(answer.body)
    actor = as_text(getter(spec.actor)(body)) if spec.actor else None
    elsewhere = answer.status >= 400 and client.manifest.check is not None
    if elsewhere:
        problems.insert(0, f"{answer.where} answered {answer.status}")
    elif nobody := _is_nobody(spec, body, actor):
        problems.insert(0, f"{answer.where} answered {answer.status}, but {nobody}")
    authenticated = answer.status not in (401, 403) and not (elsewhere or refused or nobody)
    limits = limiting.seen(client.manifest.limits, answer.headers)
    return Check(True, authenticated, actor, objects, limits, skew, tuple(problems))


def _is_nobody(spec: CheckSpec, body: Any, actor: str | None) -> str:
    """Why this answer is one that anybody would get; some take a wrong key for no key and answer 200 all the same."""
    try:
        passed = passes(spec.ok, body)
    except ExpressionError as error:
        return f"the test of the answer failed: {error.what}"
    if not passed:
        return "not as to somebody who is signed in; check the credentials"
    if not spec.actor or actor:
        return ""
    if body is None:
        return "not in JSON: something else is at that address, such as a web page; check the address"
    return "as to a stranger: it does not know these credentials; check the user name, password or key"


def _objects(client: Client) -> tuple[dict[str, str], list[str], bool]:
    """For each object ``ok`` or what stands in the way; a missing one is no problem as long as another answers."""
    outcome: dict[str, str] = {}
    errors: list[ConnectorError] = []
    for slug in client.manifest.objects:
        try:
            next(iter(client.pages(slug, size=1)))
            outcome[slug] = "ok"
        except ConnectorError as error:
            outcome[slug] = str(error)
            errors.append(error)
    grave: list[ConnectorError] = [error for error in errors if isinstance(error, Unauthorised | Retryable)]
    if "ok" not in outcome.values():
        grave = errors
    refused = any(isinstance(error, Unauthorised) for error in errors) and "ok" not in outcome.values()
    return outcome, [str(error) for error in grave], refused
