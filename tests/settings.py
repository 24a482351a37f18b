"""The project's settings in an environment of the tests' own, so that tests never touch the hub's data.

pytest-django reads settings before any conftest: this is the first moment that belongs to the tests. Processes that
tests start inherit the environment.
"""

import os
from urllib.parse import urlsplit, urlunsplit

from syncapp.embedded.place import find_place

# Tests empty their Redis database: this one, never the one that REDIS_URL names for the hub itself.
TEST_REDIS_DATABASE = "15"

os.environ["SECRET_KEY"] = "only for tests, " * 4
os.environ["CONCORD_CREDENTIAL_KEYS"] = "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk="
if not os.environ.get("CONCORD_TESTS_PREPARED"):
    os.environ["CONCORD_DATA"] = str(find_place().folder / "tests")
    os.environ["CONCORD_TESTS_PREPARED"] = "yes"
_redis = os.environ.get("REDIS_URL", "").strip()
if _redis and not _redis.startswith("unix:"):
    os.environ["REDIS_URL"] = urlunsplit(urlsplit(_redis)._replace(path=f"/{TEST_REDIS_DATABASE}"))

from syncapp.settings import *  # noqa: E402, F403 - after the environment is what it should be
