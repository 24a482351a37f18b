"""The form by which people give an account its address and credentials, made from what the provider's file asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from django import forms
from django.conf import settings

from syncapp.connectors.authspec import WAY, Setting
from syncapp.connectors.spec import Manifest
from syncapp.models import Account
from syncapp.words import enumerated

CONFIG, SECRET, SOURCE = "config-", "secret-", "source-"
LONGEST = 4000
NEVER = "Stored encrypted, and never shown again."
# What may be named from a browser: a reference to anything else would hand the hub's own secrets to any address.
VARIABLES = "CONCORD_ACCOUNT_"


# Parts of credentials that one has to see while typing.
NAMES = ("user", "username", "login", "email")


class NeverShown(forms.TextInput):
    """Seen while it is typed; like a password, it is not sent back to the browser."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        return super().get_context(name, None, attrs)


@dataclass(frozen=True, slots=True)
class Given:
    """What a person gave; `typed` is stored encrypted, `references` are resolved when they are used."""

    name: str
    config: Mapping[str, str]
    typed: Mapping[str, str] = field(repr=False)
    references: Mapping[str, Mapping[str, str]]
    allow_private: bool


class AccountForm(forms.Form):
    """`stored` are the names of the secrets that are kept encrypted already; no value of one is ever shown."""

    def __init__(
        self, manifest: Manifest, account: Account | None, stored: frozenset[str] = frozenset(), data: Any = None
    ) -> None:
        super().__init__(data)
        self.manifest, self.stored = manifest, stored
        self.references: Mapping[str, Any] = account.secret_refs if account is not None else {}
        self.fields["name"] = forms.CharField(
            label="Name", max_length=120, initial=account.name if account else manifest.name,
            help_text="What people here call this account; two accounts of one provider need two names.",
        )  # fmt: skip
        for name, spec in manifest.config.items():
            if not spec.captured:
                held = str(account.config.get(name, "")) if account else ""
                self.fields[CONFIG + name] = _setting(spec, held, manifest)
        for name, spec in self._entered().items():
            self._add_secret(name, spec)
        self.fields["allow_private"] = forms.BooleanField(
            label="May be reached at private addresses", required=False,
            initial=account.allow_private if account else False,
            help_text="Only for a system inside your own network, such as 10.0.0.5 or localhost. Without it the hub "
            "refuses such addresses, so that nobody can use it to look around in your network.",
        )  # fmt: skip
        self._describe()

    def _entered(self) -> dict[str, Setting]:
        """The secrets that people type; others are told at sign-in."""
        return {name: spec for name, spec in self.manifest.secrets.items() if not spec.captured}

    def _add_secret(self, name: str, spec: Setting) -> None:
        kept = "One is stored; leave it empty to keep it. " if name in self.stored else ""
        hidden = name not in NAMES
        attrs = {"autocomplete": "new-password" if hidden else "off", "spellcheck": "false"}
        widget = forms.PasswordInput(attrs=attrs) if hidden else NeverShown(attrs=attrs)
        self.fields[SECRET + name] = forms.CharField(
            label=spec.label, required=False, max_length=LONGEST, strip=True, widget=widget,
            help_text=f"{kept}{_sentence(spec.help)}{_only(spec, self.manifest)}{NEVER}",
        )  # fmt: skip
        self.fields[SOURCE + name] = forms.CharField(
            label=f"Where {spec.label[:1].lower()}{spec.label[1:]} is kept, if not here", required=False,
            max_length=300, initial=_spelled(self.references.get(name)),
            help_text=f"env:{VARIABLES}… for an environment variable, or file:{settings.SECRETS_FOLDER}/…",
        )  # fmt: skip

    def _describe(self) -> None:
        for name, made in self.fields.items():
            made.widget.attrs["aria-describedby"] = f"help-{name}"

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        for name in self._entered():
            try:
                told[SOURCE + name] = self._reference(name, told.get(SOURCE + name, ""))
            except forms.ValidationError as error:
                self.add_error(SOURCE + name, error)
        self._demand(told)
        return told

    def _reference(self, name: str, text: str) -> Mapping[str, str]:
        """One that a set-up file gave stays as it is; others only from where an account's secrets may be."""
        known = self.references.get(name)
        if not text or text == _spelled(known):
            return dict(known) if text and known else {}
        kind, _, place = text.partition(":")
        if kind == "env" and place.startswith(VARIABLES) and place.replace("_", "").isalnum():
            return {"env": place}
        path = PurePosixPath(place)
        if kind == "file" and ".." not in path.parts and path.is_relative_to(settings.SECRETS_FOLDER):
            return {"file": str(path)}
        raise forms.ValidationError(
            f"It is read only from an environment variable whose name begins with {VARIABLES}, written "
            f"env:{VARIABLES}NAME, or from a file in {settings.SECRETS_FOLDER}, written "
            f"file:{settings.SECRETS_FOLDER}/NAME. A set-up file may name others."
        )

    def _demand(self, told: Mapping[str, Any]) -> None:
        """Everything that is missing for the way to sign in that was chosen, at once and by its field."""
        used = self.used()
        for name, spec in used.config.items():
            place = CONFIG + name
            if place in self.fields and spec.required and spec.default is None and not told.get(place):
                self.add_error(place, f"{spec.label} is needed.")
            elif spec.pattern and told.get(place) and not re.fullmatch(spec.pattern, told[place]):
                self.add_error(place, f"It does not fit; accepted: {spec.help or spec.pattern}")
        for name in self._entered():
            self._demand_secret(name, used.secrets[name], told)

    def _demand_secret(self, name: str, spec: Setting, told: Mapping[str, Any]) -> None:
        typed, source = told.get(SECRET + name), told.get(SOURCE + name)
        if typed and source:
            self.add_error(SECRET + name, "Give it here or say where it is kept, not both: empty one of the two.")
            return
        needed = spec.required and spec.default is None and name not in self.stored
        if needed and not typed and not source and not self.has_error(SOURCE + name):
            self.add_error(SECRET + name, f"{spec.label} is needed; enter it here, or say where it is kept.")

    def used(self) -> Manifest:
        """The provider by the way to sign in that was chosen."""
        told = getattr(self, "cleaned_data", {}).get(CONFIG + WAY)
        return self.manifest.chosen({WAY: told} if told else {})

    def given(self) -> Given:
        told = self.cleaned_data
        config = {name: told[CONFIG + name] for name in self.manifest.config if told.get(CONFIG + name)}
        typed = {name: told[SECRET + name] for name in self._entered() if told[SECRET + name]}
        references = {name: told[SOURCE + name] for name in self._entered() if told[SOURCE + name]}
        return Given(told["name"], config, typed, references, told["allow_private"])

    def rows(self) -> Iterator[tuple[forms.BoundField, forms.BoundField | None]]:
        """Each field, a secret with the field for where else it may be kept."""
        for made in self:
            if not made.name.startswith(SOURCE):
                other = made.name.replace(SECRET, SOURCE, 1)
                yield made, self[other] if made.name.startswith(SECRET) else None

    def point_at(self, path: str, told: str) -> None:
        """A complaint of the set-up, put where a person sees what to mend."""
        part, _, name = path.partition(".")
        place = f"{ {'config': CONFIG, 'secrets': SECRET}.get(part, '') }{name or part}"
        self.add_error(place if place in self.fields else None, told)


