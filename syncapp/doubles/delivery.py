"""A webhook that a double would have sent, and a handshake that it would have asked for."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Delivery:
    """One request to the hub. ``about``: (object, record id, kind) of what it tells, as far as the double knows."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    about: tuple[tuple[str, str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "method": self.method, "url": self.url, "headers": dict(self.headers),
            "body": base64.b64encode(self.body).decode(), "about": [list(one) for one in self.about],
        }  # fmt: skip

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Delivery:
        about = tuple((str(object), str(id), str(kind)) for object, id, kind in told["about"])
        return cls(told["method"], told["url"], told["headers"], base64.b64decode(told["body"]), about)


@dataclass(frozen=True)
class Handshake:
    """One question, and what satisfies the provider: the status, and the body where it matters (None: any)."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    status: int = 200
    answer: bytes | None = None

    def as_json(self) -> dict[str, Any]:
        answer = None if self.answer is None else base64.b64encode(self.answer).decode()
        told = {"method": self.method, "url": self.url, "headers": dict(self.headers), "status": self.status}
        return {**told, "body": base64.b64encode(self.body).decode(), "answer": answer}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Handshake:
        answer = None if told["answer"] is None else base64.b64decode(told["answer"])
        body = base64.b64decode(told["body"])
        return cls(told["method"], told["url"], told["headers"], body, told["status"], answer)
