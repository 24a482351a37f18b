"""The demo's set-up file as chaos uses it: access tokens that expire, and another version of the policy."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from syncapp.demo.setup import FILE

# Long, because a strike ends them: a token that runs out by itself does so at no moment that a seed could choose.
SANDBOX_WORDS = ("--token-ttl", "3600")
CLIENT, REFRESH = "SANDBOX_CLIENT_SECRET", "SANDBOX_REFRESH_TOKEN"
# Who may write what stays, so that an edit's right does not depend on the moment.
CHANGED = (
    ("first_name: {owner: directory, strategy: owner_wins", "first_name: {owner: crm, strategy: owner_wins"),
    ("newsletter: {owner: crm, strategy: owner_wins", "newsletter: {owner: crm, strategy: manual_review"),
)


def write_set_up(path: Path) -> Path:
    """For both sandboxes; the secrets are in the environment of everybody who is started from here."""
    os.environ |= {CLIENT: secrets.token_urlsafe(24), REFRESH: secrets.token_urlsafe(24)}
    renewed = f"{{refresh_token: {{env: {REFRESH}}}, client_secret: {{env: {CLIENT}}}"
    text = without_database(FILE.read_text())
    for name in ("CRM", "BILLING"):
        text = _instead(text, f"{{token: {{env: CONCORD_{name}_TOKEN}}", renewed)
        address = f"{{server: {{env: CONCORD_{name}_URL}}"
        text = _instead(text, address, f"{address}, client_id: Concord")
    path.write_text(text)
    return path


def without_database(text: str) -> str:
    """Nothing is done to the company's database here: account, role and the role's rights are left out."""
    text = _instead(text, ", database", "")
    for begin, end in (("  company:\n", "\nsyncs:\n"), ("      database:\n", "    policy:\n")):
        before, found, after = text.partition(begin)
        _, follows, rest = after.partition(end)
        if not (found and follows):
            raise AssertionError(f"the demo's file no longer has {begin.strip()!r} before {end.strip()!r}")
        text = before + end + rest
    return text


def changed_policy(text: str) -> str:
    for old, new in CHANGED:
        text = _instead(text, old, new)
    return text


def _instead(text: str, old: str, new: str) -> str:
    if old not in text:
        raise AssertionError(f"the demo's file no longer says {old!r}")
    return text.replace(old, new)
