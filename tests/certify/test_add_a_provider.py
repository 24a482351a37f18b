"""The page that tells how to add a provider, followed to the letter: its blocks are what is run."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from syncapp.connectors import check

PAGE = (Path(__file__).parents[2] / "docs" / "add-a-provider.md").read_text()


def block(kind: str) -> str:
    [found] = re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return str(found)


@pytest.fixture
def garden(tmp_path: Path, settings: Any) -> Path:
    (tmp_path / "garden_double.py").write_text(block("python"))
    settings.PROVIDER_FOLDERS = [tmp_path]
    file = tmp_path / "garden.yaml"
    file.write_text(block("yaml"))
    return file


def checked() -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("check_provider", "garden", "--writes", stdout=out, stderr=StringIO())
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    return 0, out.getvalue()


@pytest.mark.django_db
def test_the_page_works_as_it_stands(garden: Path) -> None:
    assert check.main([str(garden)]) == 0
    code, told = checked()
    assert code == 1
    for line in block("findings").splitlines():
        assert line in told, told
    assert told.count("\nfailed  ") == block("findings").count("failed  "), told
    text = garden.read_text()
    for pair in block("mended").split("\n\n"):
        before, after = pair.splitlines()
        assert before in text
        text = text.replace(before, after)
    garden.write_text(text)
    code, told = checked()
    assert (code, block("verdict").strip() in told) == (0, True), told
