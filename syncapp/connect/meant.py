"""The role of a sync that somebody connects an account for: carried through the steps, and preselected at the end.

In addresses until there is an account; then beside it in the session, as a sign-in leads to the provider and back.
"""

from __future__ import annotations

from django.http import HttpRequest

from policies.models import Role
from syncapp.models import Account

ASKED, KEPT = "for", "connected_for"
ROLE = "role:"
MOST = 20


def target_of(role: Role) -> str:
    """As addresses and forms spell it."""
    return f"{ROLE}{role.sync.slug}:{role.name}"


def meant(request: HttpRequest) -> Role | None:
    """The role that the address names, as long as an account may still play it."""
    return _role(request.GET.get(ASKED, ""))


def _role(target: str) -> Role | None:
    slug, _, name = target.replace("\0", "").removeprefix(ROLE).partition(":")
    if not (target.startswith(ROLE) and slug and name):
        return None
    free = Role.objects.filter(feed=None, left="", sync__retired="").select_related("sync")
    return free.filter(sync__slug=slug, name=name).first()


def remember(request: HttpRequest, account: Account) -> None:
    role = meant(request)
    if role is not None:
        kept = {**request.session.get(KEPT, {}), account.slug: target_of(role)}
        request.session[KEPT] = dict([*kept.items()][-MOST:])


def remembered(request: HttpRequest, account: Account) -> str:
    """What it was connected for, or "": somebody else may have found an account for that role meanwhile."""
    role = _role(request.session.get(KEPT, {}).get(account.slug, ""))
    return target_of(role) if role is not None else ""
