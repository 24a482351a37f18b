"""Where a provider makes its records itself: those that are there are lent for a trial, and given back as they were.

Only at a double or a server of our own: nobody's record of a live account is changed for a trial.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from syncapp.certify.fields import Values
from syncapp.certify.place import Against
from syncapp.certify.results import NotTried
from syncapp.connectors.errors import ConnectorError, Gone
from syncapp.connectors.records import Written

if TYPE_CHECKING:
    from syncapp.certify.making import Making


class Lent:
    """One object's records that were there before, each as it was."""

    def __init__(self, making: Making) -> None:
        self._making, self._before, self._turn = making, dict[str, Values](), 0

    def one(self, leave: tuple[str, ...], values: Values) -> tuple[Written, Values]:
        """The next record with samples over it, as if it were new; and what was sent."""
        making, id = self._making, self._next()
        sent = {**making.fields.samples(making.next(), making.mark, leave), **values}
        try:
            return self._write(id, sent), sent
        except Gone:  # by a person over there, in another check
            del self._before[id]
            return self.one(leave, values)

    def _next(self) -> str:
        if self._making.place.against is Against.ACCOUNT:
            raise NotTried("nothing can be made, and no record of a live account is changed for a trial")
        if self._turn == 0:
            live = [item for item in self._making.items() if not item.deleted]
            self._before = {item.id: self._making.fields.read(item.body) for item in live}
        if not self._before:
            raise NotTried("nothing can be made, and there are no records to be lent")
        self._turn += 1
        return list(self._before)[(self._turn - 1) % len(self._before)]

    def _write(self, id: str, values: Values) -> Written:
        making = self._making
        version = making.read(id).version if making.spec.conditional else None
        body = making.fields.mapping.write(values)
        return making.client.update(making.object, id, body, version=version, key=making.key())

    def give_back(self) -> list[str]:
        """Those that were lent are written as they were. Answers what could not be, and why."""
        lent, left = list(self._before.items())[: self._turn], []
        for id, before in lent:
            try:
                self._write(id, self._writable(before))
            except Gone:
                continue
            except ConnectorError as error:
                left.append(f"{self._making.object} {id}, which could not be given back as it was: {error}")
        self._turn = 0
        return left

    def _writable(self, before: Values) -> Values:
        def known(value: Any) -> bool:
            return value is None or isinstance(value, str | int | float | bool | list)

        return {name: value for name, value in before.items() if name in self._making.fields.writable and known(value)}
