"""Re-sync of records that did not change: the hub's own full pass against reading the very same pages by hand."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import requests
from django.core.management import call_command

from bench.parts import Stopwatch
from bench.replayed import FORGET, PATHS

TOKEN = "only-for-the-bench"  # noqa: S105 - guards invented data for a minute
SANDBOX = [sys.executable, "-m", "syncapp.sandbox", "--dialect", "crm", "--token", TOKEN]
PATIENCE = 300
SETTING = Path(__file__).with_name("contacts.yaml")


@dataclass(frozen=True, slots=True)
class Found:
    """Seconds and processor seconds of this process, the best of the repeats each."""

    records: int
    pages: int
    raw: float
    raw_cpu: float
    hub: float
    hub_cpu: float
    queries: int
    parts: dict[str, float]

    @property
    def ratio(self) -> float:
        return self.hub / self.raw


@contextmanager
def serving(records: int) -> Iterator[str]:
    """A sandbox with so many people, and in front of it what replays its answers; the address of the latter."""
    with (
        tempfile.TemporaryDirectory() as folder,
        _process([*SANDBOX, "--seed", str(records), "--data", f"{folder}/crm.sqlite"]) as said,
        _process([sys.executable, "-m", "bench.replayed", said.split()[-1]]) as port,
    ):
        yield f"http://127.0.0.1:{port.strip()}"


@contextmanager
def _process(command: list[str]) -> Iterator[str]:
    """Runs it; its first line."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        if not said:
            raise SystemExit(f"bench: `{' '.join(command[1:4])}` ended before it was ready; its own words are above.")
        yield said
    finally:
        process.terminate()
        process.wait(30)


def measure(records: int, repeats: int, tell: Callable[[str], None]) -> Found:
    from syncapp.models import Link

    with serving(records) as url:
        os.environ |= {"BENCH_URL": url, "BENCH_TOKEN": TOKEN}
        with open(os.devnull, "w") as nowhere:
            call_command("apply", str(SETTING), stdout=nowhere)
        started = time.perf_counter()
        _pass()
        _pass()  # the second learns what the first made: from here on nothing is new
        tell(f"first load of {Link.objects.count():,} records and one pass: {time.perf_counter() - started:.1f} s")
        return _compared(url, repeats)


def _pass() -> dict[str, int]:
    """One full pass; what it counted."""
    from syncapp.models import Feed
    from syncapp.poll import poll

    run = poll(Feed.objects.get().pk, full=True, at_once=True, ring_feeds=lambda feeds: None)
    if run is None or run.state != "done":
        raise SystemExit(f"bench: the pass came to no end: {run.error if run else 'it was not begun'}")
    return dict(run.counts)


def _compared(url: str, repeats: int) -> Found:
    requests.get(url + FORGET, timeout=PATIENCE)
    counts = _pass()
    if counts["unchanged"] != counts["read"] or not counts["read"]:
        raise SystemExit(f"bench: not everything was at rest, so there is nothing to compare: {counts}")
    paths = requests.get(url + PATHS, timeout=PATIENCE).json()
    raw, hub = [], []
    for _ in range(repeats):  # by turns, so that a busy moment of the machine meets both
        raw.append(_timed(lambda: _read(url, paths, counts["read"])))
        hub.append(_timed(_pass))
    queries, parts = _made_of()
    best = [min(row[at] for row in rows) for rows in (raw, hub) for at in (0, 1)]
    return Found(counts["read"], len(paths), best[0], best[1], best[2], best[3], queries, parts)


def _timed(step: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    step()
    return time.perf_counter() - wall, time.process_time() - cpu


def _read(url: str, paths: list[str], expected: int) -> None:
    """The same pages, with one kept-alive session, parsed and counted: nobody can read them with less."""
    seen = 0
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {TOKEN}"
        for path in paths:
            seen += len(orjson.loads(session.get(url + path, timeout=PATIENCE).content)["results"])
    if seen != expected:
        raise SystemExit(f"bench: read by hand {seen} records, the hub {expected}")


def _made_of() -> tuple[int, dict[str, float]]:
    """Statements of one more pass, and what its time was spent on."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from syncapp import guard, known, poll, steps
    from syncapp.connectors.items import ItemReader
    from syncapp.connectors.listing import Listing
    from syncapp.connectors.transport import Answer, Transport
    from syncapp.translate import Seen

    with CaptureQueriesContext(
        connection,
    ) as captured:
        _pass()
    watch = Stopwatch()
    parts = [
        ("send and receive", Transport, "send"),
        ("parse JSON", Answer, "json"),
        ("bodies into items", ItemReader, "item"),
        ("raw digest", Seen, "of"),
        ("look links up", guard, "known_links"),
        ("count and guard", guard.Guarded, "_counted"),
        ("sort out unchanged", known.Fresh, "drop"),
        ("judge and commit what is left", steps, "judge"),
        ("note the page", poll, "_note"),
        ("the client's own steps", Listing, "_read_page"),
        ("everything else", poll, "poll"),
    ]
    with watch.watching(parts):
        _pass()
    return len(captured), watch.seconds
