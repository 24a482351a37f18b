"""Sign an account in at its provider through an admin's browser: begin, end, choose what it is for; how it stands."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from .connect.noted import note
from .connectors.authspec import OAuthSpec
from .connectors.consent import Choice, Consent, SignedIn, choices, scopes_name
from .connectors.errors import Misconfigured, Permanent
from .connectors.renewal import renew_at, told_name
from .connectors.spec import Manifest
from .connectors.throttle import number
from .connectors.transport import Timeouts
from .facts import manifest_of
from .keeping import AccountKeeper
from .load import database_now
from .models import Account, Feed, SignIn
from .secrets import decrypt, encrypt, kept_secrets, keys, secrets_of

LASTS = timedelta(minutes=10)
# A person waits for it.
SHORT = Timeouts(connect=4.0, read=8.0, total=12.0)


class NotYours(Exception):
    """A way back that nobody here began, or that was used or took too long; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A right that the provider file asks for, why, and whether it was granted (None: not told)."""

    name: str
    why: str
    granted: bool | None


@dataclass(frozen=True, slots=True)
class SignInState:
    """How an account stands with its provider. ``interactive``: it is one that a person signs in to."""

    interactive: bool
    signed_in: bool = False
    expires_at: datetime | None = None
    renews: bool = False
    scopes: tuple[Scope, ...] = ()
    choice: str = ""  # what the account is used for one of, such as organisation; "" where there is nothing to choose
    chosen: bool = True

    @property
    def lacking(self) -> list[str]:
        return [one.name for one in self.scopes if one.granted is False]


def redirect_uri() -> str:
    """The one address that every provider sends people back to."""
    return settings.PUBLIC_ADDRESS.rstrip("/") + reverse("oauth_callback")


def signin_state(account: Account) -> SignInState:
    """Raises ManifestError, Misconfigured and SecretProblem. Asks nobody: as the hub knows it."""
    manifest = manifest_of(account).chosen(account.config)
    spec = manifest.auth.oauth
    if spec is None or not spec.interactive:
        return SignInState(False)
    held = secrets_of(account)
    if not held.get(spec.access) and not held.get(spec.refresh):
        return SignInState(True, scopes=_scopes(spec, None))
    ends = number(held.get(renew_at(spec.access), ""))
    granted = held.get(scopes_name(spec.access), "").split()
    return SignInState(
        True,
        signed_in=True,
        expires_at=None if ends is None else datetime.fromtimestamp(ends, UTC),
        renews=bool(held.get(spec.refresh)),
        scopes=_scopes(spec, granted or None),
        choice=spec.choose.label if spec.choose is not None else "",
        chosen=_is_chosen(spec, account),
    )


def _scopes(spec: OAuthSpec, granted: list[str] | None) -> tuple[Scope, ...]:
    return tuple(Scope(name, why, None if granted is None else name in granted) for name, why in spec.scopes.items())


def _is_chosen(spec: OAuthSpec, account: Account) -> bool:
    wanted = [name for name, one in spec.capture.items() if one.source == "choice" and not one.optional]
    return all(account.config.get(name) for name in wanted)


def _consent(account: Account) -> Consent:
    return Consent(
        manifest_of(account), account.config, secrets_of(account),
        redirect_uri=redirect_uri(), allow_private=account.allow_private, timeouts=SHORT,
    )  # fmt: skip


def address_of(account: Account) -> str:
    """Where a person of this account would be sent to. Raises as `begin` does."""
    with closing(_consent(account)) as consent:
        return consent.begin().url


def begin(account: Account, session: str) -> str:
    """The provider's page for this sign-in; what is needed on the way back is kept for ten minutes."""
    with closing(_consent(account)) as consent:
        begun = consent.begin()
    now = database_now()
    SignIn.objects.filter(expires_at__lte=now).delete()
    SignIn.objects.create(
        account=account, state=_digest(begun.state), session=_digest(session),
        verifier=keys().encrypt(begun.verifier.encode()), expires_at=now + LASTS,
    )  # fmt: skip
    return begun.url


