"""Invented people to fill a new sandbox: the same number gives the same person in every dialect."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syncapp.sandbox.store import Record
from syncapp.sandbox.values import Json

if TYPE_CHECKING:
    from syncapp.sandbox.book import Book

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


def settle_in(book: Book, number: int) -> None:
    """Fill an empty book; a book that has records is left alone, so a restart continues."""
    if book.store.count():
        return
    dialect = book.dialect
    step = dialect.granularity_ms
    with book.store.transaction():
        now = book.clock.now()
        for index in range(1, number + 1):
            someone = person(index)
            raw = someone.crm() if dialect.name == "crm" else someone.billing()
            fields = dialect.blank() | dialect.store(raw, book.box.now.extra_normalisation)
            created = (now - (number - index + 1) * 60_000) // step * step
            identifier = dialect.make_id(index)
            record = Record(index, identifier, None, fields, 1, created, created, False, "user", "Import")
            book.store.put(record)
