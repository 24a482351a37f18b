"""What comes of a bad day at the provider: each trouble has to end in the error that says what to do next."""

from __future__ import annotations

from collections.abc import Callable

from syncapp.certify.bench import Bench
from syncapp.certify.results import Capability, Check, Failed, NotOffered, NotTried
from syncapp.connectors.errors import (
    ConnectorError,
    Limited,
    Malformed,
    Retryable,
    Unauthorised,
    Unavailable,
    Unknown,
)
from syncapp.connectors.transport import Timeouts

SHORT = Timeouts(2, 2, 5)


def limited(on: Bench) -> str:
    """A 429 is a wish to wait, with the provider's own hint how long."""
    with on.trouble("429"):
        error = _read_fails(on)
    mend = "`limits`: refused (status) or `errors.limited_codes`, and retry_after or reset, as the provider tells them"
    if not isinstance(error, Limited):
        raise Failed(f"a limit is read as: {error}", mend)
    return f"told to wait {error.retry_after or 0:.1f} s"


def down(on: Bench) -> str:
    """A 503 is trouble that passes: tried again later, nothing is believed to be lost."""
    with on.trouble("503", "read"):
        error = _read_fails(on)
    if not isinstance(error, Retryable):
        raise Failed(
            f"a 503 is read as: {error}", f"`{on.where('errors')}`: busy: [503], or leave it out of the others"
        )
    return "a 503 is trouble that passes"


def no_answer(on: Bench) -> str:
    """A write without an answer is unknown, and sent again with its key it makes one record."""
    operation = on.operation("create")
    number, key = on.next(), on.key()
    sent, external = on.fields.samples(number, on.mark), f"{on.mark}-{number}"
    with on.trouble("timeout_after_write"):
        try:
            made = on.create(sent, key, external)
            raise Failed(
                f"no answer came, and still {made.id} is told", "the answer of a create is taken from elsewhere"
            )
        except Unknown as unknown:
            told = unknown.what
        except ConnectorError as error:
            raise Failed(f"a write without an answer is read as: {error}", "report this with the file") from None
    if not operation.idempotency and not operation.exists:
        return f"unknown: {told}; the file declares no key, so it is looked up before it is sent again"
    mend = f"`{on.where('operations.create.idempotency')}`: the provider does not keep to it; leave it out"
    with on.blame(mend):
        first, second = on.create(sent, key, external), on.create(sent, key, external)
    on.expect(first.id == second.id, f"sent again, it is {first.id} and {second.id}", mend)
    twins = _twins(on, first.id)
    on.expect(len(twins) == 1, f"a write without an answer, sent again, made {len(twins)} records: {twins}", mend)
    return f"unknown: {told}; sent again with its key it is one record, {first.id}"


def _twins(on: Bench, id: str) -> list[str]:
    """Records that carry the same mark as this one."""
    mine = on.read(id)
    marks = [str(value) for name, value in on.fields.read(mine.body).items() if name in on.fields.carriers and value]
    if not on.spec.can("list") or not marks:
        return [id]
    on.settle()
    return [item.id for item in on.items() if not item.deleted and marks[0].encode() in item.raw]


def page_for_people(on: Bench) -> str:
    """HTML instead of JSON ends in a sentence about the answer, not in records and not in deletes."""
    return _ends(on, "html", lambda error: isinstance(error, Malformed | Unavailable | Unauthorised))


def truncated(on: Bench) -> str:
    return _ends(on, "truncated", lambda error: isinstance(error, Malformed | Unavailable))


def _ends(on: Bench, kind: str, fine: Callable[[ConnectorError], bool]) -> str:
    with on.trouble(kind, "read"):
        error = _read_fails(on)
    if error is None or not fine(error):
        raise Failed(
            f"{kind} is read as: {error or 'an ordinary page'}", f"`{on.where('operations.list')}`: a success test"
        )
    return str(error)


def _read_fails(on: Bench) -> ConnectorError | None:
    on.operation("list")
    client = on.place.connect(timeouts=SHORT, alone=True)
    try:
        next(client.pages(on.object, size=2))
    except ConnectorError as error:
        return error
    finally:
        client.close()
    return None


def revoked(on: Bench) -> str:
    """A right that was taken away is told as such, and not as a listing without records."""
    if on.manifest.auth.type == "none":
        raise NotOffered("the file declares no authentication")
    with on.trouble("403", "read"):
        error = _read_fails(on)
    if error is None:
        raise NotTried("the provider did not refuse")
    mend = f"`{on.where('errors')}`: unauthorised_codes, or take 403 out of the others"
    if not isinstance(error, Unauthorised):
        raise Failed(f"a 403 is read as: {error}", mend)
    return str(error)


T = Capability.TROUBLE
CHECKS = (
    Check("trouble.limited", "a 429 is a wish to wait", T, limited, False, True),
    Check("trouble.down", "a 503 is trouble that passes", T, down, False, True),
    Check("trouble.forbidden", "a 403 is a right that is missing", T, revoked, False, True),
    Check("trouble.html", "HTML instead of JSON is told as such", T, page_for_people, False, True),
    Check("trouble.truncated", "an answer that is cut is told as such", T, truncated, False, True),
    Check("trouble.no_answer", "a write without an answer is settled, not doubled", T, no_answer),
)
