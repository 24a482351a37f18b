"""`make mutants`: every named test passes on the code as it is, and fails on the code with its fault.

The code is copied, so that nothing happens to the checkout. Two copies work side by side, each with servers of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue

from tests.habits.tree import PROJECT

from .fault import Fault, Stale
from .faults import FAULTS

LANES = 2
PATIENCE = 600.0
CAUGHT, MISSED, BROKEN = "caught", "NOT CAUGHT", "cannot be judged"


@dataclass(slots=True)
class Lane:
    """One copy of the code, with a data folder of its own for the servers."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "code"

    def fill(self) -> None:
        self.folder.chmod(0o711)  # the servers run as another user where we are root
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True)
        for name in filter(None, listed.stdout.split("\0")):
            target = self.root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, target)
        (self.root / "static-root").mkdir(exist_ok=True)
        for tools in (".venv", ".venv-servers"):
            if (PROJECT / tools).exists():
                (self.root / tools).symlink_to((PROJECT / tools).resolve())

    def test(self, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--reuse-db", *tests]
        env = {**os.environ, "CONCORD_DATA": str(self.folder / "data"), "CONCORD_TESTS_PREPARED": "yes"}
        env["PYTHONPATH"] = str(self.root)
        return subprocess.run(command, cwd=self.root, env=env, capture_output=True, text=True, timeout=PATIENCE)


@dataclass(slots=True)
class Report:
    verdicts: dict[str, str] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return all(verdict == CAUGHT for verdict in self.verdicts.values())


def judge(lane: Lane, fault: Fault) -> tuple[str, str]:
    """(verdict, what the tests printed). Caught means that a test ran and failed, not that it could not run."""
    try:
        before = fault.put_in(lane.root)
    except Stale as stale:
        return BROKEN, str(stale)
    try:
        done = lane.test([fault.test])
    except subprocess.TimeoutExpired:
        return BROKEN, f"{fault.test} did not end within {PATIENCE:.0f} s"
    finally:
        (lane.root / fault.file).write_text(before)
    if done.returncode == 0:
        return MISSED, ""
    failed = done.returncode == 1 and re.search(r"^FAILED ", done.stdout, re.MULTILINE)
    return (CAUGHT, "") if failed else (BROKEN, (done.stdout + done.stderr)[-2000:])


def run(faults: Sequence[Fault]) -> Report:
    report, waiting = Report(), SimpleQueue[Fault]()
    for fault in faults:
        waiting.put(fault)
    with tempfile.TemporaryDirectory(prefix="concord-mutants-", dir="/var/tmp") as folder:
        Path(folder).chmod(0o711)
        lanes = [Lane(Path(folder) / f"{number}") for number in range(min(LANES, len(faults)))]
        for lane in lanes:
            lane.folder.mkdir()
            lane.fill()
        sound = lanes[0].test(list(dict.fromkeys(fault.test for fault in faults)))
        if sound.returncode != 0:
            report.verdicts["the code as it is"] = BROKEN
            report.said["the code as it is"] = sound.stdout[-4000:] + sound.stderr[-2000:]
            return report
        threads = [threading.Thread(target=_work, args=(lane, waiting, report)) for lane in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return report


def _work(lane: Lane, waiting: SimpleQueue[Fault], report: Report) -> None:
    while True:
        try:
            fault = waiting.get_nowait()
        except Empty:
            return
        started = time.monotonic()
        verdict, said = judge(lane, fault)
        report.verdicts[fault.name], report.said[fault.name] = verdict, said
        took = time.monotonic() - started
        tell(f"{verdict:12} {fault.name} ({fault.test}, {took:.0f} s)")


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - standard output is for the result


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these faults")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    known = {fault.name: fault for fault in FAULTS}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"no fault {', '.join(unknown)}; accepted: {', '.join(known)}")
    report = run([known[name] for name in options.names or known])
    for name, said in report.said.items():
        if said:
            tell(f"\n{name}: {report.verdicts[name]}\n{said}")
    count = sum(verdict == CAUGHT for verdict in report.verdicts.values())
    told = {"faults": len(report.verdicts), "caught": count, "verdicts": report.verdicts}
    print(json.dumps(told, indent=2) if options.json else f"{count} of {len(report.verdicts)} faults caught")  # noqa: T201
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
