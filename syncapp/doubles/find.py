"""Which doubles there are: a module of this package for each provider, or any file that holds one."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

import syncapp.doubles
from syncapp.doubles.base import Double

BESIDE = "_double.py"


class NoDouble(Exception):
    """There is none of that name; the sentence says which there are."""


def slugs() -> list[str]:
    """The providers that have a double in this package."""
    names = [module.name for module in pkgutil.iter_modules(syncapp.doubles.__path__)]
    return [name for name in names if _doubles_in(importlib.import_module(f"syncapp.doubles.{name}"))]


def beside(provider: Path) -> Path | None:
    """The double that lies beside a provider file of a folder outside the package: `SLUG_double.py`."""
    path = provider.with_name(provider.stem + BESIDE)
    return path if path.is_file() else None


def find(name: str) -> type[Double]:
    """The double of a provider, by its slug or as the file that holds it. Raises NoDouble."""
    if name.endswith(".py"):
        return _only(_loaded(Path(name)), name)
    if name not in slugs():
        raise NoDouble(f"There is no double of {name!r}. There are: {', '.join(slugs()) or 'none'}; or name a file.")
    return _only(importlib.import_module(f"syncapp.doubles.{name}"), name)


def _loaded(path: Path) -> ModuleType:
    name = f"double_at_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise NoDouble(f"{path} is no Python file that can be read.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _doubles_in(module: ModuleType) -> list[type[Double]]:
    found = [thing for thing in vars(module).values() if isinstance(thing, type) and issubclass(thing, Double)]
    return [kind for kind in found if kind.__module__ == module.__name__ and kind is not Double]


def _only(module: ModuleType, name: str) -> type[Double]:
    found = _doubles_in(module)
    if len(found) != 1:
        raise NoDouble(f"{name} has {len(found)} classes that are a Double; it needs exactly one.")
    return found[0]
