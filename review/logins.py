"""The demo's people: one of each team, with passwords that are printed. Never made beside real accounts."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from .teams import make_teams

PEOPLE = (
    ("admin", "Admin", "", "Admin"),
    ("robin", "Robin", "Marsh", "Reviewer"),
    ("olga", "Olga", "Brandt", "Business owner"),
    ("vera", "Vera", "Lind", "Viewer"),
)


def password_of(name: str) -> str:
    return f"demo-{name}"


def make_demo_logins() -> list[tuple[str, str, str]]:
    """(login, password, team) of each; making them again changes nothing but what was missing."""
    make_teams()
    user_model = get_user_model()
    for name, first, last, team in PEOPLE:
        user, new = user_model.objects.get_or_create(
            username=name, defaults={"first_name": first, "last_name": last, "is_staff": True}
        )
        if new:
            user.set_password(password_of(name))
            user.save()
        user.groups.add(Group.objects.get(name=team))
    return [(name, password_of(name), team) for name, _, _, team in PEOPLE]
