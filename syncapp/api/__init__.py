"""The REST API of what the clerk remembers. Questions have theirs with the desk, built from the same parts."""
