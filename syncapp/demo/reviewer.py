"""Robin, who answers whatever is asked, through the same code as the web form."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import Any

from policies.core.resolve import ACTIONS, Choice, Moved, Refused
from policies.core.values import Kind
from syncapp.load import Contended
from syncapp.models import Conflict

logger = logging.getLogger(__name__)
Decide = Callable[[Conflict, int, Choice, str], None]
ACTOR = "robin"
ANSWERS = {Kind.DELETE: ("recreate",), Kind.CREATE: ("retry",), Kind.MERGE: ("follow",)}


class Reviewer:
    def __init__(
        self, decide: Decide, random: Random, answers: Mapping[Kind, Sequence[str]] = MappingProxyType(ANSWERS)
    ) -> None:
        self._decide, self._random, self._answers = decide, random, answers
        self.answered: list[tuple[Any, str, Any]] = []  # (record key, unit, the value that was chosen)

    def answer_all(self) -> int:
        """Answer what is open now; what moved meanwhile is asked again."""
        taken = 0
        for conflict in Conflict.objects.filter(state=Conflict.State.OPEN).select_related("record").order_by("id"):
            choice = self._choose(conflict)
            try:
                self._decide(conflict, conflict.version, choice, ACTOR)
            except (Moved, Contended):
                continue
            except Refused as refused:
                logger.warning("%s: %s", conflict, refused)
                continue
            taken += 1
            if not choice.action:
                self.answered.append((conflict.record_id, conflict.unit, _value(conflict, choice)))
        return taken

    def _choose(self, conflict: Conflict) -> Choice:
        kind = Kind(conflict.kind)
        if kind is Kind.MATCH:
            known = [one["source"] for one in conflict.candidates if one["source"] != conflict.role]
            return Choice(action="same", record=known[0]) if known else Choice(action="apart")
        if kind in ACTIONS:
            return Choice(action=self._random.choice(self._answers[kind]))
        sides = list(conflict.candidates)
        if conflict.unit == "phone" and self._random.random() < 0.25:
            # Neither is right: a third value is typed.
            return Choice(value={"phone": f"+4940{self._random.randrange(10**6, 10**7)}"})
        chosen = self._random.choice(sides)
        return Choice(source=chosen["source"], overwritten=chosen.get("overwritten", False))


def _value(conflict: Conflict, choice: Choice) -> Any:
    if choice.value is not None:
        return dict(choice.value)
    return next(one["value"] for one in conflict.candidates if one["source"] == choice.source)
