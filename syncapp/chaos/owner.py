"""Who answers what is asked also looks at what was braked, whenever that happens, and lets it go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

from policies.core.values import Kind
from syncapp.brakes import open_brakes
from syncapp.demo.reviewer import ACTOR, Decide, Reviewer
from syncapp.releasing import release_brake
from syncapp.stopping import Refused


class Owner(Reviewer):
    """`released` says why each brake had tripped that was released."""

    def __init__(self, decide: Decide, random: Random, answers: Mapping[Kind, Sequence[str]]) -> None:
        super().__init__(decide, random, answers)
        self.released: list[str] = []

    def answer_all(self) -> int:
        return self.release_all() + super().answer_all()

    def release_all(self) -> int:
        taken = 0
        for brake in open_brakes():
            try:
                release_brake(brake, ACTOR, "looked at in the storm")
            except Refused:
                continue  # it had ended by itself meanwhile
            self.released.append(brake.sentence)
            taken += 1
        return taken
