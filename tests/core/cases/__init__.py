"""The described cases of the decision table: what stood, what was seen, and what must follow from it.

Where the reasons behind the rules are proved. Here or in `test_settle`: base moved by every judged read; near miss; no
declared form; equal counter totals; the owner's third edit; `stored` with `meant`; a counter's echo without proof;
bundles and sets read through the lift; the debt of a revert; refused values.
In the simulation, as faults: pushes derived
from state, writes without a look, a later read taken for the read-back, `read_at` at receipt, a first create without a
look-up, clocks that differ.
"""
