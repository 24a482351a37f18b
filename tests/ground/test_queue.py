"""Ringing workers: JSON only, once is enough, and never an error for want of Redis."""

import gc
import json
import logging
import zlib

import pytest
import redis
from django.core.management import CommandError, call_command
from django.db import transaction
from rq import Queue
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer

from syncapp import queue
from syncapp.garbage import OLDER, OLDEST, YOUNGEST
from syncapp.queue import RingJob, Schedule, Worker, client, enqueue_once, ring

WORK = "tests.ground.jobs.note"
FAIL = "tests.ground.jobs.fail"
PICKLE_STARTS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def every_value(client: redis.Redis) -> list[bytes]:
    """Everything that Redis holds, field by field, and the same again unpacked where it is compressed."""
    found: list[bytes] = []
    for key in client.scan_iter():
        kind = client.type(key)
        if kind == b"string":
            found.append(client.get(key))
        elif kind == b"hash":
            found += client.hgetall(key).values()
        elif kind == b"list":
            found += client.lrange(key, 0, -1)
        elif kind == b"set":
            found += client.smembers(key)
        elif kind == b"zset":
            found += client.zrange(key, 0, -1)
        elif kind == b"stream":
            found += [value for _, entry in client.xrange(key) for value in entry.values()]
        else:
            raise AssertionError(f"a key of a kind this test does not read: {kind!r}")
    return [bytes(value) for value in found]


