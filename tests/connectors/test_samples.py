"""Every sample body can be read, and says which page of documentation it was written from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parent / "samples"
FOLDERS = sorted(path for path in SAMPLES.iterdir() if path.is_dir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_samples_name_their_source(folder: Path) -> None:
    sources = json.loads((folder / "sources.json").read_text())
    files = {path.name for path in folder.iterdir()} - {"sources.json"}
    assert files == set(sources)
    assert all(source.startswith("https://") for source in sources.values())
    for name in files:
        assert json.loads((folder / name).read_text()), f"{name} is empty"
