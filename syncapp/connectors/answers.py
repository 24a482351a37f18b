"""Read an answer: was it what we asked for, and if not, which error is it? One order of questions for all providers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncapp.connectors import limiting
from syncapp.connectors.answerspec import ErrorSpec, OkSpec
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
from syncapp.connectors.jsonbody import soft
from syncapp.connectors.limitspec import LimitSpec, RefusalSpec
from syncapp.connectors.opspec import Operation
from syncapp.connectors.paths import ABSENT, as_text, first, getter
from syncapp.connectors.records import Item
from syncapp.connectors.transport import PAGE, Answer

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


def has_status(answer: Answer, operation: Operation) -> bool:
    return answer.status in operation.success if operation.success else 200 <= answer.status < 300


def passes(tests: Sequence[OkSpec], body: Any) -> bool:
    """All tests of a body. Raises ExpressionError."""
    return all(_passes(test, body) for test in tests)


def _passes(test: OkSpec, body: Any) -> bool:
    if test.test is not None:
        return test.test.true(body)
    found = getter(test.path)(body)
    return found is ABSENT or found is None if test.absent else bool(found == test.value)


def check(answer: Answer, context: Context) -> None:
    """Nothing, or the one error that fits."""
    body = soft(answer.body)
    code = as_text(first(context.errors.code)(body)) if context.errors.code else None
    fine = has_status(answer, context.operation) and _passed(body, context)
    refused = limiting.refusal(context.limits, answer.status, answer.headers, code)
    if refused is None and not fine and code in context.errors.limited_codes:
        refused = limiting.PLAINLY
    if refused is not None:
        raise _limited(answer, context, refused, body)
    if not fine:
        raise _failure(answer, context, body, code)
    if context.write and answer.is_page:
        raise Unknown("a web page came instead of the API's answer", answer.where, "read the record; " + PAGE)


def refused(answer: Answer, errors: ErrorSpec) -> tuple[int, str | None]:
    """The status and code of an answer outside any operation; a code that means 401 is one, whatever its status."""
    code = as_text(first(errors.code)(soft(answer.body))) if errors.code else None
    return (401 if code in errors.unauthorised_codes else answer.status), code


def _passed(body: Any, context: Context) -> bool:
    try:
        return passes(context.operation.ok, body)
    except ExpressionError as error:
        if context.write:
            what = f"nobody can tell whether the write landed: {error.what}"
            raise Unknown(what, error.where, "read the record before writing again") from None
        raise Malformed(error.what, error.where, error.accepted) from None


def _failure(answer: Answer, context: Context, body: Any, code: str | None) -> ConnectorError:
    said = context.redact(message(body, context.errors, answer.status))
    named = _by_code(answer, context, body, code, said)
    if named is not None:
        return named
    if answer.status == 401:
        return _unauthorised(answer, said, code)
    if answer.status == 403:
        return _forbidden(answer, said)
    if answer.status in (404, 410) and context.about_record:
        return _gone(answer, context, body)
    if answer.status in context.errors.busy or answer.status in (408, 425) or answer.status >= 500:
        return _troubled(answer, context, said)
    if answer.status < 400:
        return _unexpected(answer, context, body, said)
    return _rejected(answer, context, body, said)


def _by_code(answer: Answer, context: Context, body: Any, code: str | None, said: str) -> ConnectorError | None:
    """What a code means, whatever the status; and another version, which some say by the status alone."""
    errors = context.errors
    if context.conditional and _is_conflict(answer, context, code):
        return Stale(
            "the record has another version by now",
            answer.where,
            "read it again, then decide",
            current=_current(answer, context, body),
        )
    if code is None:
        return None
    if code in errors.unauthorised_codes:
        return _unauthorised(answer, said, code)
    if code in errors.forbidden_codes:
        return _forbidden(answer, said)
    if code in errors.gone_codes and context.about_record:
        return _gone(answer, context, body)
    return _troubled(answer, context, said) if code in errors.busy_codes else None


def _unauthorised(answer: Answer, said: str, code: str | None) -> Unauthorised:
    what = f"the provider does not accept the credentials: {said}"
    return Unauthorised(what, answer.where, "renew the account's secret", status=401, code=code)


def _forbidden(answer: Answer, said: str) -> Unauthorised:
    what = f"the credentials may not do this: {said}"
    return Unauthorised(what, answer.where, "grant the account this right", status=403)


def _gone(answer: Answer, context: Context, body: Any) -> Gone:
    return Gone("there is no such record", answer.where, item=_tombstone(answer, context, body))


def _unexpected(answer: Answer, context: Context, body: Any, said: str) -> ConnectorError:
    """Neither a success nor an error by its status: refused in its body, several records at once, or nonsense."""
    told = isinstance(body, dict | list)
    if has_status(answer, context.operation) and told:
        return _rejected(answer, context, body, said)
    if answer.status == 300:
        return _rejected(answer, context, body, f"several records fit: {said}")
    what = f"unexpected answer {answer.status}: {said}"
    if context.write and answer.status < 300:
        return Unknown(f"{what}; the write may have landed", answer.where, "read the record before writing again")
    return Malformed(what, answer.where, PAGE if answer.is_page else _expected(context.operation))


def _rejected(answer: Answer, context: Context, body: Any, said: str) -> Rejected:
    lost = answer.status in (404, 410) and not context.about_record
    return Rejected(
        f"the provider refused ({answer.status}): {said}",
        answer.where,
        "check the account's address, its region and the object's path" if lost else "",
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
    if condition is None:
        return False
    told = as_text(getter(condition.code_path)(soft(answer.body))) if condition.code_path else code
    if answer.status in condition.code_status:
        return told in condition.codes
    if answer.status not in condition.status:
        return False
    return bool(condition.code_status) or not condition.codes or told in condition.codes


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


def redactor(secrets: Mapping[str, str]) -> Callable[[str], str]:
    """A function that blanks the account's secrets, should a provider repeat them in a message."""
    hidden = sorted((value for value in secrets.values() if len(value) >= 4), key=len, reverse=True)

    def redact(text: str) -> str:
        for value in hidden:
            text = text.replace(value, "•••")
        return text

    return redact
