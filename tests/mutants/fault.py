"""What a deliberate fault is: a few words of one file replaced, and the test that must not pass any more."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class Stale(Exception):
    """The code moved on: the words that the fault replaces are not there exactly once."""


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    file: str
    old: str
    new: str
    test: str  # as pytest names it

    def put_in(self, root: Path) -> str:
        """Change the copy below `root`; the text as it was. Raises Stale."""
        path = root / self.file
        text = path.read_text()
        if text.count(self.old) != 1:
            raise Stale(f"{self.name}: {self.file} holds the words to replace {text.count(self.old)} times, not once")
        path.write_text(text.replace(self.old, self.new))
        return text
