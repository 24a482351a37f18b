"""Keep what a provider tells at sign-in beside the tokens: its own address for an account, a company, a region."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from syncapp.connectors.authspec import CaptureSpec
from syncapp.connectors.errors import Malformed
from syncapp.connectors.paths import as_text, getter

SOURCES = {
    "redirect": "the address that led back to the hub",
    "token": "the token answer",
    "choice": "the chosen entry",
}


def captured(
    wanted: Mapping[str, CaptureSpec], source: str, told: Any, where: str, *, all: bool = True
) -> dict[str, str]:
    """What one source tells, by name. Raises Malformed where a value is missing (unless not ``all`` is asked) or is not
    of the form that the manifest demands: some of it decides where credentials are sent to."""
    found: dict[str, str] = {}
    for name, spec in wanted.items():
        if spec.source != source:
            continue
        value = as_text(getter(spec.path)(told))
        if not value:
            if all and not spec.optional:
                raise Malformed(
                    f"{SOURCES[source]} tells no {spec.path!r}", where, f"check 'capture.{name}' in the file"
                )
            continue
        if spec.pattern and not re.fullmatch(spec.pattern, value):
            what = f"{SOURCES[source]} tells {value[:80]!r} as {name!r}, which is not accepted"
            raise Malformed(what, where, f"a value that fits {spec.pattern}")
        found[name] = value
    return found
