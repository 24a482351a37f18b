"""The embedded Redis: adopt or start, stop. It only rings: nothing in it is kept over a restart."""

import pwd
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from syncapp.embedded import programs
from syncapp.embedded.place import Place, give_folder

PROGRAM = "redis-server"


def answers(place: Place) -> bool:
    """A server answers on our socket and works in our folder."""
    # No retries: the library would otherwise wait for seconds on a server that is just not there yet.
    client = redis.Redis(unix_socket_path=str(place.redis_socket), socket_timeout=3, retry=Retry(NoBackoff(), 0))
    try:
        return Path(str(client.config_get("dir")["dir"])) == place.redis
    except redis.RedisError:
        return False
    finally:
        client.close()


def ensure(place: Place, program: Path, user: pwd.struct_passwd | None) -> None:
    if answers(place):
        return
    give_folder(place.redis, user)
    left = programs.processes_in(place.redis, PROGRAM)
    time.sleep(0.2 if left else 0)  # it may have been starting
    if left and answers(place):
        return
    programs.end(left, patience=3)
    log = place.folder / "redis.log"
    process = programs.launch(_command(program, place), place.redis, log, user)
    programs.wait_ready(process, lambda: answers(place), log, "Redis")


def _command(program: Path, place: Place) -> list[str | Path]:
    sockets: list[str | Path] = ["--port", "0", "--unixsocket", place.redis_socket, "--unixsocketperm", "700"]
    return [program, *sockets, "--save", "", "--appendonly", "no", "--daemonize", "no", "--loglevel", "warning"]


def stop(place: Place) -> None:
    programs.end(programs.processes_in(place.redis, PROGRAM))
