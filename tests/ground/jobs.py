"""Jobs that the queue's tests ring."""


def note(*ids: int | str) -> None:
    """Do nothing, successfully."""


def fail() -> None:
    raise ValueError("this job fails on purpose")
