"""The judge and its tables: who may change which field, and what to do when systems disagree."""
