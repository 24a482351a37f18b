"""The files of this project, for tests that walk them."""

import ast
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ROOMS = ("policies", "syncapp", "review")
TEXT = {".py", ".md", ".html", ".yaml", ".yml", ".toml", ".txt", ".css", ".js", ".json", ".sh", ".svg", ""}
SKIPPED = {".git", ".hypothesis", ".venv", ".venv-servers", "__pycache__", "static-root", "node_modules", "build"}


@cache
def texts() -> tuple[Path, ...]:
    """Everything a person wrote."""
    found = []
    pending = [PROJECT]
    while pending:
        for path in pending.pop().iterdir():
            if path.name in SKIPPED or path.name.endswith("_cache") or path.is_symlink():
                continue
            if path.is_dir():
                pending.append(path)
            elif path.suffix in TEXT:
                found.append(path)
    return tuple(sorted(found))


@cache
def modules() -> tuple[Path, ...]:
    """The Python files of the rooms, without migrations."""
    return tuple(
        path
        for path in texts()
        if path.suffix == ".py" and path.relative_to(PROJECT).parts[0] in ROOMS and "migrations" not in path.parts
    )


def name(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=name(path))


def imported(path: Path) -> set[str]:
    """The dotted names of all modules that a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found
