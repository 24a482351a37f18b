"""Credentials of accounts: encrypted with rotatable keys, or references that are resolved when they are used.

No value and no part of one ever goes into an error or a log line.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from .models import Account

FILE_LIMIT = 64 * 1024
# Beside a renewed token: a digest of what the reference named when it was renewed. No secret has a dot in its name.
RENEWED_FROM = ".renewed_from"
REFERENCES = "{env: NAME} or {file: /path}"


class SecretProblem(Exception):
    """A secret that cannot be had; the sentence says which one, where it was looked for and what to do."""


def keys() -> MultiFernet:
    """The first key encrypts, every key decrypts."""
    return MultiFernet([Fernet(key) for key in settings.CREDENTIAL_KEYS])


def encrypt(values: Mapping[str, str]) -> bytes:
    return keys().encrypt(json.dumps(dict(values), sort_keys=True).encode()) if values else b""


def decrypt(account: Account) -> dict[str, str]:
    """The stored secrets of an account. Raises SecretProblem if no key fits."""
    token = bytes(account.secrets)
    if not token:
        return {}
    try:
        found = json.loads(keys().decrypt(token))
    except InvalidToken:
        raise SecretProblem(
            f"the stored credentials of account {account.slug!r} fit none of the keys in CONCORD_CREDENTIAL_KEYS: "
            "add the key they were stored with, or enter them again"
        ) from None
    return {str(name): str(value) for name, value in found.items()}


def rotate(token: bytes) -> bytes:
    """The same secrets under the newest key."""
    return keys().rotate(token) if token else b""


def secrets_of(account: Account) -> dict[str, str]:
    """Everything an account's client needs: what is stored, and what its references name.

    A token that was renewed stands for the one that its reference named then; another one there is a new beginning.
    """
    found = decrypt(account)
    marks = {name: found.pop(name) for name in list(found) if name.endswith(RENEWED_FROM)}
    for name, reference in account.secret_refs.items():
        given = _resolved(account, name, reference)
        if marks.get(name + RENEWED_FROM) != _digest(given):
            found[name] = given
    return found


def kept_secrets(account: Account, changed: Mapping[str, str]) -> bytes:
    """What is to be stored when these were renewed: encrypted, with marks of the references that they stand for."""
    refs = account.secret_refs
    marks = {name + RENEWED_FROM: _digest(_resolved(account, name, refs[name])) for name in changed if name in refs}
    return encrypt({**decrypt(account), **changed, **marks})


def _resolved(account: Account, name: str, reference: Any) -> str:
    return resolve(reference, f"secret {name!r} of account {account.slug!r}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def resolve(reference: Any, whose: str) -> str:
    """The value of {env: NAME} or {file: path}. Raises SecretProblem."""
    if isinstance(reference, Mapping) and len(reference) == 1:
        [(kind, name)] = reference.items()
        if kind == "env" and isinstance(name, str):
            return _from_environment(name, whose)
        if kind == "file" and isinstance(name, str):
            return _from_file(name, whose)
    raise SecretProblem(f"{whose} is not a reference; accepted: {REFERENCES}")


def _from_environment(name: str, whose: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise SecretProblem(
            f"{whose} is read from the environment variable {name}, which is not set: set it and start again"
        )
    return value


def _from_file(path: str, whose: str) -> str:
    try:
        with Path(path).open(encoding="utf-8") as file:
            value = file.read(FILE_LIMIT + 1)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SecretProblem(f"{whose} is read from the file {path}, which cannot be read ({reason})") from None
    if len(value) > FILE_LIMIT or not value.strip():
        raise SecretProblem(f"{whose} is read from the file {path}, which is empty or larger than {FILE_LIMIT} bytes")
    return value.strip()
