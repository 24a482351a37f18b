"""Read an answer: was it what we asked for, and if not, which error is it? One order of questions for all providers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from syncapp.connectors import limiting
from syncapp.connectors.errors import (
    ConnectorError,
    Gone,
    Limited,
    Malformed,
    Rejected,
    Stale,
    Unauthorised,
    Unavailable,
    Unknown,
)
from syncapp.connectors.expressions import ExpressionError
from syncapp.connectors.items import ItemReader
from syncapp.connectors.jsonbody import parse
from syncapp.connectors.limitspec import LimitSpec, RefusalSpec
from syncapp.connectors.opspec import Operation
from syncapp.connectors.paths import ABSENT, as_text, first, getter
from syncapp.connectors.records import Item
from syncapp.connectors.spec import ErrorSpec
from syncapp.connectors.transport import Answer

MESSAGE_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Context:
    """What was asked, as far as it matters for reading the answer."""

    operation: Operation
    errors: ErrorSpec
    limits: LimitSpec
    reader: ItemReader | None
    redact: Callable[[str], str]
    write: bool = False
    conditional: bool = False
    about_record: bool = False
    id: str | None = None


def succeeded(answer: Answer, operation: Operation) -> bool:
    """The status is one of the wanted ones, and the body says so too where the manifest asks for that."""
    wanted = answer.status in operation.success if operation.success else 200 <= answer.status < 300
    if wanted and operation.ok_test is not None:
        return operation.ok_test.true(_soft(answer))
    if not wanted or not operation.ok_path:
        return wanted
    return bool(getter(operation.ok_path)(_soft(answer)) == operation.ok_value)


def check(answer: Answer, context: Context) -> None:
    """Nothing, or the one error that fits."""
    body = _soft(answer)
    code = as_text(getter(context.errors.code)(body)) if context.errors.code else None
    fine = _succeeded(answer, context)
    refused = limiting.refusal(context.limits, answer.status, answer.headers, code)
    if refused is None and not fine and code in context.errors.limited_codes:
        refused = limiting.PLAINLY
    if refused is not None:
        raise _limited(answer, context, refused, body)
    if not fine:
        raise _failure(answer, context, body, code)


def _succeeded(answer: Answer, context: Context) -> bool:
    try:
        return succeeded(answer, context.operation)
    except ExpressionError as error:
        if context.write:
            what = f"nobody can tell whether the write landed: {error.what}"
            raise Unknown(what, error.where, "read the record before writing again") from None
        raise Malformed(error.what, error.where, error.accepted) from None


def _failure(answer: Answer, context: Context, body: Any, code: str | None) -> ConnectorError:
    said = context.redact(message(body, context.errors, answer.status))
    if answer.status == 401 or (code is not None and code in context.errors.unauthorised_codes):
        what = f"the provider does not accept the credentials: {said}"
        return Unauthorised(what, answer.where, "renew the account's secret", status=401, code=code)
    if answer.status == 403:
        what = f"the credentials may not do this: {said}"
        return Unauthorised(what, answer.where, "grant the account this right", status=403)
    if context.conditional and _is_conflict(answer, context, code):
        return Stale(
            "the record has another version by now",
            answer.where,
            "read it again, then decide",
            current=_current(answer, context, body),
        )
    if answer.status in (404, 410) and context.about_record:
        return Gone("there is no such record", answer.where, item=_tombstone(answer, context, body))
    if answer.status in context.errors.busy or answer.status in (408, 425) or answer.status >= 500:
        return _troubled(answer, context, said)
    if 300 <= answer.status < 400 or answer.status < 300:
        return Malformed(f"unexpected answer {answer.status}: {said}", answer.where, _expected(context.operation))
    return Rejected(
        f"the provider refused ({answer.status}): {said}",
        answer.where,
        fields=_fields(body, context, said),
        message=said,
        status=answer.status,
    )


def _troubled(answer: Answer, context: Context, said: str) -> ConnectorError:
    # 503 and the busy codes are given before any work; other 5xx may come from a proxy after the write was done
    if context.write and answer.status >= 500 and answer.status != 503:
        return Unknown(
            f"the provider failed ({answer.status}): {said}; the write may have landed",
            answer.where,
            "read the record before writing again",
        )
    wait = limiting.retry_after(context.limits, answer.headers, limiting.server_now(answer.headers, answer.answered_at))
    return Unavailable(f"the provider cannot work now ({answer.status}): {said}", answer.where, retry_after=wait)


def _limited(answer: Answer, context: Context, refused: RefusalSpec, body: Any) -> Limited:
    now = limiting.server_now(answer.headers, answer.answered_at)
    wait = limiting.wait_of(context.limits, refused, answer.headers, body, now)
    said = _sentence(body, context.errors)
    reason = f": {context.redact(said)[:MESSAGE_LENGTH]}" if said else ""
    own = context.operation.bucket
    bucket = refused.bucket or (own if own in context.limits.alone else "")
    what = f"the provider asks us to wait {wait:.1f} s{reason}"
    return Limited(what, answer.where, retry_after=wait, bucket=bucket)


def _is_conflict(answer: Answer, context: Context, code: str | None) -> bool:
    condition = context.operation.conditional
    if condition is None or answer.status not in condition.status:
        return False
    return not condition.codes or (code or as_text(getter(condition.code_path)(_soft(answer)))) in condition.codes


def _current(answer: Answer, context: Context, body: Any) -> Item | None:
    condition = context.operation.conditional
    if condition is None or condition.current is None or context.reader is None:
        return None
    found = getter(condition.current)(body)
    return context.reader.item(found, answer.asked_at, known_id=context.id) if isinstance(found, dict) else None


def _tombstone(answer: Answer, context: Context, body: Any) -> Item | None:
    path, reader = context.operation.item, context.reader
    if reader is not None and context.id is not None and reader.spec.merged.error:
        into = as_text(getter(reader.spec.merged.error)(body))
        if into:
            return reader.merged_away(context.id, into, answer.asked_at)
    if reader is None or path is None:
        return None
    found = getter(path)(body)
    if not isinstance(found, dict) or reader.id_of(found) != context.id:
        return None
    item = reader.item(found, answer.asked_at)
    return item if item.deleted else None


def message(body: Any, errors: ErrorSpec, status: int) -> str:
    """The provider's own sentence, cut to a readable length."""
    return re.sub(r"\s+", " ", _sentence(body, errors) or f"status {status} without a message")[:MESSAGE_LENGTH]


