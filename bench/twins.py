"""Two systems that know mostly the same people, filled without their APIs, and what their files hold afterwards."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from syncapp.sandbox.app import create_app
from syncapp.sandbox.people import person
from syncapp.sandbox.settings import Settings
from syncapp.sandbox.store import Record

# Every so many people know another value on the second side, or nothing on one of them.
OTHER_NAME, OTHER_SURNAME, NO_PHONE, NO_STREET = 25, 100, 10, 15
PAIRS = {
    "email": "email", "firstname": "name_first", "lastname": "name_last", "phone": "telephone",
    "street": "address_line", "zip": "postcode", "city": "town", "tags": "labels",
    "newsletter": "marketing_opt_in", "credit_limit": "credit_cents",
}  # fmt: skip
TABLES = {"crm": "contacts", "billing": "customers"}


def fill(dialect: str, path: Path, first: int, count: int) -> None:
    """People number `first` and on, into a new file."""
    sandbox = create_app(Settings(dialect, path)).extensions["sandbox"]
    book = sandbox.shelf.people
    now, step = book.clock.now(), book.dialect.granularity_ms
    with book.store.transaction():
        for place, number in enumerate(range(first, first + count), 1):
            fields = book.sort.blank() | book.sort.store(_known(dialect, number), False)
            made = (now - (count - place + 1) * 100) // step * step
            identifier = book.sort.make_id(place)
            book.table.put(Record(place, identifier, None, fields, 1, made, made, False, "user", "Import"))
    book.store.close()


def _known(dialect: str, number: int) -> dict[str, Any]:
    someone = person(number)
    if dialect == "crm":
        return someone.crm() | ({"phone": None} if number % NO_PHONE == 0 else {})
    told = someone.billing()
    if number % OTHER_NAME == 1:
        told["name_first"] = f"{someone.first}-Marie"
    if number % OTHER_SURNAME == 2:
        told["name_last"] = f"{someone.last}-Meier"
    if number % NO_STREET == 0:
        told |= {"address_line": None, "postcode": None, "town": None}
    return told


@dataclass(frozen=True, slots=True)
class Held:
    """What one system holds, by e-mail, and how often somebody stands there twice."""

    people: Mapping[str, Mapping[str, Any]]
    doubled: int


def held(dialect: str, path: Path) -> Held:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
        rows = file.execute(f"SELECT fields FROM {TABLES[dialect]} WHERE deleted = 0").fetchall()  # noqa: S608
    people = [orjson.loads(fields) for (fields,) in rows]
    counted = Counter(fields["email"].lower() for fields in people)
    doubled = sum(number - 1 for number in counted.values())
    return Held({fields["email"].lower(): fields for fields in people}, doubled)


def written(path: Path) -> int:
    """How many writes of the hub the system carried out."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
        return int(file.execute("SELECT COUNT(*) FROM writes").fetchone()[0])


def differing(crm: Held, billing: Held) -> dict[str, list[str]]:
    """E-mail -> CRM's names of the fields that the two hold differently; "" for people whom only one knows."""
    out = {email: [""] for email in crm.people.keys() ^ billing.people.keys()}
    for email in crm.people.keys() & billing.people.keys():
        mine, theirs = crm.people[email], billing.people[email]
        names = [name for name, other in PAIRS.items() if _common(name, mine[name]) != _common(name, theirs[other])]
        if names:
            out[email] = names
    return out


def _common(name: str, value: Any) -> Any:
    """A value of either side in one spelling."""
    if name == "tags":
        return sorted(value.split(";")) if isinstance(value, str) else value or []
    if name == "newsletter":
        return value in ("true", 1)
    if name == "credit_limit":
        return round(float(value) * 100) if isinstance(value, str) else value
    if name == "email":
        return value.lower()
    if name == "phone":
        return "".join(filter(str.isdigit, value or ""))  # each side groups the digits in its own way
    return value
