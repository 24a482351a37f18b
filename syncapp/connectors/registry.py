"""Which providers there are: the package's own files, and those in any folder that a setting names."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from syncapp.connectors import manifest
from syncapp.connectors.errors import ManifestError
from syncapp.connectors.spec import Manifest

OWN = Path(__file__).with_name("providers")


def files(folders: Sequence[Path] = ()) -> dict[str, Path]:
    """Provider files by slug (the file's name). A later folder may replace a provider of an earlier one."""
    found: dict[str, Path] = {}
    for folder in _checked(folders):
        found.update((path.stem, path) for path in sorted(folder.glob("*.yaml")))
    return found


def _checked(folders: Sequence[Path]) -> list[Path]:
    wanted = [OWN, *map(Path, folders)]
    for folder in wanted:
        if not folder.is_dir():
            raise ManifestError(str(folder), "", "is not a folder", "a folder that holds provider files (*.yaml)")
    return wanted


def load(slug: str, folders: Sequence[Path] = ()) -> Manifest:
    """The provider with this slug. Every webhook asks, so its file is asked for by name and no folder is listed."""
    for folder in reversed(_checked(folders)):
        path = folder / f"{slug}.yaml"
        if path.parent == folder and path.is_file():
            return _load(path, path.stat().st_mtime_ns)
    raise ManifestError(slug, "", "there is no such provider", ", ".join(sorted(files(folders))))


def available(folders: Sequence[Path] = ()) -> dict[str, Manifest]:
    """All providers. Raises ManifestError for the first file that is wrong."""
    return {slug: load(slug, folders) for slug in files(folders)}


@lru_cache(maxsize=256)
def _load(path: Path, changed: int) -> Manifest:
    found = manifest.load(path)
    if found.slug != path.stem:
        raise ManifestError(str(path), "slug", f"{found.slug!r} is not the file's name", path.stem)
    return found
