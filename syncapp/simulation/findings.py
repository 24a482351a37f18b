"""What a check found: violations, in words, and the named windows that were met, by kind."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Findings:
    """Violations, and how often each window of I1 and I7 was met."""

    violations: list[str] = field(default_factory=list)
    windows: dict[str, int] = field(default_factory=dict)

    def window(self, kind: str) -> None:
        self.windows[kind] = self.windows.get(kind, 0) + 1
