"""Real workers and a real schedule in processes of their own, over the tests' database and Redis."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psutil
from django.db import connection

PROJECT = Path(__file__).resolve().parents[2]


def environment() -> dict[str, str]:
    """The tests' own, with the test database named; the servers are those that run."""
    told = connection.settings_dict
    user, password = quote(told["USER"]), quote(told["PASSWORD"] or "")
    who = f"{user}:{password}@" if password else f"{user}@"
    host = quote(told["HOST"], safe="") + (f":{told['PORT']}" if told["PORT"] else "")
    return {**os.environ, "DATABASE_URL": f"postgresql://{who}{host}/{told['NAME']}"}


@contextmanager
def processes(
    *commands: tuple[str, ...], logs: Path, env: Mapping[str, str] | None = None
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """`manage.py` with these words, each as a process; all are ended with the block."""
    started = []
    try:
        for number, words in enumerate(commands):
            with (logs / f"{words[0]}-{number}.log").open("wb") as log:
                started.append(
                    subprocess.Popen(
                        [sys.executable, "manage.py", *words],
                        cwd=PROJECT,
                        env=env or environment(),
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                    )
                )
        yield started
    finally:
        for process in started:
            for one in [*psutil.Process(process.pid).children(recursive=True), process]:
                one.kill()
            process.wait(10)
