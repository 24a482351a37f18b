"""What lists can be filtered by."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import ValidationError

from policies.core.reasons import Verdict
from policies.models import Role, Sync, SyncField
from syncapp.explain import keys_told, match_keys_of
from syncapp.lines import MOVED
from syncapp.models import Account, Brake, Delivery, Held, Ledger, Link, Push, Record

SINCE = "is not a time; accepted: ISO 8601 with its zone, for example 2026-03-31T12:00:00Z"
KEY = "is not a record's key; accepted: a UUID"
ON, OFF = "on", "off"


class Moment(forms.Field):
    """A time with its zone: a time without one would mean something else for every reader."""

    def to_python(self, value: str | None) -> datetime | None:
        if not value:
            return None
        try:
            found = parse_datetime(value.replace(" ", "+"))
        except ValueError:
            found = None
        if found is None or timezone.is_naive(found):
            raise forms.ValidationError(f"{value!r} {SINCE}")
        return found


class RecordKey(forms.Field):
    def to_python(self, value: str | None) -> uuid.UUID | None:
        try:
            return uuid.UUID(value) if value else None
        except ValueError:
            raise forms.ValidationError(f"{value!r} {KEY}") from None


class MomentFilter(django_filters.Filter):
    field_class = Moment


class KeyFilter(django_filters.Filter):
    field_class = RecordKey


def fields(_: Any = None) -> list[tuple[str, str]]:
    """What the judge decides about: fields, and bundles of them."""
    return [(unit, unit) for unit in sorted({row.unit for row in SyncField.objects.only("name", "bundle")})]


def roles(_: Any = None) -> list[tuple[str, str]]:
    return [(name, name) for name in sorted(set(Role.objects.values_list("name", flat=True)))]


def by_sync(path: str = "sync") -> django_filters.Filter:
    return django_filters.ModelChoiceFilter(field_name=path, queryset=Sync.objects.all(), to_field_name="slug")


def by_account(path: str = "account") -> django_filters.Filter:
    return django_filters.ModelChoiceFilter(field_name=path, queryset=Account.objects.all(), to_field_name="slug")


def one_of(path: str, choices: Callable[..., Any] | Sequence[tuple[str, str]]) -> django_filters.Filter:
    return django_filters.ChoiceFilter(field_name=path, choices=choices)


def whole(rows: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
    """For parameters that are taken together, after the others."""
    return rows


class RecordFilter(django_filters.FilterSet):
    sync = by_sync()
    match = django_filters.CharFilter(method="by_match")
    role = django_filters.ChoiceFilter(method=whole, choices=roles)
    remote_id = django_filters.CharFilter(method=whole, max_length=255)

    class Meta:
        model = Record
        fields: Sequence[str] = []

    def by_match(self, rows: QuerySet[Record], name: str, value: str) -> QuerySet[Record]:
        sync = self.form.cleaned_data["sync"]
        if sync is None:
            raise ValidationError({name: ["needs `sync`: a value is read as that sync's match keys are"]})
        found = match_keys_of(sync, value)
        if found is None:
            raise ValidationError({name: [f"{value!r} is no match-key value; accepted: a value of {keys_told(sync)}"]})
        return rows.filter(key__in=found.values("record_id"))

    def filter_queryset(self, queryset: QuerySet[Record]) -> QuerySet[Record]:
        """Role and remote id speak of one and the same link."""
        rows: QuerySet[Record] = super().filter_queryset(queryset)
        role, remote_id = self.form.cleaned_data["role"], self.form.cleaned_data["remote_id"]
        if not role and not remote_id:
            return rows
        links = Link.objects.filter(remote_id=remote_id) if remote_id else Link.objects.exclude(remote_id=None)
        return rows.filter(key__in=(links.filter(feed__role__name=role) if role else links).values("record_id"))


class LedgerFilter(django_filters.FilterSet):
    sync = by_sync()
    record = KeyFilter()
    role = one_of("role", roles)
    field = one_of("unit", fields)
    verdict = one_of("verdict", [(one, one) for one in [*(v.value for v in Verdict), MOVED]])
    since = MomentFilter(field_name="recorded_at", lookup_expr="gte")

    class Meta:
        model = Ledger
        fields: Sequence[str] = []


class DeliveryFilter(django_filters.FilterSet):
    account = by_account()
    state = one_of("state", Delivery.State.choices)
    since = MomentFilter(field_name="received_at", lookup_expr="gte")

    class Meta:
        model = Delivery
        fields: Sequence[str] = []


class PushFilter(django_filters.FilterSet):
    sync = by_sync("record__sync")
    record = KeyFilter()
    account = by_account("feed__account")
    role = one_of("feed__role__name", roles)
    state = one_of("state", Push.State.choices)

    class Meta:
        model = Push
        fields: Sequence[str] = []


class BrakeFilter(django_filters.FilterSet):
    """What is on, unless `state` says otherwise."""

    sync = by_sync()
    account = django_filters.ModelChoiceFilter(
        method="by_its_account", queryset=Account.objects.all(), to_field_name="slug"
    )
    code = one_of("code", Brake.Code.choices)
    state = django_filters.ChoiceFilter(method=whole, choices=[(ON, "on"), (OFF, "released")])

    class Meta:
        model = Brake
        fields: Sequence[str] = []

    def by_its_account(self, rows: QuerySet[Brake], name: str, value: Account) -> QuerySet[Brake]:
        return rows.filter(Q(account=value) | Q(feed__account=value))

    def filter_queryset(self, queryset: QuerySet[Brake]) -> QuerySet[Brake]:
        rows: QuerySet[Brake] = super().filter_queryset(queryset)
        return rows.filter(released_at__isnull=self.form.cleaned_data["state"] != OFF)


class HeldFilter(django_filters.FilterSet):
    """What is held now, unless `state` says otherwise."""

    what = one_of("what", Held.What.choices)
    record = KeyFilter()
    state = django_filters.ChoiceFilter(method=whole, choices=Held.State.choices)

    class Meta:
        model = Held
        fields: Sequence[str] = []

    def filter_queryset(self, queryset: QuerySet[Held]) -> QuerySet[Held]:
        rows: QuerySet[Held] = super().filter_queryset(queryset)
        return rows.filter(state=self.form.cleaned_data["state"] or Held.State.HELD)
