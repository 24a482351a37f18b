"""One file, checked against the schema; every complaint names the file, the line, the place and what is accepted."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from jsonschema import Draft202012Validator

from syncapp.connectors.errors import ManifestError
from syncapp.connectors.located import Located, check_against

MAX_BYTES = 5_000_000
ApplyError = ManifestError
Place = Sequence[str | int]


class Complains(Protocol):
    """A file or a form: whatever can say what is wrong at one place of it."""

    def wrong(self, place: Place, message: str, accepted: str = "") -> ManifestError: ...


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8")))


def read(path: Path) -> Located:
    """The checked content of a file. Raises ApplyError."""
    try:
        content = path.read_bytes()
        text = content.decode("utf-8")
    except OSError as error:
        raise ApplyError(str(path), "", f"cannot be read: {error.strerror}", "Accepted: a readable file") from None
    except UnicodeDecodeError:
        raise ApplyError(str(path), "", "is not UTF-8 text", "Accepted: YAML in UTF-8") from None
    if len(content) > MAX_BYTES:
        raise ApplyError(str(path), "", f"is larger than {MAX_BYTES:,} bytes", "Accepted: a smaller file") from None
    return parse(text, str(path))


def parse(text: str, name: str) -> Located:
    """The checked content of a text; `name` stands for the file in errors."""
    found = Located(text, name)
    if not isinstance(found.data, dict):
        raise found.wrong((), "the file is not a mapping", "Accepted: accounts, syncs")
    check_against(found, _validator())
    return found


def known(found: Complains, place: Place, name: str, accepted: Sequence[str], what: str) -> None:
    """Raise ApplyError unless `name` is one of the accepted ones."""
    if name not in accepted:
        told = "Accepted: " + ", ".join(sorted(accepted)) if accepted else f"No {what} is known yet"
        raise found.wrong(place, f"there is no {what} {name!r}", told)


def from_environment(found: Complains, place: Place, value: Any) -> str:
    """A plain setting: the value itself, or {env: NAME}, with a default if one is given."""
    if not isinstance(value, Mapping):
        return value if isinstance(value, str) else json.dumps(value)
    held = os.environ.get(value["env"]) or value.get("default")
    if held is None:
        raise found.wrong(place, f"the environment variable {value['env']} is not set", "set it, or give a default")
    return str(held)
