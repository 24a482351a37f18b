"""What must not be written anywhere in the project."""

import re

from tests.habits.tree import PROJECT, modules, name, texts

# Spelled in parts, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
MACHINE_PATHS = re.compile(r"(?<![\w.])/(root|home/\w+|work" + r"/main)\b")


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name(path)}:{number}"
        for path in texts()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1)
        if pattern.search(line)
    ]


def test_the_walk_sees_the_project():
    assert {"manage.py", "Makefile", "syncapp/settings.py", "policies/apps.py", ".ci/run"} <= set(map(name, texts()))


def test_the_patterns_find_what_they_are_for():
    assert UNFINISHED.search("# TO" + "DO later")
    assert MACHINE_PATHS.search("open('/ro" + "ot/x')")
    assert MACHINE_PATHS.search("/work" + "/main/x")
    assert not MACHINE_PATHS.search("https://example.org/home/page")


def test_nothing_is_left_unfinished():
    assert lines_with(UNFINISHED) == []


def test_no_path_of_one_machine():
    assert lines_with(MACHINE_PATHS) == []


def test_no_drawer_for_everything():
    assert [name(path) for path in texts() if path.name in ("utils.py", "helpers.py", "misc.py", "common.py")] == []


def test_requirements_are_pinned_and_sorted():
    for file in ("requirements.txt", "requirements-dev.txt"):
        lines = [line for line in (PROJECT / file).read_text().splitlines() if not line.startswith("-r ")]
        assert [line for line in lines if "==" not in line] == []
        assert lines == sorted(lines, key=lambda line: line.split("==")[0].lower())


def test_every_module_opens_with_its_one_job():
    silent = [name(path) for path in modules() if path.read_text().strip() and not starts_with_docstring(path)]
    assert silent == []


def starts_with_docstring(path) -> bool:
    return path.read_text().lstrip().startswith(('"""', "#!"))
