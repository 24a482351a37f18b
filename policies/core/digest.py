"""Canonical JSON (RFC 8785 for canonical values) and its SHA-256. A fast path, never the definition of sameness."""

from __future__ import annotations

import hashlib
import json

from .scalars import BIGGEST
from .values import Json

_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def canonical_json(value: Json) -> bytes:
    """The one spelling of a canonical value. Raises ValueError, naming the path, for what has no such spelling."""
    _check(value, "$")
    return _ENCODER.encode(value).encode()


def digest(value: Json) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def _check(value: Json, path: str) -> None:
    if isinstance(value, str):
        _check_text(value, path)
    elif value is None or isinstance(value, bool):
        return
    elif isinstance(value, int):
        if not -BIGGEST <= value <= BIGGEST:
            raise ValueError(f"{path}: {value} is beyond 2^53; write it as text")
    elif isinstance(value, dict):
        for key, element in value.items():
            _check_key(key, path)
            _check(element, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for index, element in enumerate(value):
            _check(element, f"{path}[{index}]")
    else:
        raise ValueError(f"{path}: {type(value).__name__} has no canonical JSON; accepted: text, whole numbers, "
                         "booleans, null, lists and objects")  # fmt: skip


def _check_key(key: object, path: str) -> None:
    """Beyond the BMP, order by code point and order by UTF-16 (which RFC 8785 asks for) differ."""
    if not isinstance(key, str) or any(char > "\uffff" for char in key):
        raise ValueError(f"{path}: the key {key!r} must be text within the Basic Multilingual Plane")
    _check_text(key, path)


def _check_text(value: str, path: str) -> None:
    if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        raise ValueError(f"{path}: the text holds half a surrogate pair")
