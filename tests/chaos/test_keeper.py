"""The keeper: what ends is started again and counted; what is kept down stays down; what cannot live is named."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncapp.chaos.keeper import TOO_OFTEN, Keeper
from syncapp.chaos.run import kept
from syncapp.demo.processes import Child, DemoProblem
from tests.ground.waiting import wait_until

SLEEPS = "import time; time.sleep(60)"


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    with kept(tmp_path) as made:
        yield made


def start(keeper: Keeper, code: str, name: str = "worker 1") -> Child:
    return keeper.start(name, [sys.executable, "-c", code], dict(os.environ), keeper.logs)


def test_a_killed_process_is_started_again_and_counted_by_its_kind_and_cause(keeper: Keeper) -> None:
    child = start(keeper, SLEEPS)
    first = child.process.pid
    keeper.kill(child)
    child.process.wait(10)
    keeper.check()
    assert not child.ended
    assert child.process.pid != first
    assert keeper.ends == {"worker: SIGKILL": 1}


def test_what_is_taken_down_stays_down_until_it_is_put_back(keeper: Keeper) -> None:
    child = start(keeper, SLEEPS)
    keeper.take_down(child)
    keeper.check()
    assert child.ended
    keeper.put_back(child)
    assert not child.ended
    assert keeper.ends == {}


def test_an_errand_is_done_again_until_it_ends_well(keeper: Keeper, tmp_path: Path) -> None:
    mark = tmp_path / "tried"
    keeper.errands["apply 1"] = False
    code = f"import pathlib, sys; p = pathlib.Path({str(mark)!r}); tried = p.exists(); p.touch(); sys.exit(not tried)"
    child = start(keeper, code, "apply 1")
    child.process.wait(10)
    keeper.check()
    assert keeper.ends == {"apply: exit code 1": 1}
    child.process.wait(10)
    keeper.check()
    assert keeper.errands == {"apply 1": True}
    assert keeper.children == []


def test_a_frozen_process_goes_on_when_it_is_thawed(keeper: Keeper) -> None:
    child = start(keeper, "import time\nwhile True: print('on', flush=True); time.sleep(0.02)")
    wait_until(lambda: child.log.exists() and child.log.stat().st_size > 0, "the first word")
    keeper.freeze(child, True)
    wait_until(lambda: Path(f"/proc/{child.process.pid}/stat").read_text().split()[2] == "T", "it to stop")
    size = child.log.stat().st_size
    keeper.freeze(child, False)
    wait_until(lambda: child.log.stat().st_size > size, "another word")


def test_a_process_that_cannot_start_is_named_with_its_log(keeper: Keeper) -> None:
    child = start(keeper, "import sys; sys.exit('no paper')")
    with pytest.raises(DemoProblem, match=r"worker 1 ended with exit code 1.*no paper"):
        for _ in range(TOO_OFTEN + 2):
            child.process.wait(10)
            keeper.check()


def test_everything_is_ended_with_the_block_also_what_is_frozen(tmp_path: Path) -> None:
    with kept(tmp_path) as keeper:
        child = start(keeper, SLEEPS)
        keeper.freeze(child, True)
    assert child.process.returncode in (-signal.SIGTERM, -signal.SIGKILL)