def _sentence(body: Any, errors: ErrorSpec) -> str | None:
    found = first(errors.message)(body) if errors.message else ABSENT
    text = as_text(found)
    if text is None and isinstance(body, dict):
        text = next(
            (value for key in ("message", "error", "detail", "title") if isinstance(value := body.get(key), str)), None
        )
    return text


def _fields(body: Any, context: Context, said: str) -> dict[str, str]:
    """Which fields the provider complains about: one named beside the message, or a list of complaints."""
    errors, named = context.errors, {}
    single = as_text(getter(errors.field)(body)) if errors.field else None
    if single:
        named[single] = said
    complaints = getter(errors.items)(body) if errors.items else ABSENT
    for complaint in complaints if isinstance(complaints, list) else ():
        name = as_text(getter(errors.item_field)(complaint))
        if name:
            named[name] = context.redact(as_text(getter(errors.item_message)(complaint)) or said)[:MESSAGE_LENGTH]
    return named


def _expected(operation: Operation) -> str:
    return "status " + (", ".join(map(str, operation.success)) if operation.success else "200 to 299")


def _soft(answer: Answer) -> Any:
    """The body of an answer that may be an error page: JSON if it is, else nothing."""
    try:
        return parse(answer.body)
    except orjson.JSONDecodeError:
        return None


def redactor(secrets: Mapping[str, str]) -> Callable[[str], str]:
    """A function that blanks the account's secrets, should a provider repeat them in a message."""
    hidden = sorted((value for value in secrets.values() if len(value) >= 4), key=len, reverse=True)

    def redact(text: str) -> str:
        for value in hidden:
            text = text.replace(value, "•••")
        return text

    return redact
