"""Set the hub up from a file: accounts, feeds, syncs, mappings and policies, as often as one likes."""

from .file import ApplyError, read
from .run import Outcome, apply

__all__ = ["ApplyError", "Outcome", "apply", "read"]