def unpacked(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return value


def pickles(client: redis.Redis) -> list[bytes]:
    return [value for value in map(unpacked, every_value(client)) if value.startswith(PICKLE_STARTS)]


def waiting(client: redis.Redis, name: str = "default") -> list[Job]:
    ids = [job_id.decode() for job_id in client.lrange(f"rq:queue:{name}", 0, -1)]
    return [Job.fetch(job_id, connection=client, serializer=JSONSerializer) for job_id in ids]


@pytest.mark.django_db
def test_no_pickle_ever_enters_redis(redis_client):
    enqueue_once(WORK, (1, "two"), "inbox")
    enqueue_once(FAIL, (), "push")
    schedule = Schedule()
    schedule.register_birth()
    schedule.enqueue_jobs()
    schedule.save()
    schedule.heartbeat()
    assert len(every_value(redis_client)) > 20
    assert pickles(redis_client) == []
    call_command("rqworker", "--burst", "-v", "0")
    assert pickles(redis_client) == []
    assert [name for name in ("default", "inbox", "push") if waiting(redis_client, name)] == []
    failed = Job.fetch(f"{FAIL.replace('.', '_')}-a", connection=redis_client, serializer=JSONSerializer)
    assert failed.get_status() == JobStatus.FAILED


def test_the_pickle_test_can_fail(redis_client):
    Queue("default", connection=redis_client).enqueue("tests.ground.jobs.note", 1)
    assert pickles(redis_client)


def test_a_job_is_json(redis_client):
    job = enqueue_once(WORK, (7, "a"), "inbox")
    stored = unpacked(redis_client.hget(job.key, "data"))
    assert json.loads(stored) == [WORK, None, [7, "a"], {}]


def test_one_waiting_is_enough_but_other_ids_are_other_jobs(redis_client):
    for _ in range(3):
        enqueue_once(WORK, (1,), "inbox")
    enqueue_once(WORK, (2,), "inbox")
    assert [job.args for job in waiting(redis_client, "inbox")] == [[1], [2]]


def test_one_that_runs_is_not_enough(redis_client):
    first = enqueue_once(WORK, (1,), "inbox")
    redis_client.lpop("rq:queue:inbox")
    first.set_status(JobStatus.STARTED)
    second = enqueue_once(WORK, (1,), "inbox")
    assert second is not None and second.id != first.id
    assert enqueue_once(WORK, (1,), "inbox") is None
    redis_client.lpop("rq:queue:inbox")
    second.set_status(JobStatus.STARTED)
    assert enqueue_once(WORK, (1,), "inbox").id not in (first.id, second.id)


def test_jobs_of_killed_workers_let_one_wait_and_no_heap_grow(redis_client):
    for _ in range(2):  # both names are taken for as long as a job may take
        enqueue_once(WORK, (1,), "inbox").set_status(JobStatus.STARTED)
        redis_client.lpop("rq:queue:inbox")
    for _ in range(5):
        enqueue_once(WORK, (1,), "inbox")
    assert len(waiting(redis_client, "inbox")) == 1
    redis_client.lpop("rq:queue:inbox")  # a worker took it
    for _ in range(5):
        enqueue_once(WORK, (1,), "inbox")
    assert len(waiting(redis_client, "inbox")) == 1


def test_one_that_failed_or_was_lost_does_not_block(redis_client):
    first = enqueue_once(WORK, (1,), "inbox")
    redis_client.lpop("rq:queue:inbox")
    assert first.get_status() == JobStatus.QUEUED  # named, but in no queue: Redis lost half of it
    again = enqueue_once(WORK, (1,), "inbox")
    assert again is not None
    redis_client.lpop("rq:queue:inbox")
    again.set_status(JobStatus.FAILED)
    assert enqueue_once(WORK, (1,), "inbox") is not None
    assert len(waiting(redis_client, "inbox")) == 1


@pytest.mark.django_db(transaction=True)
def test_a_ring_waits_for_the_commit(redis_client):
    with transaction.atomic():
        ring(WORK, 1, queue="inbox")
        assert waiting(redis_client, "inbox") == []
    assert [job.args for job in waiting(redis_client, "inbox")] == [[1]]


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_ring_is_silent(redis_client):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        ring(WORK, 1, queue="inbox")
        raise ZeroDivisionError
    assert waiting(redis_client, "inbox") == []


@pytest.mark.django_db(transaction=True)
def test_a_dead_redis_costs_one_line_in_the_log_and_no_error(settings, caplog):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    queue.client.cache_clear()
    try:
        with caplog.at_level(logging.WARNING):
            ring(WORK, 1)
            ring(WORK, 2)
    finally:
        queue.client.cache_clear()
        queue._down = False
    assert [record.levelname for record in caplog.records if "Redis does not answer" in record.message] == ["WARNING"]


def test_the_tick_is_rung_once_by_two_schedules(redis_client):
    for schedule in (Schedule(), Schedule()):
        assert [type(job) for job in schedule.get_jobs()] == [RingJob]
        schedule.enqueue_jobs()
    assert [job.func_name for job in waiting(redis_client)] == ["syncapp.jobs.tick"]


def test_the_worker_runs_jobs_in_its_own_process(settings):
    assert settings.RQ["WORKER_CLASS"] == f"{Worker.__module__}.{Worker.__name__}"
    assert issubclass(Worker, queue.SimpleWorker)


def test_a_worker_looks_for_garbage_rarely(redis_client):
    before = gc.get_threshold()
    try:
        call_command("rqworker", "--burst", "-v", "0")
        assert gc.get_threshold() == (YOUNGEST, OLDER, OLDEST)
        assert gc.get_freeze_count() > 10_000, "what it was started with is not looked at again"
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--serializer", "rq.serializers.PickleSerializer"], "jobs are JSON only"),
        (["nosuch"], "Accepted: default, inbox, push"),
    ],
)
def test_the_worker_refuses(arguments, words):
    with pytest.raises(CommandError, match=words):
        call_command("rqworker", "--burst", *arguments)


def test_a_bell_whose_job_ends_just_now_rings_all_the_same(
    redis_client: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between fetching a job and asking how it stands, its worker may end it and clear it away."""
    enqueue_once(WORK, (1,), "default")
    client().lpop("rq:queue:default")  # the worker has it
    status = Job.get_status

    def ended(job: Job, *args: object, **more: object) -> object:
        job.connection.delete(job.key)
        return status(job, *args, **more)

    monkeypatch.setattr(Job, "get_status", ended)
    assert enqueue_once(WORK, (1,), "default") is not None
