"""A MariaDB of the tests' own, from Debian's package: in a temporary folder, on a port that the system chose."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pymysql
import pytest

from tests.ground.waiting import wait_until

MISSING = "No MariaDB found: install it (Debian: apt-get install mariadb-server-core mariadb-client-core)."


@dataclass
class MariaDB:
    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    def run(self, *words: str, database: str = "") -> list[tuple[object, ...]]:
        with pymysql.connect(host="127.0.0.1", port=self.port, user="root", database=database or None) as connection:
            with connection.cursor() as cursor:
                for word in words:
                    cursor.execute(word)
                found = list(cursor.fetchall())
            connection.commit()
            return found

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.folder)


def start() -> MariaDB:
    install, server = (
        shutil.which("mariadb-install-db"),
        shutil.which("mariadbd", path=os.environ["PATH"] + ":/usr/sbin"),
    )
    if install is None or server is None:
        pytest.skip(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="concord-mariadb-", dir="/var/tmp"))
    user = ["--user=root"] if os.geteuid() == 0 else []
    made = [install, "--no-defaults", f"--datadir={folder}/data", "--auth-root-authentication-method=normal", *user]
    done = subprocess.run([*made, "--skip-test-db"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    words = [f"--datadir={folder}/data", f"--socket={folder}/s", f"--port={port}", "--bind-address=127.0.0.1",
             "--innodb-buffer-pool-size=32M", "--skip-log-bin", f"--log-error={folder}/log", *user]  # fmt: skip
    found = MariaDB(port, folder, subprocess.Popen([server, "--no-defaults", *words]))
    wait_until(lambda: _answers(found), "MariaDB to answer", 60)
    found.run("CREATE USER hub@'127.0.0.1' IDENTIFIED BY 'pass-word'")
    return found


def _answers(found: MariaDB) -> bool:
    assert found.process.poll() is None, (found.folder / "log").read_text()[-2000:]
    try:
        found.run("SELECT 1")
    except pymysql.OperationalError:
        return False
    return True
