"""Every way in which talking to a remote system can fail, sorted by what the caller should do about it.

``Retryable``: nothing was changed over there, try again later.  ``Unknown``: a write may or may not have landed,
settle it by reading.  ``Permanent``: trying the same again gives the same answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncapp.connectors.records import Item


class ConnectorError(Exception):
    """What happened, where, and what is accepted or to be done next. Never holds a secret."""

    def __init__(self, what: str, where: str = "", accepted: str = "") -> None:
        self.what, self.where, self.accepted = what, where, accepted
        super().__init__(
            ". ".join(part.rstrip(".") for part in (what, where and f"Where: {where}", accepted) if part) + "."
        )


class Retryable(ConnectorError):
    """Nothing was changed remotely; the same call may be made again later, after ``retry_after`` seconds if known."""

    def __init__(self, what: str, where: str = "", accepted: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(what, where, accepted)
        self.retry_after = retry_after


class Limited(Retryable):
    """The provider (or our own bucket for it) asks us to wait; with ``bucket``, only for calls that count in it."""

    def __init__(
        self, what: str, where: str = "", accepted: str = "", *, retry_after: float | None = None, bucket: str = ""
    ) -> None:
        super().__init__(what, where, accepted, retry_after=retry_after)
        self.bucket = bucket


class Unavailable(Retryable):
    """The provider could not be reached, or answered that it cannot work now."""


class Unknown(ConnectorError):
    """A write was sent, or may have been, and no usable answer came: only a read can tell whether it landed."""


class Permanent(ConnectorError):
    """The same call would get the same answer: somebody or something has to change first."""


class Unauthorised(Permanent):
    """The credentials are wrong, expired (401), or may not do this (403). ``code`` is the provider's own."""

    def __init__(
        self, what: str, where: str = "", accepted: str = "", *, status: int = 0, code: str | None = None
    ) -> None:
        super().__init__(what, where, accepted)
        self.status, self.code = status, code


class Rejected(Permanent):
    """The provider refused the values. ``fields`` names provider paths it complained about, if it named any."""

    def __init__(
        self,
        what: str,
        where: str = "",
        accepted: str = "",
        *,
        fields: Mapping[str, str] | None = None,
        message: str = "",
        status: int = 0,
    ) -> None:
        super().__init__(what, where, accepted)
        self.status = status
        self.fields: dict[str, str] = dict(fields or {})
        self.message = message or what


class Stale(Permanent):
    """A conditional write met another version. ``current`` is the record as it is now, if the answer carried it."""

    def __init__(self, what: str, where: str = "", accepted: str = "", *, current: Item | None = None) -> None:
        super().__init__(what, where, accepted)
        self.current = current


class Gone(Permanent):
    """The record does not exist (any more). ``item`` is its tombstone, if the provider shows one."""

    def __init__(self, what: str, where: str = "", accepted: str = "", *, item: Item | None = None) -> None:
        super().__init__(what, where, accepted)
        self.item = item


class LooksOnly(Permanent):
    """A write was asked of a client that was made for looking only."""


class TooLarge(Permanent):
    """An answer was larger than we are willing to hold."""


class Misconfigured(Permanent):
    """The account's settings or the manifest do not fit what was asked."""


class EgressDenied(Permanent):
    """The address is not one that this account may call."""


class Malformed(Permanent):
    """The provider's answer is not what its manifest says: not JSON, no list, an endless pager …"""


class PageLost(Permanent):
    """The provider has forgotten the page from which a listing was to go on: it begins again."""


class PlaceLost(Permanent):
    """What changed since the last pass cannot be told any more, or not completely: everything has to be listed."""


class NoEnd(Malformed, PlaceLost):
    """A listing took more pages than it may. Whatever is done about it, it has to begin again."""


class MappingError(Permanent):
    """A mapping is written wrongly, or values cannot be expressed in it. ``fields`` names field -> reason."""

    def __init__(
        self, what: str, where: str = "", accepted: str = "", *, fields: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(what, where, accepted)
        self.fields: dict[str, str] = dict(fields or {})


class ManifestError(ConnectorError):
    """A provider file is wrong: which file, which path in it, which line, and what would be accepted there."""

    def __init__(self, file: str, path: str, message: str, accepted: str = "", *, line: int | None = None) -> None:
        self.file, self.path, self.message, self.line = file, path, message, line
        place = f"{file}{f':{line}' if line else ''}{f' at {path}' if path else ''}"
        super().__init__(message, place, accepted)
