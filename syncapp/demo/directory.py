"""The company directory: a real Kinto server, prepared with a user, a bucket and a collection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from .processes import DemoProblem

BUCKET, COLLECTION, USER = "company", "people", "hub"
PATIENCE = 15
INI = """[server:main]
use = egg:waitress#main
host = 127.0.0.1
port = {port}
threads = 8
[app:main]
use = egg:kinto
kinto.storage_backend = kinto.core.storage.{backend}
kinto.storage_url = {url}
kinto.permission_backend = kinto.core.permission.{backend}
kinto.permission_url = {url}
kinto.cache_backend = kinto.core.cache.memory
kinto.userid_hmac_secret = {secret}
kinto.includes = kinto.plugins.accounts
kinto.paginate_by = 1000
multiauth.policies = account
multiauth.policy.account.use = kinto.plugins.accounts.authentication.AccountsAuthenticationPolicy
kinto.account_create_principals = system.Everyone
kinto.bucket_create_principals = system.Authenticated
"""


def write_ini(path: Path, port: int, secret: str, database: str = "") -> None:
    """With a database the directory outlives a restart; without, it lives in memory."""
    path.touch(mode=0o600)
    # A percent sign means something to the reader of such files.
    url = database.replace("%", "%%")
    path.write_text(INI.format(port=port, secret=secret, backend="postgresql" if database else "memory", url=url))


@dataclass(slots=True)
class Directory:
    """The running server, as somebody in the personnel department has it."""

    url: str
    password: str = field(repr=False)
    calls: int = 0
    _session: requests.Session = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.auth = (USER, self.password)

    @property
    def records_url(self) -> str:
        return f"{self.url}/v1/buckets/{BUCKET}/collections/{COLLECTION}/records"

    def call(self, method: str, url: str, **given: Any) -> Any:
        self.calls += 1
        answer = self._session.request(method, url, timeout=PATIENCE, **given)
        if not answer.ok:
            raise DemoProblem(f"The directory answered {answer.status_code} to {method} {url}: {answer.text[:200]}")
        return answer.json()

    def answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/v1/", timeout=2).ok
        except requests.RequestException:
            return False

    def prepare(self) -> None:
        """The user, the bucket and the collection; what is there already stays."""
        self.call("PUT", f"{self.url}/v1/accounts/{USER}", json={"data": {"password": self.password}})
        for path in (f"buckets/{BUCKET}", f"buckets/{BUCKET}/collections/{COLLECTION}"):
            self.call("PUT", f"{self.url}/v1/{path}", json={"data": {}})

    def create(self, fields: Mapping[str, Any]) -> str:
        return str(self.call("POST", self.records_url, json={"data": dict(fields)})["data"]["id"])

    def create_many(self, people: list[dict[str, Any]]) -> None:
        """Twenty-five at a time: as many as the server takes in one batch."""
        path = self.records_url.removeprefix(f"{self.url}/v1")
        for at in range(0, len(people), 25):
            batch = [{"method": "POST", "path": path, "body": {"data": one}} for one in people[at : at + 25]]
            answers = self.call("POST", f"{self.url}/v1/batch", json={"requests": batch})["responses"]
            refused = [answer for answer in answers if answer["status"] >= 300]
            if refused:
                raise DemoProblem(f"The directory refused a person: {refused[0]['body']}")

    def edit(self, record: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        return dict(self.call("PATCH", f"{self.records_url}/{record}", json={"data": dict(fields)})["data"])

    def rows(self) -> list[dict[str, Any]]:
        """Every record, as the server lists them."""
        return list(self.call("GET", self.records_url, params={"_limit": 1000})["data"])
