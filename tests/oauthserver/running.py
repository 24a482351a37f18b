"""Start the authorization server of these tests, and be a person at it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / ".venv-servers" / "bin" / "python"
INSTALLED = PYTHON.exists() and any(PYTHON.parents[1].glob("lib/*/site-packages/oauth2_provider"))
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?')


class AuthorizationServer:
    def __init__(self, url: str) -> None:
        self.url = url

    def told(self, deed: str = "look") -> Any:
        """Deeds: look, expire (all access tokens end), revoke (all grants are taken back)."""
        return requests.get(f"{self.url}/control/{deed}", timeout=10).json()

    def calls(self, grant: str) -> list[str]:
        return [call for call in self.told()["calls"] if call.startswith(grant)]


@contextmanager
def running(folder: Path, redirect_uri: str) -> Iterator[AuthorizationServer]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(PYTHON), str(HERE / "server.py"), str(folder), str(port), redirect_uri]
    with (folder / "errors").open("wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line and json.loads(line)["ready"] == port, (folder / "errors").read_text()
        yield AuthorizationServer(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(10)


class Person:
    """Kim's browser at the provider."""

    def __init__(self) -> None:
        self.session = requests.Session()

    def go(self, url: str) -> requests.Response:
        """To the page of consent, by way of the log-in; or to where the server stops."""
        page = self.session.get(url, timeout=10)
        if "/login/" in page.url:
            page = self.submit(page, username="kim", password="pass-word", follow=True)
        return page

    def submit(self, page: requests.Response, *, follow: bool = False, **more: str) -> requests.Response:
        form = {name: value.replace("&amp;", "&").replace("&#x27;", "'") for name, value in HIDDEN.findall(page.text)}
        return self.session.post(page.url, data={**form, **more}, allow_redirects=follow, timeout=10)

    def answer(self, url: str, *, allow: bool) -> str:
        """Where the provider sends Kim back to."""
        page = self.go(url)
        assert "Concord" in page.text, page.text
        answer = self.submit(page, **({"allow": "Authorize"} if allow else {}))
        assert answer.status_code == 302, answer.text
        return urljoin(url, answer.headers["Location"])
