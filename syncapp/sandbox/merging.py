"""Two records become one: the loser's id goes, the winner keeps its values and takes over what it had none of."""

from __future__ import annotations

from dataclasses import replace

from syncapp.sandbox.book import Book
from syncapp.sandbox.diary import Author, Change, note_deed
from syncapp.sandbox.refusals import BadValue
from syncapp.sandbox.store import Record
from syncapp.sandbox.values import Json

EMPTY: tuple[Json, ...] = (None, "", [])


def merge(book: Book, author: Author, winner: str, loser: str) -> Record:
    """The winner as it is then; what referred to the loser refers to the winner."""
    if winner == loser:
        raise BadValue(f"A {book.sort.noun} cannot be merged into itself. Name two ids.", "loser")
    with book.store.transaction():
        kept, gone = book.live(winner), book.live(loser)
        stone = replace(book.next_of(gone, author, deleted=True), merged_into=kept.id)
        book.table.put(stone)
        note_deed(book.store, book.sort.name, gone.id, "merged", author, stone.version, kept.id)
        new = _joined(book, author, kept, gone)
        change = Change("update", author, new.fields, kept.fields, new, True)
        book.write(change, merged=[gone.id])
        _refer_to(book, author, gone.id, kept.id)
    book.outbox.ring()
    return new


def _joined(book: Book, author: Author, kept: Record, gone: Record) -> Record:
    filled = {name: gone.fields[name] if value in EMPTY else value for name, value in kept.fields.items()}
    return replace(
        book.next_of(kept, author, fields=filled),
        external_id=kept.external_id or gone.external_id,
        merged=[*kept.merged, gone.id, *gone.merged],
    )


def _refer_to(book: Book, author: Author, gone: str, kept: str) -> None:
    for other in book.shelf.values():
        for field in other.sort.fields:
            if field.refers != book.sort.name:
                continue
            where = "WHERE deleted = 0 AND json_extract(fields, ?) = ?"
            for old in other.table.records(where, [f"$.{field.name}", gone]):
                told = {field.name: kept}
                new = other.next_of(old, author, fields=old.fields | told)
                other.write(Change("update", author, told, old.fields, new, True))
