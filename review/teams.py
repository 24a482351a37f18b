"""The four teams and what each may do. Making them again brings them back to this list and changes no membership."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

SEE, DECIDE, EDIT = "see_records", "decide_conflict", "edit_record"
STOP, RELEASE, APPROVE = "stop_writes", "release_held", "approve_sync"
TEAMS: dict[str, tuple[str, ...]] = {
    "Business owner": (SEE, DECIDE, EDIT, STOP, RELEASE, APPROVE),
    "Reviewer": (SEE, DECIDE, EDIT, STOP),
    "Admin": (SEE, STOP, RELEASE, APPROVE),
    "Viewer": (SEE,),
}
# Stock model permissions, which Admin alone has. What only `reconcile` writes is read-only whatever one holds.
STOCK_APPS = ("syncapp", "policies", "auth", "authtoken")


@transaction.atomic
def make_teams() -> list[str]:
    """The names of the teams that did not exist before."""
    made = []
    for name, codes in TEAMS.items():
        group, new = Group.objects.get_or_create(name=name)
        group.permissions.set(_permissions(name, codes))
        if new:
            made.append(name)
    return made


def _permissions(name: str, codes: tuple[str, ...]) -> list[Permission]:
    wanted = Q(content_type__app_label="review", codename__in=codes)
    if name == "Admin":
        wanted |= Q(content_type__app_label__in=STOCK_APPS)
    return list(Permission.objects.filter(wanted))
