"""Read settings from the environment, typed, and refuse bad values in words a person can act on."""

import os
from collections.abc import Callable
from typing import NoReturn, TypeVar

from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = ("1", "true", "yes", "on")
FALSE_WORDS = ("0", "false", "no", "off")

N = TypeVar("N", int, float)


class SettingError(ImproperlyConfigured):
    """A setting that cannot be used; the message names it, what it got and what is accepted."""


def refuse(name: str, got: str, accepted: str) -> NoReturn:
    raise SettingError(f"{name} is {got!r}, which cannot be used. Accepted: {accepted}. Correct it in the environment.")


def env_str(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def env_bool(name: str, default: bool = False) -> bool:
    word = env_str(name).lower()
    if not word:
        return default
    if word not in TRUE_WORDS + FALSE_WORDS:
        refuse(name, word, ", ".join(TRUE_WORDS + FALSE_WORDS))
    return word in TRUE_WORDS


def env_int(name: str, default: int, low: int, high: int) -> int:
    return _number(name, default, low, high, int, "a whole number")


def env_float(name: str, default: float, low: float, high: float) -> float:
    return _number(name, default, low, high, float, "a number")


def _number(name: str, default: N, low: N, high: N, read: Callable[[str], N], kind: str) -> N:
    text = env_str(name)
    if not text:
        return default
    accepted = f"{kind} from {low} to {high}"
    try:
        value = read(text)
    except ValueError:
        refuse(name, text, accepted)
    # Written this way round so that "nan", which compares false with everything, is refused too.
    if not low <= value <= high:
        refuse(name, text, accepted)
    return value


def env_list(name: str, default: str = "", separator: str = ",") -> list[str]:
    return [part.strip() for part in env_str(name, default).split(separator) if part.strip()]


def env_choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    value = env_str(name, default)
    if value not in choices:
        refuse(name, value, ", ".join(choices))
    return value
