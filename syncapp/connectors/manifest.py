"""A provider file into a Manifest, or a ManifestError that says what to mend."""

from __future__ import annotations

from pathlib import Path

from syncapp.connectors import build, hookbuild
from syncapp.connectors.errors import ManifestError
from syncapp.connectors.hookspec import WebhookSpec
from syncapp.connectors.located import Located, check_schema
from syncapp.connectors.opspec import Operation
from syncapp.connectors.sense import check_sense
from syncapp.connectors.spec import FieldSpec, Manifest, ObjectSpec
from syncapp.connectors.words import put_words

MAX_BYTES = 1_000_000


def load(path: Path | str) -> Manifest:
    """The manifest in a file."""
    path = Path(path)
    try:
        content = path.read_bytes()
        text = content.decode("utf-8")
    except OSError as error:
        raise ManifestError(str(path), "", f"cannot be read: {error.strerror}", "a readable file") from None
    except UnicodeDecodeError:
        raise ManifestError(str(path), "", "is not UTF-8 text", "YAML in UTF-8") from None
    if len(content) > MAX_BYTES:
        raise ManifestError(str(path), "", f"is larger than {MAX_BYTES:,} bytes", "one provider in one file")
    return parse(text, str(path))


def parse(text: str, name: str) -> Manifest:
    """The manifest in a text; ``name`` stands for the file in errors."""
    found = Located(text, name)
    check_schema(found)
    put_words(found)
    check_sense(found)
    return build.manifest(found.data, name, hookbuild.webhook(found.data, name))


__all__ = ["FieldSpec", "Manifest", "ManifestError", "ObjectSpec", "Operation", "WebhookSpec", "load", "parse"]
