"""The secrets that prove an account's deliveries: those that people enter, and those that providers tell only once."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from .models import Account
from .secrets import decrypt, encrypt, kept_secrets, secrets_of

NAME = "webhook"
# Told by a handshake, or made with a subscription: these are nobody's setting, and no call uses them.
TOLD = "webhook_told"


def subscription_secret(pk: int) -> str:
    return f"webhook_of_{pk}"


def webhook_secrets(account: Account) -> list[str]:
    """All that may prove a delivery: while a secret is changed, the old one stands beside it under another name."""
    known = secrets_of(account)
    return [text for name, text in sorted(known.items()) if name.startswith(NAME) and "." not in name and text]


def keep_secrets(account: Account, changed: Mapping[str, str]) -> None:
    """Durable at once; secrets that somebody else changed meanwhile stay as they are."""
    with transaction.atomic():
        row = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        row.secrets = kept_secrets(row, changed)
        row.save(update_fields=["secrets"])
    account.secrets = row.secrets


def drop_secrets(account: Account, *names: str) -> None:
    with transaction.atomic():
        row = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        known = decrypt(row)
        if known.keys() & set(names):
            row.secrets = encrypt({name: text for name, text in known.items() if name not in names})
            row.save(update_fields=["secrets"])
    account.secrets = row.secrets


def keep_first(account: Account, told: str) -> bool:
    """A secret that came in a delivery that nothing proves: taken only while the account has none. The same one again
    is no other; another one changes nothing (False) until a person takes the first away."""
    with transaction.atomic():
        row = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        known = webhook_secrets(row)
        if known:
            return told in known
        row.secrets = kept_secrets(row, {TOLD: told})
        row.save(update_fields=["secrets"])
    return True


def told_secret(account: Account) -> str:
    """What the provider told, for an administrator to paste back there; "" if it told nothing yet."""
    return decrypt(account).get(TOLD, "")


def await_secret(account: Account) -> None:
    """The next handshake may tell a new one."""
    drop_secrets(account, TOLD)
