"""Who is where before the first load: most in all three systems, some in one or two only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from syncapp.sandbox.people import Person, person

from .directory import Directory
from .sandboxes import Sandbox

NO_ADDRESS = {"street": None, "zip": None, "city": None}


@dataclass(frozen=True, slots=True)
class Population:
    """Whose number lies in which range is in that system."""

    crm: range = range(1, 301)
    billing: range = range(1, 261)
    only_billing: range = range(301, 311)
    directory: range = range(31, 301)
    only_directory: range = range(311, 321)


def settle_in(crm: Sandbox, billing: Sandbox, directory: Directory, everybody: Population) -> None:
    """Fill what is empty; the sandboxes fill themselves with their first people.

    A system that holds somebody alone is not given fields which only another may enter: nobody could agree to them.
    """
    if directory.rows():
        return
    for row in crm.rows():
        if int(row["id"]) - 1000 not in everybody.billing:
            crm.edit(row["id"], {"credit_limit": None}, "Import")
    known = {row["fields"]["email"] for row in billing.rows()}
    for someone in [one for one in _people(everybody.only_billing) if one.email not in known]:
        billing.create(someone.billing() | {"plan": None}, "Import")
    known_people = [in_directory(someone) for someone in _people(everybody.directory)]
    strangers = [{**in_directory(someone), **NO_ADDRESS} for someone in _people(everybody.only_directory)]
    # The last thing done: while the directory is empty, a start that was interrupted is gone on with.
    directory.create_many([*known_people, *strangers])


def _people(numbers: Iterable[int]) -> list[Person]:
    return [person(number) for number in numbers]


def in_directory(someone: Person) -> dict[str, Any]:
    return {
        "mail": someone.email,
        "given_name": someone.first,
        "family_name": someone.last,
        "phone": someone.phone,
        "street": someone.street,
        "zip": someone.postcode,
        "city": someone.town,
    }
