"""The embedded PostgreSQL: initialise, adopt or start, stop."""

import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from syncapp.embedded import programs
from syncapp.embedded.place import Place, ServerProblem, give_folder

# The database and its one login; sockets lie in a folder that nobody else may enter, so there is no password.
NAME = "concord"
PROGRAM = "postgres"
SOCKET = ".s.PGSQL.5432"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "synchronous_commit": "on",
    "max_connections": "200",
    "shared_buffers": "256MB",
    # Fewer checkpoints while a first sync writes gigabytes: each makes every page be written whole once more.
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "timezone": "UTC",
}


def answers(place: Place) -> bool:
    """A server answers on our socket and serves our data folder."""
    try:
        with _connect(place) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
            return row is not None and Path(row[0]) == place.postgres
    except psycopg.OperationalError:
        return False


def _connect(place: Place, database: str = "postgres") -> psycopg.Connection[tuple[str, ...]]:
    return psycopg.connect(host=str(place.run), user=NAME, dbname=database, connect_timeout=3, autocommit=True)


def ensure(place: Place, bin_folder: Path, user: pwd.struct_passwd | None) -> None:
    if not answers(place):
        _initialise(place, bin_folder, user)
        if not _adopt(place):
            _start(place, bin_folder, user)
    _ensure_database(place)


def _initialise(place: Place, bin_folder: Path, user: pwd.struct_passwd | None) -> None:
    if place.postgres.exists():
        _demand_version(place, bin_folder)
        return
    # Made beside and renamed, so that a killed initialisation leaves nothing that looks whole.
    half = place.folder / "postgres.new"
    _remove(half)
    give_folder(half, user)
    command = [bin_folder / "initdb", "-D", half, "-U", NAME, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
    done = subprocess.run(
        [str(word) for word in command],
        cwd=half,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )
    if done.returncode:
        raise ServerProblem(f"PostgreSQL's initdb failed in {half}: {done.stderr.strip().splitlines()[-1:]}")
    half.rename(place.postgres)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _demand_version(place: Place, bin_folder: Path) -> None:
    written = (place.postgres / "PG_VERSION").read_text().strip()
    words = subprocess.run([bin_folder / PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    if words.split()[-1].split(".")[0] != written:
        raise ServerProblem(
            f"{place.postgres} was written by PostgreSQL {written}, this installation has {words.split()[-1]}: "
            "set CONCORD_DATA to a new folder, or move the data with pg_dump and pg_restore."
        )


def _adopt(place: Place) -> bool:
    """True if a server that a killed parent left behind is well; one that is not is ended."""
    left = programs.processes_in(place.postgres, PROGRAM)
    deadline = time.monotonic() + programs.PATIENCE
    # It may be starting or recovering: give it time as long as it shows a socket and is not stopped.
    while left and _promising(left[0], place) and time.monotonic() < deadline:
        if answers(place):
            return True
        time.sleep(0.1)
    if left:
        programs.end(left, signal.SIGQUIT, patience=5)
    # Nothing of ours runs any more, but PostgreSQL would believe what these files say about any living process,
    # and about one that has ended and whose parent has not noticed.
    for stale in (place.postgres / "postmaster.pid", place.run / SOCKET, place.run / f"{SOCKET}.lock"):
        stale.unlink(missing_ok=True)
    return False


def _promising(process: psutil.Process, place: Place) -> bool:
    return programs.runs(process) and process.status() != psutil.STATUS_STOPPED and (place.run / SOCKET).exists()


def _start(place: Place, bin_folder: Path, user: pwd.struct_passwd | None) -> None:
    log = place.folder / "postgres.log"
    command: list[str | Path] = [bin_folder / PROGRAM, "-D", place.postgres]
    for key, value in {**SETTINGS, "unix_socket_directories": str(place.run)}.items():
        command += ["-c", f"{key}={value}"]
    process = programs.launch(command, place.postgres, log, user)
    programs.wait_ready(process, lambda: answers(place), log, "PostgreSQL")


def _ensure_database(place: Place) -> None:
    with _connect(place) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))


def stop(place: Place) -> None:
    """Fast shutdown: sessions are ended, everything is written."""
    left = programs.processes_in(place.postgres, PROGRAM)
    if left:
        # Only the first: it is the parent of the others and ends them in order.
        programs.end(left[:1], signal.SIGINT)
    leftovers = programs.processes_in(place.postgres, PROGRAM)
    if leftovers:
        programs.end(leftovers, signal.SIGQUIT)
