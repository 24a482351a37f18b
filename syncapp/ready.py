"""Have the servers ready before a process begins its work, or say in one sentence what is wrong with them."""

import psycopg
import redis
from django.conf import settings
from django.db import connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from syncapp import embedded

OLDEST_POSTGRES = 15
OLDEST_REDIS = (6, 2)


class NotReady(Exception):
    """A server cannot be used; the message is one sentence for a person."""


def have_servers(*, need_redis: bool) -> None:
    """Start embedded servers where they are used, and check that each server answers and is new enough."""
    try:
        if settings.EMBEDDED:
            embedded.use(settings.PLACE)
    except embedded.ServerProblem as problem:
        raise NotReady(str(problem)) from problem
    check_postgres()
    if need_redis:
        check_redis()


def check_postgres() -> None:
    host, port = connection.settings_dict["HOST"], connection.settings_dict.get("PORT")
    where = f"PostgreSQL at {host or 'the local socket'}" + (f":{port}" if port else "")
    try:
        # With Django's own parameters, but a limit: a host that swallows packets must not hold the start for ever.
        with psycopg.connect(**{**connection.get_connection_params(), "connect_timeout": 5}) as probe:
            found = probe.info.server_version // 10000
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise NotReady(f"{where} does not answer ({reason}): start it, or correct {_source('DATABASE_URL')}.") from None
    if found < OLDEST_POSTGRES:
        raise NotReady(f"{where} is version {found}; accepted: {OLDEST_POSTGRES} or newer.")


def _source(name: str) -> str:
    used = settings.EMBEDDED_POSTGRES if name == "DATABASE_URL" else settings.EMBEDDED_REDIS
    return "the data folder (CONCORD_DATA)" if used else name


def check_redis() -> None:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=5, retry=Retry(NoBackoff(), 0))
    pool = client.connection_pool.connection_kwargs
    where = f"Redis at {pool.get('path') or '{}:{}'.format(pool.get('host'), pool.get('port', 6379))}"
    try:
        info = client.info("server")
    except redis.RedisError as error:
        raise NotReady(f"{where} does not answer ({error}): start it, or correct {_source('REDIS_URL')}.") from error
    finally:
        client.close()
    version = tuple(int(part) for part in str(info["redis_version"]).split(".")[:2])
    if version < OLDEST_REDIS:
        raise NotReady(f"{where} is version {info['redis_version']}; accepted: 6.2 or newer.")
