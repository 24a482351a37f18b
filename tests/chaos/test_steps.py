"""The named steps: each names what the code still calls, and whoever comes to an armed one dies there, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from syncapp.chaos.steps import Step, Steps, install
from syncapp.embedded.place import PROJECT

SCRIPT = """
import sys, types
from pathlib import Path
from syncapp.chaos.steps import AFTER, BEFORE, Step, install
code = types.ModuleType("code_of_ours"); sys.modules["code_of_ours"] = code
def write(what):
    print("wrote", what, flush=True)
    return what
code.write = write
install(Path(sys.argv[1]), [Step("settled-and-committed", sys.argv[2], "code_of_ours:write", something=True)])
for what in ("", "a letter", "a second letter"):
    code.write(what)
print("done", flush=True)
"""


def run(folder: Path, when: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder), when], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.split("\n")[:-1]


def test_an_unarmed_step_is_only_a_call(tmp_path: Path) -> None:
    assert run(tmp_path, "after") == (0, ["wrote ", "wrote a letter", "wrote a second letter", "done"])
    assert sum(Steps(tmp_path).hits().values()) == 0


@pytest.mark.parametrize(
    ("when", "wrote"), [("after", ["wrote ", "wrote a letter"]), ("before", [])], ids=["after", "before"]
)
def test_the_first_to_come_to_an_armed_step_is_killed_there_and_nobody_else(
    tmp_path: Path, when: str, wrote: list[str]
) -> None:
    steps = Steps(tmp_path)
    steps.arm("settled-and-committed")
    assert steps.armed() == {"settled-and-committed"}
    assert run(tmp_path, when) == (-signal.SIGKILL, wrote)
    assert steps.armed() == set()
    assert steps.hits()["settled-and-committed"] == 1
    assert run(tmp_path, when)[0] == 0


def test_a_disarmed_step_kills_nobody(tmp_path: Path) -> None:
    steps = Steps(tmp_path)
    steps.arm("settled-and-committed")
    steps.disarm()
    assert run(tmp_path, "before")[0] == 0
    assert steps.hits()["settled-and-committed"] == 0


def test_a_step_of_code_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AttributeError, match="no_such_step"):
        install(tmp_path, [Step("x", "before", "syncapp.push:no_such_step")])


def test_a_process_of_the_hub_has_them_only_where_the_environment_names_a_folder(tmp_path: Path) -> None:
    code = "import django; django.setup(); from syncapp import claims; print(hasattr(claims.confirm, '__wrapped__'))"
    own = {**os.environ, "DJANGO_SETTINGS_MODULE": "syncapp.settings", "CONCORD_DATA": str(tmp_path)}
    for more, wrapped in (({}, "False"), ({"CONCORD_CHAOS_STEPS": str(tmp_path)}, "True")):
        said = subprocess.run(
            [sys.executable, "-c", code], cwd=PROJECT, env={**own, **more}, capture_output=True, text=True, check=True
        )
        assert said.stdout.strip() == wrapped
