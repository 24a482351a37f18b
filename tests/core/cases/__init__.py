"""The described cases of the decision table: what stood, what was seen, and what must follow from it."""
