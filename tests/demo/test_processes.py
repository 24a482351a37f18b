"""The demo's supervisor: a child that dies is named with its log, ports in use are passed over, nothing is left."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from syncapp.demo.processes import DemoProblem, Supervisor, free_port
from syncapp.demo.run import only_one, supervised, until_asked_to_stop
from syncapp.demo.setup import choose_ports
from syncapp.embedded.programs import runs
from tests.ground.waiting import wait_until

SLEEPS = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"
HAS_CHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEPS!r}]).wait()"


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with supervised(tmp_path) as made:
        yield made


def start(supervisor: Supervisor, code: str, name: str = "a child"):
    return supervisor.start(name, [sys.executable, "-c", code], dict(os.environ), supervisor.logs)


def test_a_child_that_dies_is_named_with_its_log(supervisor: Supervisor) -> None:
    start(supervisor, SLEEPS, "the other")
    child = start(supervisor, "import sys; sys.exit('no more paper')", "the printer")
    child.process.wait(10)
    with pytest.raises(DemoProblem, match=r"the printer ended with exit code 1.*the-printer\.log.*no more paper"):
        supervisor.check()


def test_a_child_that_was_killed_is_told_by_the_signal(supervisor: Supervisor) -> None:
    child = start(supervisor, SLEEPS)
    child.process.kill()
    child.process.wait(10)
    with pytest.raises(DemoProblem, match="a child was ended by SIGKILL"):
        supervisor.check()


def test_waiting_ends_when_the_child_dies_or_takes_too_long(supervisor: Supervisor) -> None:
    with pytest.raises(DemoProblem, match="ended with exit code 3"):
        supervisor.wait_ready(start(supervisor, "raise SystemExit(3)"), lambda: False)
    with pytest.raises(DemoProblem, match=r"did not answer within 0 s; its log is"):
        supervisor.wait_ready(start(supervisor, SLEEPS), lambda: False, 0.1)


def test_stopping_leaves_nobody_not_even_grandchildren(supervisor: Supervisor) -> None:
    child = start(supervisor, HAS_CHILD)
    family = psutil.Process(child.process.pid)
    wait_until(lambda: family.children(), "the grandchild")
    all_of_them = [family, *family.children()]
    supervisor.stop()
    wait_until(lambda: not any(runs(one) for one in all_of_them), "the family to end")
    supervisor.stop()


def test_who_does_not_listen_is_killed(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncapp.demo.processes.GENTLE_SECONDS", 0.3)
    child = start(supervisor, STUBBORN)
    wait_until(lambda: "on" in child.log.read_text(), "the child to be deaf")
    supervisor.stop()
    assert child.process.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends orphans on Linux only")
def test_children_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from pathlib import Path; from syncapp.demo.processes import Supervisor;"
        f"c = Supervisor(Path(sys.argv[1])).start('c', [sys.executable, '-c', {SLEEPS!r}], os.environ, Path('.'));"
        "print(c.process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait(10)
    wait_until(lambda: not runs(child), "the child to end")


def test_the_signals_end_the_block_and_the_children(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    for number in (signal.SIGINT, signal.SIGTERM):
        with until_asked_to_stop(), supervised(tmp_path) as supervisor:
            child = start(supervisor, SLEEPS)
            os.kill(os.getpid(), number)
            time.sleep(5)
            raise AssertionError("the signal did not end the block")
        assert child.ended
        assert signal.getsignal(signal.SIGTERM) is before


def test_a_port_in_use_is_passed_over_and_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said: list[str] = []
        ports = choose_ports({"web": port, "crm": port + 1}, said.append)
    assert ports["web"] > port
    assert len(set(ports.values())) == 2
    assert said[0] == f"Port {port} is in use; web is at port {ports['web']} instead."
    assert free_port() > 0


def test_ports_that_do_not_exist_are_refused_in_words() -> None:
    with pytest.raises(DemoProblem, match="No port from 65536"):
        free_port(65536)


def test_one_demo_at_a_time_on_the_same_data(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(DemoProblem, match="already runs"):
        only_one(tmp_path)
