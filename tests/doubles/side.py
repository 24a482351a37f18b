"""The other end of a double in a test: calls over real HTTP with its token, and its controls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from syncapp.doubles.base import Double
from syncapp.doubles.control import Controls


class Side:
    def __init__(self, double: Double, url: str) -> None:
        self.double, self.url, self.controls = double, url, Controls(url)
        self.session = requests.Session()
        self.sign_in()

    @property
    def secrets(self) -> dict[str, str]:
        return self.controls.account()[1]

    def sign_in(self, name: str = "token") -> None:
        self.session.headers["Authorization"] = f"Bearer {self.secrets[name]}"

    def ask(self, method: str, path: str, **given: Any) -> requests.Response:
        url = path if path.startswith("http") else f"{self.url}{path}"
        return self.session.request(method, url, timeout=10, allow_redirects=False, **given)

    def get(self, path: str, **params: Any) -> Any:
        return self.ask("GET", path, params=params).json()

    def post(self, path: str, body: Any) -> Any:
        return self.ask("POST", path, json=body).json()

    def told(self) -> list[Any]:
        """The bodies of the webhooks since the last time."""
        return [json.loads(delivery.body) for delivery in self.controls.deliveries()]


@contextmanager
def running(double: Double) -> Iterator[Side]:
    with double.serve() as served:
        yield Side(double, served.url)
