"""Who is where before the first load: most in all three systems, some in one or two only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from syncapp.sandbox.people import Person, person

from .directory import Directory
from .sandboxes import Sandbox

IN_CRM = range(1, 301)
IN_BILLING = range(1, 261)
ONLY_IN_BILLING = range(301, 311)
IN_DIRECTORY = range(31, 301)
ONLY_IN_DIRECTORY = range(311, 321)
NO_ADDRESS = {"street": None, "zip": None, "city": None}


def settle_in(crm: Sandbox, billing: Sandbox, directory: Directory) -> None:
    """Fill what is empty; the sandboxes fill themselves with their first people.

    A system that holds somebody alone is not given fields which only another may enter: nobody could agree to them.
    """
    if directory.rows():
        return
    for row in crm.rows():
        if int(row["id"]) - 1000 not in IN_BILLING:
            crm.edit(row["id"], {"credit_limit": None}, "Import")
    known = {row["fields"]["email"] for row in billing.rows()}
    for someone in [one for one in _people(ONLY_IN_BILLING) if one.email not in known]:
        billing.create(someone.billing() | {"plan": None}, "Import")
    everybody = [in_directory(someone) for someone in _people(IN_DIRECTORY)]
    strangers = [{**in_directory(someone), **NO_ADDRESS} for someone in _people(ONLY_IN_DIRECTORY)]
    # The last thing done: while the directory is empty, a start that was interrupted is gone on with.
    directory.create_many([*everybody, *strangers])


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
