"""Give an account its address and credentials, and change them: tested first, and nothing is dropped before that."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.text import slugify

from syncapp.apply.accounts import put_account
from syncapp.apply.changes import Changes
from syncapp.apply.file import ApplyError, parse
from syncapp.apply.locks import hold_set_up
from syncapp.connectors.located import Located
from syncapp.connectors.records import Check
from syncapp.facts import manifest_of
from syncapp.models import Account
from syncapp.secrets import SecretProblem, decrypt, encrypt, kept_secrets

from .form import Given
from .interactive import grant_of
from .noted import note
from .tried import try_out

# Words in addresses of these pages.
RESERVED = {"providers", "new"}
LONGEST_SLUG = 60


class Moved(Exception):
    """Somebody else changed it since the form was shown; the sentence says what to do."""


class NotTaken(Exception):
    """The test found something wrong with the new address or credentials, so the old ones stay."""

    def __init__(self, found: Check) -> None:
        self.found = found
        super().__init__(found.problems[0] if found.problems else "the provider did not take them")


def stored_names(account: Account | None) -> frozenset[str]:
    """The secrets that are kept encrypted, by name; none where no key opens them any more."""
    if account is None:
        return frozenset()
    return frozenset(name for name in _held(account) if "." not in name)


def _held(account: Account) -> dict[str, str]:
    """Where no key opens them any more nothing is held: entering them again is what mends that."""
    try:
        return decrypt(account)
    except SecretProblem:
        return {}


def seen(account: Account) -> str:
    """What a form was made from, so that two people who change it at once are told."""
    held = [as_written(account), account.tables]
    return hashlib.sha256(json.dumps(held, sort_keys=True).encode() + bytes(account.secrets)).hexdigest()[:32]


def connect(provider: str, given: Given) -> Account:
    """A new account. Raises ApplyError, whose path names what to mend."""
    with transaction.atomic():
        hold_set_up()
        account = Account(slug=_free_slug(given.name, provider), provider=provider, secrets=encrypt(given.typed))
        _put(account, given)
    return account


def change(account: Account, given: Given, shown: str, by: str, *, untested: bool = False) -> None:
    """Other credentials, or another address, tested before they take the place of what is there.

    Raises Moved, NotTaken and ApplyError. `untested`: stored all the same, for a provider that is down just now.
    """
    if seen(account) != shown:
        raise Moved(_MOVED)
    renewed: Mapping[str, str] = given.typed
    if not (untested or _waits_for_a_person(account, given)):
        found, after = try_out(_with(account, given))
        if not found.ok:
            raise NotTaken(found)
        renewed = _renewed(account, given, after)
    with transaction.atomic():
        hold_set_up()
        row = Account.objects.get(pk=account.pk)
        if seen(row) != shown:
            raise Moved(_MOVED)
        row.secrets = _after(row, given, renewed)
        row.save(update_fields=["secrets"])
        changes = _put(row, given)
        note(row, by, [*changes, *(f"{name} entered anew" for name in given.typed)])


def _waits_for_a_person(account: Account, given: Given) -> bool:
    """Nobody has signed in at the provider yet, so there is nothing that could be tested."""
    grant = grant_of(manifest_of(account), given.config)
    return grant is not None and not {grant.access, grant.refresh} & stored_names(account)


_MOVED = "somebody else changed this account since the form was shown; look at what is there now, and enter it again"


def _with(account: Account, given: Given) -> Account:
    """As it would be, for a test; never saved."""
    made = copy.copy(account)
    captured = {name for name, spec in manifest_of(account).config.items() if spec.captured}
    told = {name: text for name, text in account.config.items() if name in captured}
    made.config, made.allow_private = {**told, **given.config}, given.allow_private
    made.secret_refs = {name: dict(told) for name, told in given.references.items()}
    made.secrets = _after(account, given, given.typed)
    return made


def _after(account: Account, given: Given, typed: Mapping[str, str]) -> bytes:
    """What was stored before stays, but for what is typed anew or is kept somewhere else now."""
    moved = {name for name in given.references if given.references[name] != account.secret_refs.get(name)}
    names = set(given.typed) | moved
    held = {name: text for name, text in _held(account).items() if name.partition(".")[0] not in names}
    made = copy.copy(account)
    made.secrets, made.secret_refs = encrypt(held), {name: dict(told) for name, told in given.references.items()}
    return kept_secrets(made, typed) if typed else made.secrets


def _renewed(account: Account, given: Given, after: Mapping[str, str]) -> dict[str, str]:
    """What was typed, and what the test had renewed of it: a refresh token may serve only once."""
    before = {**_held(_with(account, given)), **given.typed}
    fresh = {name: text for name, text in after.items() if name in before and before[name] != text}
    return {**given.typed, **fresh}


def as_written(account: Account) -> dict[str, Any]:
    """The account as a set-up file would have it."""
    return {
        "provider": account.provider,
        "name": account.name,
        "config": dict(account.config),
        "secrets": dict(account.secret_refs),
        "allow_private": account.allow_private,
        "direction": str(account.direction),
        "paused": account.paused,
        "write_budget": account.write_budget,
        "quota_share": account.quota_share,
    }


def _put(account: Account, given: Given) -> list[str]:
    """With everything that this form does not ask for as it is."""
    references = {name: dict(told) for name, told in given.references.items()}
    told = {"name": given.name, "config": dict(given.config), "secrets": references}
    return put(account, {**as_written(account), **told, "allow_private": given.allow_private})


def put(account: Account, wanted: Mapping[str, Any]) -> list[str]:
    """Through the door of the set-up files; what that changed. Raises ApplyError."""
    found, changes = written(account.slug, wanted), Changes()
    put_account(found, changes, account.slug, wanted, account, stored_names(account))
    return changes.lines


def written(slug: str, wanted: Mapping[str, Any]) -> Located:
    """A form's content as the file that would say the same, checked like one. Raises ApplyError."""
    return parse(json.dumps({"accounts": {slug: dict(wanted)}}, ensure_ascii=False), "the form")


def place_of(error: ApplyError) -> str:
    """What of an account an error is about, such as config.server."""
    return ".".join(error.path.split(".")[2:])


def _free_slug(name: str, provider: str) -> str:
    """The name by which set-up files refer to it."""
    wanted = slugify(name)[: LONGEST_SLUG - 6] or provider
    taken = set(Account.objects.values_list("slug", flat=True)) | RESERVED
    return next(one for one in (wanted, *(f"{wanted}-{number}" for number in range(2, 10_000))) if one not in taken)
