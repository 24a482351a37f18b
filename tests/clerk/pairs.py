"""Two syncs over the same two accounts: people, and the companies they refer to."""

from __future__ import annotations

from pathlib import Path

FILE = Path(__file__).with_name("pairs.yaml")


def pairs_text(crm: str = "http://127.0.0.1:1", billing: str = "http://127.0.0.1:2") -> str:
    """The set-up file for sandboxes at these addresses."""
    return FILE.read_text().replace("CRM}", f"{crm}}}").replace("BILLING}", f"{billing}}}")
