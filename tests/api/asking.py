"""Ask the API as a program does: with a token, in JSON."""

from __future__ import annotations

from typing import Any

from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from tests.review.seeding import person

ROOT = "/api/v1/"


def program(team: str = "Viewer") -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=person(team)).key}")
    return client


def get(client: APIClient, path: str, **query: Any) -> Any:
    answer = client.get(ROOT + path, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def refused(client: APIClient, path: str, **query: Any) -> dict[str, Any]:
    answer = client.get(ROOT + path, query)
    assert answer.status_code == 400, answer.content
    return dict(answer.json())
