"""The steps at which chaos kills are found where they are named: who moves such a function moves its step too."""

from __future__ import annotations

import importlib

import pytest

from syncapp.chaos.steps import STEPS, Step


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_every_seam_is_there_and_its_module_looks_it_up_there(step: Step) -> None:
    module, _, path = step.seam.partition(":")
    found = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    assert callable(found)
    assert not hasattr(found, "__wrapped__"), "nothing is wrapped where nobody asked for it"


def test_names_are_used_once() -> None:
    assert len({step.name for step in STEPS}) == len(STEPS)
