"""Deliberate faults, put into a copy of the code one at a time: each has to be caught by the test that it names."""
