"""Dotted paths into JSON (``a.b[0].c``, ``a["odd.key"]``), compiled into closures: mapping runs millions of times."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

Json = Any
Step = str | int


class Absent:
    """The value of a path that is not there, which is not the same as null."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = Absent()
TOKEN = re.compile(r"""(?:^|\.)([^.\[\]"]+)|\[(-?\d+)\]|(?:^|\.)?\[?"((?:[^"\\]|\\.)*)"\]?""")
ACCEPTED = (
    "dotted keys with optional indexes and quoted keys, such as address.city, emails[0].value, data[-1].id or "
    'fields["First name"]'
)


LONGEST_INDEX = 4


class PathError(ValueError):
    """The text is not a path."""


def split(path: str) -> tuple[Step, ...]:
    """The steps of a path; the empty path is the whole body."""
    steps: list[Step] = []
    at = 0
    while at < len(path):
        found = TOKEN.match(path, at)
        if found is None or found.end() == at:
            raise PathError(f"{path!r} is not a path: stopped reading at {path[at:]!r}; accepted: {ACCEPTED}")
        key, index, quoted = found.groups()
        if index is not None:
            if len(index) > LONGEST_INDEX:  # writing there would make that many entries
                raise PathError(f"{path!r} is not a path: the index {index[:20]} is too large; accepted: 0 to 9999")
            steps.append(int(index))
        else:
            steps.append(key if key is not None else re.sub(r"\\(.)", r"\1", quoted))
        at = found.end()
    return tuple(steps)


def getter(path: str) -> Callable[[Json], Json]:
    """A function that reads the path, or gives ABSENT."""
    steps = split(path)
    if not steps:
        return lambda body: body
    if len(steps) == 1:
        return _one(steps[0])
    if len(steps) == 2 and isinstance(steps[0], str) and isinstance(steps[1], str):
        return _two(steps[0], steps[1])
    return _many(steps)


def _one(step: Step) -> Callable[[Json], Json]:
    if isinstance(step, int):
        return lambda body: body[step] if isinstance(body, list) and -len(body) <= step < len(body) else ABSENT
    return lambda body: body.get(step, ABSENT) if isinstance(body, dict) else ABSENT


def _two(outer: str, inner: str) -> Callable[[Json], Json]:
    def read(body: Json) -> Json:
        if not isinstance(body, dict):
            return ABSENT
        middle = body.get(outer, ABSENT)
        return middle.get(inner, ABSENT) if isinstance(middle, dict) else ABSENT

    return read


def _many(steps: Sequence[Step]) -> Callable[[Json], Json]:
    readers = [_one(step) for step in steps]

    def read(body: Json) -> Json:
        for reader in readers:
            body = reader(body)
            if body is ABSENT:
                return ABSENT
        return body

    return read


def setter(path: str) -> Callable[[dict[str, Json], Json], None]:
    """A function that writes the path into a body, making the objects and list places on the way."""
    steps = split(path)
    if not steps or isinstance(steps[0], int):
        raise PathError(f"{path!r} cannot be written: it has to begin with a key")
    if any(isinstance(step, int) and step < 0 for step in steps):
        raise PathError(f"{path!r} cannot be written: nobody knows where a list ends that is being made")

    def write(body: dict[str, Json], value: Json) -> None:
        here: Json = body
        for step, following in pairwise(steps):
            here = _descend(here, step, [] if isinstance(following, int) else {})
        _put(here, steps[-1], value)

    return write


def _descend(here: Json, step: Step, fresh: Json) -> Json:
    if isinstance(step, int):
        _grow(here, step)
        if here[step] is None:
            here[step] = fresh
        return here[step]
    if here.get(step) is None:
        here[step] = fresh
    return here[step]


def _put(here: Json, step: Step, value: Json) -> None:
    if isinstance(step, int):
        _grow(here, step)
    here[step] = value


def _grow(items: list[Json], index: int) -> None:
    items.extend([None] * (index + 1 - len(items)))


def first(paths: Sequence[str]) -> Callable[[Json], Json]:
    """A function that gives the first of several paths that is present and not null, else ABSENT."""
    getters = [getter(path) for path in paths]

    def read(body: Json) -> Json:
        for get in getters:
            value = get(body)
            if value is not ABSENT and value is not None:
                return value
        return ABSENT

    return read


def as_text(value: Json) -> str | None:
    """Ids, versions and actors are carried as text, whatever the provider makes of them."""
    if value is ABSENT or value is None or isinstance(value, dict | list):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
