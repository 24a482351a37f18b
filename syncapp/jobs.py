"""What a worker can be rung for: ids in, one call."""


def tick() -> None:
    """Claim what is due. Rung every second; nothing is due yet."""