def claim(query: Mapping[str, str], session: str) -> tuple[Account, str]:
    """The account whose sign-in this ends, and its verifier; each may be claimed once. Raises NotYours."""
    found = SignIn.objects.filter(state=_digest(query.get("state", ""))).select_related("account").first()
    if found is None:
        raise NotYours("this sign-in was used before, took more than ten minutes, or began elsewhere: start it again")
    if found.session != _digest(session):
        raise NotYours(
            "this sign-in was begun in another browser or before you signed in to the hub again: start it again here, "
            f"at {settings.PUBLIC_ADDRESS}"
        )
    mine, _ = SignIn.objects.filter(pk=found.pk).delete()
    if not mine or found.expires_at <= database_now():
        raise NotYours("this sign-in was used before or took more than ten minutes: start it again")
    return found.account, keys().decrypt(bytes(found.verifier)).decode()


def end(account: Account, query: Mapping[str, str], verifier: str, by: str) -> bool:
    """Keep what the provider gives for this way back; is there something to choose now? Raises ConnectorError and
    SecretProblem."""
    with closing(_consent(account)) as consent:
        signed = consent.end(query, verifier)
        spec = consent.spec
    with transaction.atomic():
        row = Account.objects.select_for_update().get(pk=account.pk)
        _store(row, spec, signed)
        note(row, by, [f"{row.name}: signed in at the provider anew"])
    return spec.choose is not None


def _store(row: Account, spec: OAuthSpec, signed: SignedIn) -> None:
    """The new tokens with all that came with them; nothing of an earlier sign-in stays."""
    beside = {told_name(spec.access, name) for name in spec.capture}
    row.secrets = encrypt({name: text for name, text in decrypt(row).items() if name not in beside})
    row.secrets = kept_secrets(row, signed.secrets)
    row.config = {**row.config, **signed.config}
    row.health, row.last_error = Account.Health.UNKNOWN, ""
    row.save(update_fields=["secrets", "config", "health", "last_error"])
    Feed.objects.filter(account=row).update(next_due=None)  # what waited for the sign-in goes on at once


def reachable(account: Account) -> list[Choice]:
    """What the account may be used for, asked of the provider. Raises ConnectorError."""
    return choices(
        _manifest(account), account.config, _known(account), keeper=AccountKeeper(account),
        allow_private=account.allow_private, timeouts=SHORT,
    )  # fmt: skip


def choose(account: Account, id: str | None, by: str) -> list[Choice]:
    """Use the account for this one, else for the one it is used for, else for the only one there is; else the list to
    choose from. Raises ConnectorError."""
    found = reachable(account)
    if not found:
        raise Permanent(
            "the sign-in reaches nothing that the account could be used for", f"account of {account.provider}",
            "sign in again and allow it at the provider, or sign in as somebody who may",
        )  # fmt: skip
    picked = _picked(account, found, id)
    if id is not None and picked is None:
        known, where = ", ".join(one.name for one in found), f"account of {account.provider}"
        raise Permanent("what was chosen is not among what the sign-in reaches", where, known)
    told = picked.config if picked is not None else {name: "" for one in found for name in one.config}
    with transaction.atomic():
        row = Account.objects.select_for_update().get(pk=account.pk)
        if not told.items() <= row.config.items():
            row.config = {**row.config, **told}
            row.save(update_fields=["config"])
            note(row, by, [f"{row.name}: used for {picked.name if picked is not None else 'none yet'}"])
    return found if picked is None else []


def _picked(account: Account, found: list[Choice], id: str | None) -> Choice | None:
    if id is not None:
        return next((one for one in found if one.id == id), None)
    used = [one for one in found if one.config.items() <= account.config.items()]
    return next(iter(used or (found if len(found) == 1 else [])), None)


def _manifest(account: Account) -> Manifest:
    manifest = manifest_of(account)
    spec = manifest.chosen(account.config).auth.oauth
    if spec is None or spec.choose is None:
        raise Misconfigured("there is nothing to choose for this account", f"account of {manifest.slug}")
    return manifest


def _known(account: Account) -> dict[str, str]:
    return {name: text for name, text in secrets_of(account).items() if not name.startswith("webhook")}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
