"""What every method of Slack's takes and answers: arguments from anywhere, pages by cursor, and the wait of a 429.

From https://docs.slack.dev/apis/web-api/, .../pagination and .../rate-limits.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from flask import Response, jsonify, request

from syncapp.doubles.shelf import Row
from syncapp.doubles.slack_profile import no

LARGEST_PAGE = 1000


def args() -> dict[str, Any]:
    """From the address, a form or JSON: every method takes each."""
    body = request.get_json(silent=True) if request.is_json else request.form
    return {**dict(request.args), **dict(body or {})}


def read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise no("invalid_profile") from None


def page_of(everything: list[Row], shown: Callable[[Row], bool] = lambda row: True) -> tuple[list[Row], str]:
    """`everything`: with what is not shown, so that a cursor keeps its place when its record is gone."""
    given = args()
    limit = int(given.get("limit") or 0)
    if not 0 <= limit <= LARGEST_PAGE:
        raise no("invalid_limit")
    start = _place(everything, str(given.get("cursor") or ""))
    rest = [row for row in everything[start:] if shown(row)]
    if not limit:
        return rest, ""
    most = limit - 1 if not start and limit > 2 else limit
    cursor = base64.b64encode(f"next:{rest[most].id}".encode()).decode() if len(rest) > most else ""
    return rest[:most], cursor


def _place(rows: list[Row], cursor: str) -> int:
    if not cursor:
        return 0
    ids = [row.id for row in rows]
    try:
        return ids.index(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
    except ValueError:
        raise no("invalid_cursor") from None


def limited(wait: float) -> Response:
    answer = jsonify(ok=False, error="ratelimited")
    answer.status_code = 429
    answer.headers["Retry-After"] = str(max(1, round(wait)))
    return answer


def plain(text: str, status: int) -> Response:
    return Response(text, status, mimetype="text/plain")
