"""The file that a second terminal reads: it names the hub that the demo runs, not the one that is there without it."""

from __future__ import annotations

import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from syncapp.demo.setup import Demo, write_env_file


def told(tmp_path: Path, env: dict[str, str]) -> list[str]:
    """What a shell that reads the file has in its environment, and its mode."""
    parts: dict[str, Any] = {one.name: None for one in fields(Demo)} | {"folder": tmp_path, "env": env}
    path = write_env_file(Demo(**parts))
    assert path.stat().st_mode & 0o077 == 0, "it holds secrets"
    return subprocess.run(
        ["sh", "-c", f". '{path}'; env"], env={}, capture_output=True, text=True, check=True
    ).stdout.splitlines()


def test_a_second_terminal_speaks_to_the_hub_that_the_demo_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = told(tmp_path, {"CONCORD_DATA": "my data", "CONCORD_CRM_URL": "http://127.0.0.1:8101", "OTHER": "kept"})
    assert f"CONCORD_DATA={tmp_path.resolve()}/my data" in shown
    assert "CONCORD_CRM_URL=http://127.0.0.1:8101" in shown
    assert "OTHER=kept" not in shown


def test_what_the_demo_was_not_started_with_is_not_set(tmp_path: Path) -> None:
    shown = told(tmp_path, {"CONCORD_CRM_TOKEN": "a'b", "DATABASE_URL": ""})
    assert "CONCORD_CRM_TOKEN=a'b" in shown
    assert not any(line.startswith(("DATABASE_URL", "CONCORD_DATA")) for line in shown)
