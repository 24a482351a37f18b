"""Two real HTTP servers for tests: the provider, and somewhere else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.connectors.server import Provider, serve


@pytest.fixture
def provider() -> Iterator[Provider]:
    yield from serve()


@pytest.fixture
def elsewhere() -> Iterator[Provider]:
    yield from serve()
