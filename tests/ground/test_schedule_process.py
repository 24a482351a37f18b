"""The schedule and a worker as processes of their own: they ring, they survive Redis, they end when asked."""

import os
import signal
import subprocess
import sys

import pytest
import redis

from syncapp import embedded
from syncapp.embedded import postgres, programs
from syncapp.embedded.place import PROJECT
from tests.ground.waiting import wait_until


def run(place, command: str) -> subprocess.Popen[str]:
    own = {**os.environ, "CONCORD_DATA": str(place.folder), "DATABASE_URL": "", "REDIS_URL": ""}
    return subprocess.Popen(
        [sys.executable, "manage.py", command], cwd=PROJECT, env=own, stderr=subprocess.PIPE, text=True
    )


def rung(place) -> bool:
    client = redis.Redis(unix_socket_path=str(place.redis_socket))
    try:
        return client.llen("rq:queue:default") == 1
    except redis.RedisError:
        return False
    finally:
        client.close()


@pytest.mark.servers
def test_the_schedule_rings_brings_a_killed_redis_back_and_ends_when_asked(place):
    schedule = run(place, "scheduler")
    wait_until(lambda: rung(place), "the first tick")
    killed = programs.processes_in(place.redis, "redis-server")[0]
    killed.kill()
    wait_until(lambda: rung(place), "a tick in a new Redis")
    assert programs.processes_in(place.redis, "redis-server")[0] != killed
    schedule.send_signal(signal.SIGTERM)
    _, told = schedule.communicate(timeout=20)
    assert schedule.returncode == 0, told
    assert "Traceback" not in told
    wait_until(lambda: embedded.all_gone(place), "the servers to stop")


@pytest.mark.servers
def test_the_schedule_brings_a_killed_postgresql_back(place):
    schedule = run(place, "scheduler")
    wait_until(lambda: rung(place), "the first tick")
    killed = programs.processes_in(place.postgres, "postgres")[0]
    killed.kill()
    wait_until(lambda: not postgres.answers(place), "PostgreSQL to be gone")
    wait_until(lambda: postgres.answers(place), "a new PostgreSQL")
    schedule.send_signal(signal.SIGTERM)
    _, told = schedule.communicate(timeout=20)
    assert (schedule.returncode, "it is started again" in told) == (0, True), told
    wait_until(lambda: embedded.all_gone(place), "the servers to stop")
