"""Invented people, and companies, to fill a new sandbox: the same number is the same one in every dialect."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncapp.sandbox.store import Record
from syncapp.sandbox.values import Json

if TYPE_CHECKING:
    from syncapp.sandbox.book import Book, Shelf

FIRST = (
    "Ada", "Ben", "Chloe", "David", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kamila", "Leon", "Maja",
    "Noah", "Olga", "Paul", "Quentin", "Rosa", "Samir", "Tessa", "Uma", "Viktor", "Wanda", "Xenia", "Yusuf", "Zoë",
)  # fmt: skip
LAST = (
    "Abel", "Brandt", "Costa", "Dietz", "Eriksen", "Fischer", "Grünwald", "Haas", "Ibrahim", "Jansen", "Keller",
    "Lindqvist", "Marino", "Novak", "Okafor", "Petrov", "Quast", "Rossi", "Schäfer", "Tanaka", "Ünal", "Vogel",
)  # fmt: skip
STREETS = ("Lindenweg", "Marktplatz", "Hafenstraße", "Mill Road", "Rosengasse", "Am Bach", "Ringstraße")
TOWNS = (("10115", "Berlin"), ("20095", "Hamburg"), ("50667", "Köln"), ("80331", "München"), ("04109", "Leipzig"))
TRADES = ("Bakery", "Books", "Logistics", "Optics", "Software", "Tools")
LABELS = ("fair", "partner", "press", "vip", "wholesale")


@dataclass(frozen=True)
class Person:
    first: str
    last: str
    email: str
    phone: str
    street: str
    postcode: str
    town: str
    labels: list[str]
    newsletter: bool
    cents: int
    stage: int

    def crm(self) -> dict[str, Json]:
        stages = ("subscriber", "lead", "opportunity", "customer")
        return {
            "email": self.email, "firstname": self.first, "lastname": self.last, "phone": self.phone,
            "street": self.street, "zip": self.postcode, "city": self.town, "lifecycle": stages[self.stage],
            "tags": ";".join(self.labels), "newsletter": self.newsletter,
            "credit_limit": f"{self.cents // 100}.{self.cents % 100:02d}",
        }  # fmt: skip

    def billing(self) -> dict[str, Json]:
        plans = ("free", "basic", "pro", "enterprise")
        return {
            "email": self.email, "name_first": self.first, "name_last": self.last,
            "telephone": self.phone, "address_line": self.street, "postcode": self.postcode,
            "town": self.town, "plan": plans[self.stage], "labels": self.labels,
            "marketing_opt_in": self.newsletter, "credit_cents": self.cents,
        }  # fmt: skip


def person(number: int) -> Person:
    dice = random.Random(f"person {number}")
    first, last = dice.choice(FIRST), dice.choice(LAST)
    postcode, town = dice.choice(TOWNS)
    return Person(
        first, last,
        f"person{number:04d}@example.com", f"+49 30 {5_550_000 + number}",
        f"{dice.choice(STREETS)} {dice.randint(1, 120)}", postcode, town,
        sorted(dice.sample(LABELS, dice.randint(0, 3))), dice.random() < 0.5,
        dice.randint(0, 50_000) * 10, dice.randint(0, 3),
    )  # fmt: skip


def company(number: int) -> dict[str, str]:
    dice = random.Random(f"company {number}")
    name = f"{dice.choice(LAST)} {dice.choice(TRADES)} {number}"
    return {"name": name, "domain": f"company{number:03d}.example", "city": dice.choice(TOWNS)[1]}


def settle_in(shelf: Shelf, people: int, companies: int) -> None:
    """Fill an empty sandbox; one that has records is left alone, so a restart continues."""
    if shelf.people.table.count():
        return
    persons, employers = shelf.books.values()
    with persons.store.transaction():
        ids = _fill(employers, [_spelled(employers, company(number)) for number in range(1, companies + 1)])
        known = [_known(persons, person(number), number, ids) for number in range(1, people + 1)]
        _fill(persons, known)


def _known(book: Book, someone: Person, number: int, employers: Sequence[str]) -> dict[str, Json]:
    """A person as the dialect spells one, at one of the companies if there are any."""
    raw = someone.crm() if book.dialect.name == "crm" else someone.billing()
    reference = next(field.name for field in book.sort.fields if field.refers)
    return raw | ({reference: employers[number % len(employers)]} if employers else {})


def _spelled(book: Book, told: dict[str, str]) -> dict[str, Json]:
    return {(book.sort.city if name == "city" else name): value for name, value in told.items()}


def _fill(book: Book, raws: Sequence[dict[str, Json]]) -> list[str]:
    """Records that were imported a minute apart; their ids."""
    step, now = book.dialect.granularity_ms, book.clock.now()
    for index, raw in enumerate(raws, 1):
        fields = book.sort.blank() | book.sort.store(raw, book.box.now.extra_normalisation)
        created = (now - (len(raws) - index + 1) * 60_000) // step * step
        identifier = book.sort.make_id(index)
        book.table.put(Record(index, identifier, None, fields, 1, created, created, False, "user", "Import"))
    return [book.sort.make_id(index) for index in range(1, len(raws) + 1)]
