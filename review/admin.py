"""Questions in the administration: to look at; they are answered on their cards."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from syncapp.admin import ReadOnly
from syncapp.models import Conflict


@admin.register(Conflict)
class ConflictAdmin(ReadOnly):
    list_display = ("record", "kind", "unit", "role", "state", "opened_at", "closed_at", "decided_by", "card")
    list_select_related = ("record",)
    list_filter = ("state", "kind")
    ordering = ("-id",)

    @admin.display(description="card")
    def card(self, row: Conflict) -> SafeString:
        return format_html('<a href="{}">open</a>', reverse("review:card", args=[row.pk]))
