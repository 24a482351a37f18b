"""A generated secret: made once, read by its owner only."""

import multiprocessing
import os
import stat

import pytest

from syncapp.env import SettingError
from syncapp.keyfile import kept_secret


def test_is_made_once_and_private(tmp_path):
    path = tmp_path / "key"
    assert kept_secret(path, lambda: "first") == "first"
    assert kept_secret(path, lambda: "second") == "first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["key"]


def _make_at_once(path, start, results):
    start.wait(10)
    results.put(kept_secret(path, lambda: str(os.getpid())))


def test_of_many_makers_at_once_all_get_the_same(tmp_path):
    context = multiprocessing.get_context("fork")
    start, results = context.Barrier(6), context.Queue()
    makers = [context.Process(target=_make_at_once, args=(tmp_path / "key", start, results)) for _ in range(6)]
    for maker in makers:
        maker.start()
    got = {results.get(timeout=10) for _ in makers}
    for maker in makers:
        maker.join(10)
    assert got == {(tmp_path / "key").read_text()}


def test_refuses_a_file_that_others_can_read(tmp_path):
    path = tmp_path / "key"
    path.write_text("secret words")
    path.chmod(0o644)
    with pytest.raises(SettingError, match="chmod 600") as refusal:
        kept_secret(path, lambda: "new")
    assert "secret words" not in str(refusal.value)


def test_refuses_an_empty_file(tmp_path):
    path = tmp_path / "key"
    path.touch(mode=0o600)
    with pytest.raises(SettingError, match="is empty"):
        kept_secret(path, lambda: "new")
