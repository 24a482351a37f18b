"""Records with questions of several kinds, built through the store as real reads would build them."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import Group, User
from django.test import Client

from policies.models import Role, Sync, SyncField
from review.teams import make_teams
from syncapp.models import Conflict, Record
from syncapp.steps import judge
from syncapp.store import PgStore
from tests.clerk.making import RULES, make_sync, seen, silent

LABELS = {"crm": "CRM", "billing": "Billing"}
BOLD = "<b>Ada</b> & co"


@dataclass
class Desk:
    sync: Sync
    store: PgStore

    def contact(self, n: int, phone: str = "+49 30 1000", **more: str) -> Record:
        """Known to both systems, in step."""
        fields = {"email": f"p{n}@example.org", "first_name": f"Person {n}", "phone": phone, **more}
        self.shows("crm", n, "1", **fields)
        self.shows("billing", n, "1", **fields)
        return Record.objects.get(links__remote_id=f"crm-{n}")

    def shows(self, role: str, n: int, version: str, **fields: str) -> None:
        judge(self.store, role, [seen(self.store, role, f"{role}-{n}", version=version, **fields)])

    def disagree(self, n: int, crm: str = "+49 30 2000", billing: str = "+49 30 3000") -> Conflict:
        """Two people change one telephone number at once."""
        self.contact(n)
        self.shows("crm", n, "2", phone=crm)
        self.shows("billing", n, "2", phone=billing)
        return Conflict.objects.get(record__links__remote_id=f"crm-{n}", kind="value", state="open")

    def delete(self, n: int) -> Conflict:
        self.contact(n)
        judge(self.store, "billing", [seen(self.store, "billing", f"billing-{n}", version="2", deleted=True)])
        return Conflict.objects.get(record__links__remote_id=f"crm-{n}", kind="delete", state="open")

    def second(self, n: int) -> Conflict:
        """Another record at the CRM carries the same e-mail address."""
        self.contact(n)
        twin = seen(self.store, "crm", f"crm-{n}-twin", version="1", email=f"p{n}@example.org", first_name="Twin")
        judge(self.store, "crm", [twin])
        return Conflict.objects.get(about=f"crm-{n}-twin", state="open")


def make_desk(rules: dict | None = None) -> Desk:
    given = {**RULES, "phone": {**RULES["phone"], "writers": ["crm", "billing", "hub"], "clear": ["hub"]}}
    sync = make_sync({**given, **(rules or {})})
    for name, label in LABELS.items():
        Role.objects.filter(sync=sync, name=name).update(label=label)
    SyncField.objects.filter(sync=sync, name="phone").update(label="Telephone")
    return Desk(sync, PgStore(sync, ring_feeds=silent))


def person(team: str, name: str = "") -> User:
    """A member of one team, or of none."""
    make_teams()
    user = User.objects.create(username=name or team.lower().replace(" ", "-") or "stranger", is_staff=True)
    if team:
        user.groups.add(Group.objects.get(name=team))
    return user


def browser_of(team: str, name: str = "") -> Client:
    client = Client()
    client.force_login(person(team, name))
    return client
