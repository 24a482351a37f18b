"""The deliberate faults of `make mutants` still fit the code, and the tests that they name exist."""

from __future__ import annotations

import ast

import pytest

from tests.mutants.fault import Fault
from tests.mutants.faults import FAULTS

from .tree import PROJECT


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_fits(fault: Fault) -> None:
    text = (PROJECT / fault.file).read_text()
    told = f"the code moved on: give {fault.name!r} in tests/mutants/faults.py the words that stand in {fault.file} now"
    assert text.count(fault.old) == 1, told
    ast.parse(text.replace(fault.old, fault.new))
    path, _, name = fault.test.partition("::")
    functions = {
        node.name for node in ast.walk(ast.parse((PROJECT / path).read_text())) if isinstance(node, ast.FunctionDef)
    }
    assert not name or name in functions


def test_no_fault_comes_twice() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