def _setting(spec: Setting, held: str, manifest: Manifest) -> forms.Field:
    """What is required is demanded by the whole form: it depends on the way to sign in."""
    needed = spec.required and spec.default is None
    usual = f" Left empty: {spec.default}." if spec.default and not spec.choices else ""
    label, told = spec.label if needed or spec.choices else f"{spec.label} (may be left empty)", _sentence(spec.help)
    help_text = (told + _only(spec, manifest) + usual).strip()
    if spec.choices:
        options = [("", "not chosen"), *((one, _way(manifest, one).strip("“”")) for one in spec.choices)]
        initial = held or spec.default or ""
        return forms.ChoiceField(
            label=label, required=False, choices=options[bool(spec.default) :], initial=initial, help_text=help_text
        )
    widget = forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none"})
    return forms.CharField(
        label=label, required=False, max_length=LONGEST, initial=held, help_text=help_text, widget=widget
    )


def _only(spec: Setting, manifest: Manifest) -> str:
    """Of several ways to sign in, those that need it."""
    ways = [way for way in manifest.ways if way in (spec.ways or spec.needed_by)]
    if not ways or len(ways) == len(manifest.ways):
        return ""
    return f"Only to sign in by {enumerated([_way(manifest, way) for way in ways])}. "


def _way(manifest: Manifest, name: str) -> str:
    label = manifest.ways[name].label if name in manifest.ways else ""
    return f"“{label or name.replace('_', ' ')}”"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}. " if text else ""


def _spelled(reference: Any) -> str:
    return ":".join(next(iter(reference.items()))) if isinstance(reference, Mapping) and reference else ""
