"""Take an account out safely: refused while a rule rests on it; what is linked there sleeps and is not forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from policies.models import FieldRule, PolicySet
from syncapp.apply.locks import hold_set_up
from syncapp.apply.run import revise_all
from syncapp.models import Account, Draft, Feed, Link, Push, Run
from syncapp.models.accounts import new_webhook_token
from syncapp.words import counted, enumerated, words_of

from .credentials import Moved, seen
from .noted import note

GONE = "removed"


class Refused(Exception):
    """Why it cannot be removed now, and what to do first; one sentence."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What removing it would do."""

    blocked: Sequence[str]
    links: int
    forgets: bool  # nothing is linked and nothing was ever read: all of it goes

    @property
    def says(self) -> str:
        if self.forgets:
            return "Nothing of it was ever read or written, so it is deleted whole. This cannot be undone from here."
        sleep = f"{counted(self.links, 'link')} to its records {'sleeps' if self.links == 1 else 'sleep'}"
        return (
            f"Its credentials and its webhook address are deleted. {sleep}: nothing is read or written there, values "
            "in open questions stay, and no record is deleted at the provider. A webhook that was set up there is "
            "refused from now on, so take it away there. Enter new credentials, choose a direction and let it go on, "
            "and the links wake."
        )


def outlook(account: Account) -> Outlook:
    feeds = list(account.feeds.select_related("role__sync"))
    links = Link.objects.filter(feed__in=feeds, remote_id__isnull=False).count()
    used = links or Run.objects.filter(feed__in=feeds).exists() or account.deliveries.exists()
    return Outlook([*_owned(feeds), *_under_way(feeds)], links, not used)


def _owned(feeds: Sequence[Feed]) -> list[str]:
    """The fields that its roles own, by sync, in two queries."""
    roles = {(feed.role.sync_id, feed.role.name): feed for feed in feeds}
    rules = FieldRule.objects.filter(
        policy_set__state=PolicySet.State.PUBLISHED, policy_set__sync__in={key[0] for key in roles}
    ).select_related("policy_set__sync")
    words = words_of({key[0] for key in roles})
    owned: dict[tuple[int, str], list[str]] = {}
    for rule in rules.order_by("pk"):
        key = (rule.policy_set.sync_id, rule.owner)
        if key in roles:
            owned.setdefault(key, []).append(words[key[0]].field(rule.unit))
    return [
        f"it owns {enumerated(names)} of {roles[key].role.sync} as {roles[key].role}: give them another owner first"
        for key, names in owned.items()
    ]


def _under_way(feeds: Sequence[Feed]) -> list[str]:
    count = Push.objects.filter(feed__in=feeds, state=Push.State.SENDING).count()
    return [
        f"{counted(count, 'write')} to it {'is' if count == 1 else 'are'} under way: wait until they are settled"
    ] * (count > 0)


def remove(account: Account, shown: str, by: str) -> Outlook:
    """Raises Refused and Moved. Safe to repeat."""
    with transaction.atomic():
        hold_set_up()
        row = Account.objects.get(pk=account.pk)
        if seen(row) != shown:
            raise Moved("somebody else changed this account since the page was shown; look at it again")
        found = outlook(row)
        if found.blocked:
            raise Refused("; ".join(found.blocked))
        note(row, by, [f"{row.name} removed"])
        if found.forgets:
            _forget(row)
        else:
            _silence(row, by)
        revise_all()
    return found


def _forget(account: Account) -> None:
    Push.objects.filter(feed__account=account).delete()  # only what would have been due there
    Feed.objects.filter(account=account).delete()
    account.delete()


def _silence(account: Account, by: str) -> None:
    """Its rows stay for its links. Deliveries to the old address are strangers from now on."""
    account.secrets, account.secret_refs, account.tried = b"", {}, {}
    account.direction, account.paused = Account.Direction.OFF, f"{GONE} by {by}"
    account.webhook_token, account.health, account.last_error = new_webhook_token(), Account.Health.UNKNOWN, ""
    account.save()
    Draft.objects.filter(account=account).delete()
