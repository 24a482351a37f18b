"""The administration of syncs and their rules. A published policy is frozen; new versions come by file."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from .models import FieldRule, PolicySet, Role, Sync, SyncField


class ReadOnlyRows(TabularInline):
    extra = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class FieldRows(ReadOnlyRows):
    model = SyncField
    fields = ("name", "label", "type", "params", "bundle", "group")


class RoleRows(ReadOnlyRows):
    model = Role
    fields = ("name", "label", "order")


class RuleRows(ReadOnlyRows):
    model = FieldRule
    fields = ("unit", "owner", "writers", "readers", "strategy", "unauthorised", "clear", "note")


@admin.register(Sync)
class SyncAdmin(ModelAdmin):
    list_display = ("name", "slug", "paused")
    fields = ("slug", "name", "paused", "match_keys", "title_fields")
    readonly_fields = ("slug", "match_keys", "title_fields")
    inlines = (FieldRows, RoleRows)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(PolicySet)
class PolicySetAdmin(ModelAdmin):
    list_display = ("sync", "version", "state", "published_at", "published_by", "note")
    list_filter = ("sync", "state")
    inlines = (RuleRows,)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
