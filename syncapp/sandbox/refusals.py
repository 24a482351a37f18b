"""What can go wrong with a request, named once; each API words it in its own shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncapp.sandbox.store import Record


class Refused(Exception):
    """The request is not carried out; the message is a sentence for the reader."""

    status = 400
    code = "invalid_request"

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.current: Record | None = None
        self.headers: dict[str, str] = {}


class BadValue(Refused):
    """A field or parameter holds something that it cannot hold."""

    code = "invalid_value"


class Missing(Refused):
    status = 404
    code = "not_found"


class Merged(Missing):
    """The record went into another one."""

    status = 410
    code = "merged"

    def __init__(self, message: str, into: str) -> None:
        super().__init__(message)
        self.into = into


class Unauthorised(Refused):
    """No token, or one that is not good (any more); told in a header as well, as RFC 6750 has it."""

    status = 401
    code = "unauthorised"

    def __init__(self, message: str, error: str) -> None:
        super().__init__(message)
        more = f', error="{error}", error_description="{message}"' if error else ""
        self.headers = {"WWW-Authenticate": f'Bearer realm="sandbox"{more}'}


class Forbidden(Refused):
    """A token that is good, but not here."""

    status = 403
    code = "forbidden"


class GrantRefused(Refused):
    """The token endpoint gives no tokens for this."""

    def __init__(self, message: str, code: str = "invalid_grant", status: int = 400) -> None:
        super().__init__(message)
        self.code, self.status = code, status


class VersionMoved(Refused):
    """A conditional write lost: somebody wrote in between."""

    status = 409
    code = "version_moved"

    def __init__(self, message: str, current: Record) -> None:
        super().__init__(message)
        self.current = current


class Taken(Refused):
    """The external id already belongs to another record."""

    status = 409
    code = "duplicate"

    def __init__(self, message: str, param: str, current: Record) -> None:
        super().__init__(message, param)
        self.current = current


class KeyReused(Refused):
    """The idempotency key was used before, for a different body."""

    status = 422
    code = "idempotency_key_reused"


class TooMany(Refused):
    status = 429
    code = "rate_limited"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.headers = {"Retry-After": str(retry_after)}


class UsedUp(TooMany):
    """No call is left of today's."""

    code = "daily_quota"


class Broken(Refused):
    """The server-error fault."""

    code = "server_error"

    def __init__(self, status: int) -> None:
        super().__init__("The sandbox was told to fail some requests. Send the request again.")
        self.status = status
