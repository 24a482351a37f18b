"""Change the secret that deliveries are signed with: the old one is taken beside the new until a person drops it."""

from __future__ import annotations

from django.db import transaction

from syncapp.apply.locks import hold_set_up
from syncapp.connectors.spec import Manifest
from syncapp.models import Account
from syncapp.secrets import decrypt, encrypt, secrets_of

from .credentials import Moved, seen
from .noted import note

OLD = "_old"
MOVED = "somebody else changed this account since the page was shown; look at it again"


def secret_name(manifest: Manifest) -> str:
    """The secret that deliveries are verified with; "" where the provider's file names none."""
    return next((name for name in manifest.secrets if name.startswith("webhook")), "")


def is_changing(account: Account, name: str) -> bool:
    return bool(name) and name + OLD in decrypt(account)


def change_secret(account: Account, name: str, fresh: str, shown: str, by: str) -> None:
    """Deliveries signed with either are taken from now on. Raises Moved and SecretProblem."""
    with transaction.atomic():
        row = _held(account, shown)
        before = secrets_of(row).get(name, "")
        held = {**decrypt(row), name: fresh}
        if before and before != fresh:
            held[name + OLD] = before
        row.secret_refs = {key: told for key, told in row.secret_refs.items() if key != name}
        row.secrets = encrypt(held)
        row.save(update_fields=["secrets", "secret_refs"])
        note(row, by, [f"{row.name}: a new webhook secret; the old one is still taken"])


def drop_old(account: Account, name: str, shown: str, by: str) -> None:
    """Only the new one is taken from now on. Raises Moved."""
    with transaction.atomic():
        row = _held(account, shown)
        row.secrets = encrypt({key: text for key, text in decrypt(row).items() if key != name + OLD})
        row.save(update_fields=["secrets"])
        note(row, by, [f"{row.name}: the old webhook secret is no longer taken"])


def _held(account: Account, shown: str) -> Account:
    hold_set_up()
    row = Account.objects.get(pk=account.pk)
    if seen(row) != shown:
        raise Moved(MOVED)
    return row
