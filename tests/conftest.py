"""Give tests real servers: the embedded ones in a data folder of their own, or those that the environment names."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection, connections
from playwright.sync_api import Browser, sync_playwright

from syncapp import embedded
from syncapp.embedded.place import Place
from tests.ground.waiting import wait_until

BROWSER_TARGETS = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome")
NEEDS_SERVERS = {"db", "transactional_db", "live_server", "servers", "redis_client", "django_db_setup"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that touches the database or Redis is marked `servers`, so that `make test-fast` leaves it out.

    Tests in a browser come last: Playwright leaves an event loop in this thread, which gives the ORM others.
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if names & NEEDS_SERVERS or item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.servers)


@pytest.fixture(scope="session")
def servers() -> Iterator[None]:
    """PostgreSQL and Redis answer."""
    from syncapp.ready import have_servers

    have_servers(need_redis=True)
    yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(servers: None) -> None:
    """pytest-django makes its database after this; the server has to run by then."""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Let Django empty the test database between transactional tests: the ledger refuses that, as it should.

    Only this one clean-up goes past the triggers; everything that a test itself does meets them.
    """
    # On the class: a thread that runs an event loop, as Playwright's does, has connections of its own.
    operations = type(connection.ops)
    plain = operations.execute_sql_flush

    def flush(self: object, statements: list[str]) -> None:
        plain(self, ["SET session_replication_role = replica", *statements, "SET session_replication_role = DEFAULT"])

    operations.execute_sql_flush = flush
    yield
    operations.execute_sql_flush = plain


@pytest.fixture
def redis_client(servers: None) -> Iterator[object]:
    """The hub's Redis client, on an empty database."""
    from syncapp.queue import client

    client().flushdb()
    yield client()
    client().flushdb()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A data folder of this test's own; as root not below pytest's folder, which is private."""
    parent = Path("/var/tmp") if os.geteuid() == 0 else tmp_path  # noqa: S108 - made with this user as its owner
    own = Place(parent / f"concord-test-{tmp_path.name}-{os.getpid()}")
    yield own
    embedded.release(own)
    if own.folder.exists():
        embedded.stop_kept(own)
        wait_until(lambda: embedded.all_gone(own), "the servers to stop")
        shutil.rmtree(own.folder)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program; without one, browser tests are skipped in words that say how to get it."""
    candidates = (os.environ.get("CONCORD_CHROMIUM", ""), *BROWSER_TARGETS)
    for candidate in candidates:
        found = shutil.which(candidate) if candidate else None
        if found:
            return found
    pytest.skip(
        "No chromium found: install it (Debian: apt-get install chromium) or set CONCORD_CHROMIUM to its program."
    )


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """Playwright runs an event loop in this thread, which is no danger to the ORM here: nothing else uses it."""
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        made = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield made
        made.close()
        connections.close_all()  # those that belong to the event loop
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
