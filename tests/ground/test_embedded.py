"""The embedded servers under hard conditions: shared, killed, left behind, restarted."""

import os
import shutil
import signal
import subprocess
import sys
from functools import partial

import psutil
import psycopg
import pytest

from syncapp import embedded
from syncapp.embedded import postgres, programs, redis
from syncapp.embedded.place import PROJECT, Place
from tests.ground.waiting import wait_until

pytestmark = pytest.mark.servers

USER = """
import os, pathlib, sys, time
from syncapp import embedded
from syncapp.embedded.place import Place
embedded.use(Place(pathlib.Path(sys.argv[1])))
child = os.fork() if len(sys.argv) > 2 else 0
if len(sys.argv) > 2 and child == 0:
    time.sleep(1.5)
    os._exit(0)
print("ready", child, flush=True)
sys.stdin.read()
"""


def open_user(place: Place, *options: str) -> subprocess.Popen[str]:
    """A process of its own that uses the servers until its input closes or it is killed."""
    command = [sys.executable, "-c", USER, str(place.folder), *options]
    return subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def start_user(place: Place) -> subprocess.Popen[str]:
    user = open_user(place)
    assert user.stdout.readline() == "ready 0\n"
    return user


def start_forking_user(place: Place) -> tuple[subprocess.Popen[str], int]:
    """A user with a child that ends after a moment."""
    user = open_user(place, "fork")
    return user, int(user.stdout.readline().split()[1])


def leave(user: subprocess.Popen[str]) -> None:
    user.communicate("")
    assert user.returncode == 0


def both_up(place: Place) -> bool:
    return postgres.answers(place) and redis.answers(place)


def postmaster(place: Place) -> psutil.Process:
    return programs.processes_in(place.postgres, "postgres")[0]


def write(place: Place, text: str) -> None:
    with psycopg.connect(host=str(place.run), user="concord", dbname="concord") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
        connection.execute("INSERT INTO kept VALUES (%s)", [text])


def words(place: Place) -> list[str]:
    with psycopg.connect(host=str(place.run), user="concord", dbname="concord") as connection:
        return [row[0] for row in connection.execute("SELECT word FROM kept ORDER BY word")]


def test_it_starts_is_shared_stops_with_the_last_user_and_keeps_data(place):
    first = start_user(place)
    write(place, "before")
    second = start_user(place)
    server = postmaster(place)
    assert set(embedded.status(place).users) == {first.pid, second.pid}
    leave(first)
    assert both_up(place)
    leave(second)
    wait_until(lambda: embedded.all_gone(place), "the servers to stop with their last user")
    embedded.use(place)
    assert postmaster(place).pid != server.pid
    assert words(place) == ["before"]


def test_servers_stop_after_kill_9_of_the_only_user(place):
    user = start_user(place)
    user.kill()
    user.wait()
    wait_until(lambda: embedded.all_gone(place), "the guard to stop the servers")
    embedded.use(place)
    assert both_up(place)


def test_a_healthy_server_left_behind_by_user_and_guard_is_adopted_and_stopped_in_the_end(place):
    user = start_user(place)
    server = postmaster(place)
    kill_guard(place)
    user.kill()
    user.wait()
    assert both_up(place)
    second = start_user(place)
    assert postmaster(place) == server
    leave(second)
    wait_until(lambda: embedded.all_gone(place), "the second user's guard to stop the adopted servers")


def ended(process: psutil.Process) -> bool:
    return not programs.runs(process)


def kill_guard(place: Place) -> None:
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if "syncapp.embedded.guard" in command and str(place.folder) in command:
            process.kill()
            wait_until(partial(ended, process), "the guard to end")
            return
    raise AssertionError("no guard on watch")


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
@pytest.mark.parametrize("victim", ["postgres", "redis"])
def test_a_broken_server_is_replaced_by_the_next_user(place, victim, blow):
    user = start_user(place)
    write(place, "before")
    folder, program = (place.postgres, "postgres") if victim == "postgres" else (place.redis, "redis-server")
    broken = programs.processes_in(folder, program)[0]
    broken.send_signal(blow)
    embedded.use(place)
    assert both_up(place)
    assert programs.processes_in(folder, program)[0] != broken
    assert words(place) == ["before"]
    leave(user)


def test_a_pid_file_that_names_a_stranger_harms_neither(place):
    leave(start_user(place))
    wait_until(lambda: embedded.all_gone(place), "the servers to stop")
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (place.postgres / "postmaster.pid").write_text(f"{stranger.pid}\n{place.postgres}\n1\n5432\n{place.run}\n\n")
        embedded.use(place)
        assert both_up(place)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_forked_child_does_not_give_back_its_parents_lock(place):
    user, child = start_forking_user(place)
    wait_until(lambda: not programs.runs(psutil.Process(child)), "the child to end")
    assert both_up(place)
    assert embedded.status(place).users == (user.pid,)
    leave(user)


def test_a_forked_child_is_a_user_itself(place):
    user, child = start_forking_user(place)
    user.kill()
    user.wait()
    assert both_up(place), "the child still uses the servers"
    wait_until(lambda: embedded.all_gone(place), "the servers to stop after the child")
    assert not psutil.pid_exists(child) or not programs.runs(psutil.Process(child))


def test_many_users_at_once_start_one_of_each(place):
    users = [open_user(place) for _ in range(4)]
    assert [user.stdout.readline() for user in users] == ["ready 0\n"] * 4
    parents = [found for found in programs.processes_in(place.postgres, "postgres") if "-D" in found.cmdline()]
    assert len(parents) == 1
    assert len(programs.processes_in(place.redis, "redis-server")) == 1
    for user in users:
        leave(user)


def test_nothing_listens_on_the_network_and_sockets_are_private(place):
    embedded.use(place)
    for process in (*programs.processes_in(place.postgres, "postgres"), *programs.processes_in(place.redis, "redis")):
        assert process.net_connections(kind="inet") == []
        assert process.uids().real != 0
    for folder in (place.run, place.postgres, place.redis):
        assert not folder.stat().st_mode & 0o077


def test_a_path_too_long_for_a_socket_works(place):
    deep = Place(place.folder.with_name(place.folder.name + "-" + "long" * 20))
    try:
        assert deep.run.parent != deep.folder
        user = start_user(deep)
        assert both_up(deep)
        leave(user)
        wait_until(lambda: embedded.all_gone(deep), "the servers to stop")
    finally:
        shutil.rmtree(deep.folder)
        shutil.rmtree(deep.run)


@pytest.mark.skipif(os.geteuid() != 0, reason="only as root the servers run as somebody else")
def test_as_root_a_private_parent_stops_the_start_and_stays_private(tmp_path):
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    before = [(parent, parent.stat().st_mode) for parent in private.parents]
    hidden = Place(private / "data")
    with pytest.raises(embedded.ServerProblem, match="may not pass"):
        embedded.use(hidden)
    embedded.release(hidden)
    assert [(parent, parent.stat().st_mode) for parent in private.parents] == before
    assert private.stat().st_mode & 0o777 == 0o700
