"""Decide where the embedded servers keep their data, and as whom they run, without opening anything private."""

import hashlib
import os
import pwd
import re
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PROJECT = Path(__file__).resolve().parents[2]
# The kernel keeps a socket's path in 108 bytes; PostgreSQL appends ".s.PGSQL.5432.lock" for its lock file.
SOCKET_LIMIT = 107
LONGEST_SOCKET_NAME = "/.s.PGSQL.5432.lock"
DEFAULT_USER = "concord-db"


class ServerProblem(Exception):
    """An embedded server cannot be used; the message is one sentence for a person."""


@dataclass(frozen=True)
class Place:
    """The data folder and what is where inside it."""

    folder: Path

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def redis(self) -> Path:
        return self.folder / "redis"

    @property
    def programs(self) -> Path:
        return self.folder / "programs"

    @property
    def users(self) -> Path:
        """Every process that uses the servers holds a shared lock on this file."""
        return self.folder / "users.lock"

    @property
    def guard(self) -> Path:
        """The guard on watch holds an exclusive lock on this file."""
        return self.folder / "guard.lock"

    @property
    def keep(self) -> Path:
        """While this file exists the servers stay up without users (`manage.py servers start`)."""
        return self.folder / "keep"

    @property
    def run(self) -> Path:
        """Where the sockets are: in the data folder, or in a short folder when that path is too long for a socket."""
        inside = self.folder / "run"
        if len(os.fsencode(inside)) + len(LONGEST_SOCKET_NAME) <= SOCKET_LIMIT:
            return inside
        return _short_parent() / f"concord-{os.geteuid()}-{_fingerprint(self.folder)}"

    @property
    def redis_socket(self) -> Path:
        return self.run / "redis.sock"


def find_place() -> Place:
    """CONCORD_DATA, or a folder named after this checkout so that two checkouts never share one."""
    chosen = os.environ.get("CONCORD_DATA", "").strip()
    if chosen:
        return Place(Path(chosen).expanduser().resolve())
    readable = re.sub(r"[^A-Za-z0-9]+", "-", PROJECT.name).strip("-")[:20] or "project"
    return Place(_home() / f"{readable}-{_fingerprint(PROJECT)}")


def _home() -> Path:
    # Root's own home is private, and PostgreSQL refuses to run as root: use a folder that every user may pass.
    if os.geteuid() == 0:
        return Path("/var/lib/concord")
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if os.path.isabs(state) else Path("~/.local/state").expanduser()) / "concord"


def _fingerprint(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:10]


def _short_parent() -> Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.geteuid() != 0 and os.path.isabs(runtime) and len(runtime) < 50:
        return Path(runtime)
    usual = Path(tempfile.gettempdir())
    return usual if len(str(usual)) < 50 else Path("/tmp")  # noqa: S108 - its owner is checked before it is used


def make_data_folder(place: Place) -> None:
    """Create the data folder with tight permissions; refuse one that belongs to somebody else."""
    # Root's folder may be passed (not listed) so that the unprivileged server user reaches its own part of it.
    mode = 0o711 if os.geteuid() == 0 else 0o700
    try:
        if os.geteuid() == 0 and not place.folder.parent.exists():
            place.folder.parent.mkdir(parents=True, mode=0o755)
        place.folder.mkdir(parents=True, mode=mode, exist_ok=True)
    except OSError as error:
        raise ServerProblem(
            f"The data folder {place.folder} cannot be created ({error.strerror}): "
            "set CONCORD_DATA to a folder you may write to."
        ) from error
    _demand_owner(place.folder, os.geteuid())
    if stat.S_IMODE(place.folder.stat().st_mode) != mode:
        place.folder.chmod(mode)


def open_lock(path: Path) -> IO[str]:
    """A lock file that nobody else may open: who can open it can hold it."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")


def _demand_owner(folder: Path, uid: int) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid:
        raise ServerProblem(
            f"{folder} is not a folder of user id {uid} (owner: {found.st_uid}): run as its owner, "
            "or set CONCORD_DATA to a folder of your own."
        )


def server_user() -> pwd.struct_passwd | None:
    """None: the servers run as ourselves. As root: an unprivileged user of their own, made when it is missing."""
    if os.geteuid() != 0:
        return None
    name = os.environ.get("CONCORD_SERVER_USER", "").strip() or DEFAULT_USER
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        user = _create_user(name)
    if user.pw_uid == 0:
        raise ServerProblem(f"CONCORD_SERVER_USER is {name!r}, which is root: name an unprivileged user.")
    return user


def _create_user(name: str) -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    try:
        subprocess.run([*command, "--shell", "/usr/sbin/nologin", name], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", "") or str(error)
        raise ServerProblem(
            f"PostgreSQL does not run as root and the system user {name!r} could not be created "
            f"({reason.strip()}): set CONCORD_SERVER_USER to an unprivileged user, or set DATABASE_URL and REDIS_URL."
        ) from error
    return pwd.getpwnam(name)


def demand_reachable(folder: Path, user: pwd.struct_passwd) -> None:
    """Stop, naming the folder, rather than open a private parent for the server user."""
    for parent in reversed(folder.parents):
        found = parent.stat()
        if not (found.st_mode & 0o001 or (found.st_uid == user.pw_uid and found.st_mode & 0o100)):
            raise ServerProblem(
                f"The servers run as user {user.pw_name!r}, who may not pass {parent} "
                f"(mode {stat.S_IMODE(found.st_mode):o}), and it is not opened for them: "
                "set CONCORD_DATA to a folder outside it, for example below /var/lib/concord."
            )


def give_folder(folder: Path, user: pwd.struct_passwd | None) -> None:
    """A folder that only the servers' user may enter."""
    uid, gid = (user.pw_uid, user.pw_gid) if user else (os.geteuid(), os.getegid())
    folder.mkdir(mode=0o700, exist_ok=True)
    # Ours as well as theirs: a start that was killed between the two calls left it with us.
    if folder.lstat().st_uid != uid:
        _demand_owner(folder, os.geteuid())
        os.chown(folder, uid, gid)
    _demand_owner(folder, uid)
    if stat.S_IMODE(folder.stat().st_mode) != 0o700:
        folder.chmod(0o700)
