"""A running sandbox, as a person at its own page and a script at its back door have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from .processes import DemoProblem

PATIENCE = 15


@dataclass(slots=True)
class Sandbox:
    name: str
    url: str
    _session: requests.Session = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False

    def back(self, method: str, path: str, **given: Any) -> Any:
        answer = self._session.request(method, f"{self.url}/_sandbox/{path}", timeout=PATIENCE, **given)
        if not answer.ok:
            raise DemoProblem(f"{self.name} answered {answer.status_code} to {method} {path}: {answer.text[:200]}")
        return answer.json() if answer.content else None

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/_sandbox/health", timeout=2).ok
        except requests.RequestException:
            return False

    def create(self, fields: Mapping[str, Any], actor: str = "") -> str:
        return str(self.back("POST", "create", json={"fields": dict(fields), "actor": actor})["id"])

    def edit(self, record: str, fields: Mapping[str, Any], actor: str = "") -> dict[str, Any]:
        return dict(self.back("POST", "edit", json={"id": record, "fields": dict(fields), "actor": actor}))

    def hook(self, url: str, secret: str) -> None:
        self.back("PUT", "webhook", json={"url": url, "secret": secret})

    def faults(self, faults: Mapping[str, Any]) -> None:
        self.back("PUT", "faults", json=dict(faults))

    def rows(self) -> list[dict[str, Any]]:
        """Every record that is not deleted."""
        return [row for row in self.back("GET", "dump")["records"] if not row["deleted"]]

    def log(self, name: str, after: int = 0) -> list[dict[str, Any]]:
        """All lines of "writes" or "edits" after that one."""
        lines: list[dict[str, Any]] = []
        while page := self.back("GET", name, params={"after": after})[name]:
            lines += page
            after = page[-1]["seq"]
        return lines

    def stats(self) -> dict[str, dict[str, int]]:
        return dict(self.back("GET", "stats"))

    def all_told(self) -> bool:
        """No webhook waits to be sent."""
        return self.stats()["webhooks"]["pending"] == 0
