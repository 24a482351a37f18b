"""Store every account's credentials under the newest key of CONCORD_CREDENTIAL_KEYS."""

from typing import Any

from cryptography.fernet import InvalidToken
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from syncapp.models import Account
from syncapp.secrets import rotate


class Command(BaseCommand):
    help = "Encrypt all stored credentials with the newest key; afterwards the older keys can be removed."

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            accounts = list(Account.objects.select_for_update().exclude(secrets=b"").order_by("pk"))
            for account in accounts:
                try:
                    account.secrets = rotate(bytes(account.secrets))
                except InvalidToken:
                    raise CommandError(
                        f"account {account.slug!r}: its credentials fit none of the keys in CONCORD_CREDENTIAL_KEYS. "
                        "Nothing was changed: add the key they were stored with, then run this again."
                    ) from None
            Account.objects.bulk_update(accounts, ["secrets"], batch_size=500)
        self.stdout.write(f"{len(accounts)} account(s) now use the newest key")
