"""One running sandbox to be connected, and people of each team."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from syncapp.clients import THROTTLE
from syncapp.sandbox.server import SandboxServer
from syncapp.sandbox.settings import Settings
from tests.carry.driving import Side


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[Side]:
    THROTTLE.forget()  # accounts of other tests have the same names
    server = SandboxServer(Settings("crm", tmp_path / "crm.sqlite", token="t0ken")).start()
    yield Side("crm", server)
    server.stop()
