"""What README and docs name exists: commands, targets, pages, places in the tree."""

from __future__ import annotations

import re

import pytest
from django.core.management import get_commands

from tests.habits.tree import PROJECT, name, texts

PAGES = [path for path in texts() if path.suffix == ".md"]
COMMAND = re.compile(r"manage\.py ([a-z_]+)")
TARGET = re.compile(r"(?:`|^    )make ([a-z-]+)", re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PLACE = re.compile(r"`((?:policies|syncapp|review|templates|tests|bench|docs)/[\w/.-]*)`")
OUTSIDE = ("http://", "https://", "mailto:")


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))


def anchors(text: str) -> set[str]:
    """The places that headings make, as code hosts spell them."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_pages_are_found() -> None:
    assert {"README.md", "docs/concepts.md", "docs/api.md", "CHANGELOG.md"} <= {name(page) for page in PAGES}


def test_the_patterns_find_what_they_are_for() -> None:
    assert COMMAND.findall("run `manage.py drf_create_token X`") == ["drf_create_token"]
    assert TARGET.findall("`make demo` or\n    make test-fast  # all") == ["demo", "test-fast"]
    assert LINK.findall("[a](b.md) and [c](d/#e)") == ["b.md", "d/#e"]
    assert anchors("## What it does not do\n# A, b") == {"what-it-does-not-do", "a-b"}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_exist(page) -> None:
    assert set(COMMAND.findall(page.read_text())) - set(get_commands()) - {"help"} == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_targets_exist(page) -> None:
    assert set(TARGET.findall(page.read_text())) - targets() == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page) -> None:
    dead = []
    for link in LINK.findall(page.read_text()):
        path, _, anchor = link.partition("#")
        aim = (page.parent / path).resolve() if path else page
        if link.startswith(OUTSIDE):
            continue
        if not aim.exists() or (anchor and anchor not in anchors(aim.read_text())):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_places_exist(page) -> None:
    assert [place for place in PLACE.findall(page.read_text()) if not (PROJECT / place).exists()] == []
