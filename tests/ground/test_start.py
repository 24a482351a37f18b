"""A wrong setting or a dead server at start: one sentence, a non-zero exit code, no stack trace, no secret."""

import os
import subprocess
import sys

import pytest

from syncapp.embedded.place import PROJECT

KEY = "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk="
DEAD_DATABASE = "postgresql://someone:hidden-word@127.0.0.1:1/hub"
DEAD_REDIS = "redis://:hidden-word@127.0.0.1:1/0"
COMPLETE = {
    "DATABASE_URL": DEAD_DATABASE,
    "REDIS_URL": DEAD_REDIS,
    "SECRET_KEY": "long enough for this " * 3,
    "CONCORD_CREDENTIAL_KEYS": KEY,
}


def manage(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    inherited = {"PATH": os.environ["PATH"], "CONCORD_DATA": os.environ["CONCORD_DATA"]}
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=PROJECT,
        env={**inherited, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, ["PostgreSQL at 127.0.0.1:1 does not answer", "correct DATABASE_URL"]),
        ({"SECRET_KEY": ""}, ["SECRET_KEY is not set"]),
        ({"CONCORD_CREDENTIAL_KEYS": ""}, ["CONCORD_CREDENTIAL_KEYS is not set", "Make one with"]),
        ({"CONCORD_CREDENTIAL_KEYS": f"{KEY},hidden-word"}, ["key 2 of 2 is not a Fernet key"]),
        ({"DATABASE_URL": "mysql://a:hidden-word@b/c"}, ["DATABASE_URL", "'mysql:…'", "Accepted: postgresql://"]),
        ({"REDIS_URL": "http://a:hidden-word@b"}, ["REDIS_URL", "'http:…'", "Accepted: redis://"]),
        ({"DEBUG": "perhaps"}, ["DEBUG is 'perhaps'", "Accepted: 1, true"]),
        ({"CONCORD_CLOCK_OFFSET": "late"}, ["CONCORD_CLOCK_OFFSET", "a number from"]),
        ({"CONCORD_PROVIDERS": "/no/such/folder"}, ["CONCORD_PROVIDERS", "existing folders"]),
        ({"CSRF_TRUSTED_ORIGINS": "hub.example.org"}, ["CSRF_TRUSTED_ORIGINS", "with their scheme"]),
        ({"LOG_LEVEL": "LOUD"}, ["LOG_LEVEL", "DEBUG, INFO, WARNING, ERROR"]),
    ],
)
def test_one_sentence(change, words):
    done = manage("migrate", **{**COMPLETE, **change})
    assert done.returncode == 1
    assert done.stderr.startswith("concord: ")
    assert len(done.stderr.strip().splitlines()) == 1
    for word in words:
        assert word in done.stderr
    assert "hidden-word" not in done.stdout + done.stderr


def test_what_needs_no_server_starts_none():
    done = manage("check", **COMPLETE)
    assert (done.returncode, done.stdout) == (0, "System check identified no issues (0 silenced).\n"), done.stderr


@pytest.mark.servers
def test_a_dead_redis_stops_a_worker_but_not_a_migration(servers):
    embedded = {name: os.environ[name] for name in ("DATABASE_URL",) if name in os.environ}
    settings = {**COMPLETE, "DATABASE_URL": "", **embedded}
    done = manage("rqworker", "--burst", **settings)
    assert done.returncode == 1
    assert done.stderr.startswith("concord: Redis at 127.0.0.1:1 does not answer")
    assert "hidden-word" not in done.stderr
    assert manage("showmigrations", **settings).returncode == 0
