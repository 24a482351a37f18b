"""Keep a generated secret in a file that only its owner can read."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from syncapp.env import SettingError


def kept_secret(path: Path, make: Callable[[], str]) -> str:
    """Read the secret, making it the first time; of two processes that make it at once both get the same one."""
    try:
        if not path.exists():
            _write_once(path, make())
        found = path.stat()
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise SettingError(f"{path} holds a secret and can be read by others: run `chmod 600 {path}`.")
        secret = path.read_text().strip()
    except OSError as error:
        raise SettingError(
            f"{path} cannot be used ({error.strerror}): make it readable, or set CONCORD_DATA."
        ) from error
    if not secret:
        raise SettingError(f"{path} is empty: restore it from a backup, or delete it to have a new one made.")
    return secret


def _write_once(path: Path, secret: str) -> None:
    half = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secret)
    try:
        os.link(half, path)  # unlike a rename it never replaces what another process wrote first
    except FileExistsError:
        return
    finally:
        half.unlink()
