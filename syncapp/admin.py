"""The administration of accounts, feeds and what the hub remembers. What only `reconcile` writes is read-only here."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as StockGroupAdmin
from django.contrib.auth.admin import UserAdmin as StockUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from rest_framework.authtoken.admin import TokenAdmin as StockTokenAdmin
from rest_framework.authtoken.models import TokenProxy
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from . import models


class ReadOnly(ModelAdmin):
    """Rows to look at. Written by the clerk only, or on pages of their own, so nobody may change them here."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(models.Account)
class AccountAdmin(ReadOnly):
    list_display = ("name", "provider", "health", "direction", "paused")
    search_fields = ("slug", "name")
    # Neither the stored secrets nor the webhook address, whose token is as good as one.
    fields = ("slug", "name", "provider", "health", "last_error", "direction", "paused", "allow_private", "skew")


@admin.register(models.Feed)
class FeedAdmin(ReadOnly):
    list_display = ("account", "object", "role", "stage", "last_success", "paused")
    list_select_related = ("account", "role")
    fields = (
        "account",
        "object",
        "role",
        "schedule",
        "settle_delay",
        "paused",
        "stage",
        "stage_reason",
        "last_success",
        "lag",
        "next_due",
        "mapping",
    )


@admin.register(models.Record)
class RecordAdmin(ReadOnly):
    list_display = ("title", "sync", "version", "updated_at", "page")
    ordering = ("-updated_at",)
    fields = ("key", "sync", "title", "version", "creator", "updated_at", "page", "beliefs")

    @admin.display(description="record page")
    def page(self, row: models.Record) -> SafeString:
        return format_html('<a href="{}">open</a>', reverse("record", args=[row.key]))


@admin.register(models.Link)
class LinkAdmin(ReadOnly):
    list_display = ("record", "feed", "remote_id", "version", "read_at")
    list_select_related = ("record", "feed__account")
    search_fields = ("remote_id__exact",)


@admin.register(models.Push)
class PushAdmin(ReadOnly):
    list_display = ("record", "feed", "state", "why", "attempts", "next_try", "error")
    list_select_related = ("record", "feed__account")
    list_filter = ("state", "why")
    ordering = ("-id",)


@admin.register(models.Delivery)
class DeliveryAdmin(ReadOnly):
    list_display = ("event_id", "account", "state", "received_at", "attempts", "reason")
    list_select_related = ("account",)
    list_filter = ("state", "account")
    ordering = ("-id",)
    # Bodies and headers are left out: they carry signatures, and whatever a provider puts into them.
    exclude = ("body", "headers")


@admin.register(models.Subscription)
class SubscriptionAdmin(ReadOnly):
    list_display = ("account", "object", "state", "expires_at", "last_seen_at", "losses", "last_error")
    list_select_related = ("account",)
    list_filter = ("state", "account")
    exclude = ("address",)


@admin.register(models.MatchKey)
class MatchKeyAdmin(ReadOnly):
    list_display = ("record", "sync", "name")
    list_select_related = ("record", "sync")


@admin.register(models.Tally)
class TallyAdmin(ReadOnly):
    list_display = ("account", "reason", "number", "last_at", "last_said")
    list_select_related = ("account",)


@admin.register(models.Run)
class RunAdmin(ReadOnly):
    list_display = ("id", "sync", "feed", "kind", "state", "started_at", "ended_at", "counts")
    list_select_related = ("sync", "feed__account")
    list_filter = ("kind", "state")


@admin.register(models.Ledger)
class LedgerAdmin(ReadOnly):
    list_display = ("recorded_at", "verdict", "role", "unit", "reason", "record", "actor", "policy")
    search_fields = ("record__exact", "correlation__exact")
    ordering = ("-id",)


admin.site.unregister(User)
admin.site.unregister(Group)
admin.site.unregister(TokenProxy)


@admin.register(User)
class UserAdmin(StockUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(StockGroupAdmin, ModelAdmin):
    pass


@admin.register(TokenProxy)
class TokenAdmin(StockTokenAdmin, ModelAdmin):
    """Who has a token. The token itself is told once, by `manage.py drf_create_token NAME`."""

    list_display = ("user", "created")
    search_fields = ()
    autocomplete_fields = ()
    fields: ClassVar[tuple[str, ...]] = ("user", "created")
    readonly_fields = ("user", "created")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
