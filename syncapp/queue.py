"""Ring workers through Redis. Redis only rings: PostgreSQL remembers, and the tick finds what a lost ring left."""

import hashlib
import logging
import uuid
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import django_rq
import redis
from django.conf import settings
from django.db import close_old_connections, transaction
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.cron import CronJob, CronScheduler
from rq.exceptions import DuplicateJobError, InvalidJobOperation, NoSuchJobError
from rq.job import Job, JobStatus

from syncapp.garbage import look_rarely
from syncapp.overlay import overlaid

logger = logging.getLogger(__name__)

TICK = "syncapp.jobs.tick"
TICK_SECONDS = 1
FAILED_JOBS_KEPT = 24 * 3600
# Jobs are rung by short requests too: a Redis that is down must cost them little.
REDIS_PATIENCE = 2.0
MORE = "concord:more:"


class Worker(SimpleWorker):
    """Runs jobs in its own process, with database connections that survived no restart of the server."""

    def work(self, *args: Any, **options: Any) -> bool:
        look_rarely()
        return super().work(*args, **options)

    def perform_job(self, job: Job, queue: Queue) -> bool:
        close_old_connections()
        try:
            return super().perform_job(job, queue)
        finally:
            close_old_connections()


def ring(func_path: str, *ids: int | str, queue: str = "default") -> None:
    """Ask for `func_path(*ids)` once the transaction is committed; a ring that is already waiting is enough.

    Never raises because of Redis: what a lost ring was about is in PostgreSQL. What happens in a copy concerns nobody.
    """
    if overlaid():
        return
    # Robust: what was committed is committed, and whoever committed it must not fail over its bell.
    transaction.on_commit(lambda: _ring_or_log(func_path, ids, queue), robust=True)


_down = False


def _ring_or_log(func_path: str, ids: tuple[int | str, ...], queue: str) -> None:
    global _down
    try:
        enqueue_once(func_path, ids, queue)
    except redis.RedisError as error:
        if not _down:
            logger.warning("Redis does not answer (%s): rings are lost until it does, the tick makes up", error)
        _down = True
    else:
        _down = False


def enqueue_once(func_path: str, ids: tuple[int | str, ...], queue_name: str) -> Job | None:
    """Enqueue unless the same job is waiting already.

    A job that has started may have read before our change, so it does not count: a second name is used then,
    because a job's name must not be given again while it runs.
    """
    queue = django_rq.get_queue(queue_name, connection=client(), commit_mode="auto")
    name = _job_name(func_path, ids)
    if _waits(queue, (f"{name}-a", f"{name}-b")):
        return None  # the common case in a flood, at the price of one question
    for job_id in (f"{name}-a", f"{name}-b"):
        if not _free(job_id, queue):
            return None
        try:
            return _enqueue(queue, func_path, ids, job_id)
        except DuplicateJobError:
            continue  # it runs now, or somebody was quicker
    return _one_more(queue, func_path, ids, name)


def _one_more(queue: Queue, func_path: str, ids: tuple[int | str, ...], name: str) -> Job | None:
    """Both run, or their worker was killed and they seem to for as long as a job may take: one more may wait, so that
    any number of workers share the work, and no heap grows that other jobs would have to wait behind.
    """
    last = queue.connection.get(f"{MORE}{name}")
    if last is not None and not _free(last if isinstance(last, str) else last.decode(), queue):
        return None
    job = _enqueue(queue, func_path, ids, f"{name}-{uuid.uuid4().hex}")
    queue.connection.set(f"{MORE}{name}", job.id, ex=FAILED_JOBS_KEPT)
    return job


def _waits(queue: Queue, job_ids: Sequence[str]) -> bool:
    """One of these stands in the queue: whoever takes it from there begins after what is rung for was committed."""
    with queue.connection.pipeline(transaction=False) as asking:
        for job_id in job_ids:
            asking.lpos(queue.key, job_id)
            asking.exists(Job.key_for(job_id))
        told = asking.execute()
    return any(place is not None and there for place, there in zip(told[::2], told[1::2], strict=True))


def _free(job_id: str, queue: Queue) -> bool:
    """False if that job waits in the queue; what is left of one that failed is cleared away."""
    try:
        job = Job.fetch(job_id, connection=queue.connection, serializer=queue.serializer)
        status = job.get_status()
    except (NoSuchJobError, InvalidJobOperation):
        return True  # gone, or going: its worker has just ended it
    if status == JobStatus.QUEUED:
        # A job whose name is in no queue would never run, and would keep its name for ever.
        return queue.connection.lpos(queue.key, job_id) is None and _clear(job)
    if status in (JobStatus.FAILED, JobStatus.STOPPED, JobStatus.CANCELED, JobStatus.FINISHED):
        return _clear(job)
    return True


def _clear(job: Job) -> bool:
    job.delete()
    return True


def _enqueue(queue: Queue, func_path: str, ids: tuple[int | str, ...], job_id: str) -> Job:
    return queue.enqueue_call(
        func_path, args=ids, job_id=job_id, unique=True, result_ttl=0, failure_ttl=FAILED_JOBS_KEPT
    )


def _job_name(func_path: str, ids: tuple[int | str, ...]) -> str:
    """Letters, digits, dashes and underscores are all that RQ allows in a job's name."""
    readable = func_path.replace(".", "_")
    return f"{readable}-{hashlib.sha256(repr(ids).encode()).hexdigest()[:16]}" if ids else readable


@lru_cache(maxsize=1)
def client() -> redis.Redis:
    """One client for the process: it keeps a pool, and fails at once instead of trying again for seconds."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=REDIS_PATIENCE,
        socket_timeout=REDIS_PATIENCE,
        retry=Retry(NoBackoff(), 0),
    )


class RingJob(CronJob):
    """RQ's own cron job writes pickle; this one rings as everybody else does."""

    def enqueue(self, connection: redis.Redis) -> Job | None:  # type: ignore[override]  # None: one is waiting already
        return enqueue_once(self.func_name, self.args, self.queue_name)


class Schedule(CronScheduler):
    """Rings the tick every second. Any number of schedules may run: a tick claims what is due, once."""

    def __init__(self) -> None:
        super().__init__(connection=client())
        self._cron_jobs.append(RingJob("default", func_name=TICK, interval=TICK_SECONDS))
