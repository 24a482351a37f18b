"""What must be true at rest beside the edits: nobody is there twice, and the hub says why it believes something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from policies.models import Sync
from syncapp.demo.journal import Restore
from syncapp.demo.sandboxes import Sandbox
from syncapp.demo.systems import Fields, System
from syncapp.explain import explain_all
from syncapp.models import Link, Push, Record
from syncapp.sight import Sight, sights_of

CHUNK = 200


def doubled(systems: Mapping[str, System], sandboxes: Collection[Sandbox]) -> list[str]:
    """Each person once on every side, each row there of exactly one record, each external id given once."""
    out: list[str] = []
    for role, system in systems.items():
        rows = system.held()
        out += _twice(f"{role}: e-mail address", [str(fields["email"]).casefold() for fields in rows.values()])
        owners = Counter(
            Link.objects.filter(feed__role__name=role, remote_id__in=rows).values_list("remote_id", flat=True)
        )
        out += [f"{role}: {one} belongs to {owners[one]} records" for one in rows if owners[one] != 1]
    for sandbox in sandboxes:
        out += _twice(
            f"{sandbox.name}: external id", [row["external_id"] for row in sandbox.rows() if row["external_id"]]
        )
    return out


def _twice(what: str, values: list[str]) -> list[str]:
    return [f"{what} {value} is there {number} times" for value, number in Counter(values).items() if number > 1]


def scattered(systems: Mapping[str, System], emails: Collection[str]) -> list[tuple[str, str]]:
    """Of people whose address nobody changed: where somebody is missing who is in another system."""
    held = {role: _addresses(system.held()) for role, system in systems.items()}
    out = []
    for email in emails:
        there = [role for role, known in held.items() if email.casefold() in known]
        out += [(email, role) for role in held if there and role not in there]
    return out


def set_back(email: str, role: str, restores: Sequence[Restore]) -> bool:
    """The hub made this record there, and then the system was set back to before that."""
    made = Push.objects.filter(
        record__beliefs__email__value__email=email, feed__role__name=role, why="create", state=Push.State.CONFIRMED
    )
    return any(
        restore.role == role and made.filter(started_at__lte=restore.done, ended_at__gte=restore.taken).exists()
        for restore in restores
    )


def _addresses(rows: Mapping[str, Fields]) -> set[str]:
    return {str(fields["email"]).casefold() for fields in rows.values()}


def unexplained(sync: Sync) -> list[str]:
    """I8: every belief names source, time, policy version and rule in one sentence."""
    return [sentence for sights in _sights(sync) for sentence in _silent(sights)]


def _sights(sync: Sync) -> Iterator[list[Sight]]:
    rows = list(Record.objects.filter(sync=sync).select_related("sync").order_by("key"))
    for at in range(0, len(rows), CHUNK):
        yield sights_of(rows[at : at + CHUNK])


def _silent(sights: list[Sight]) -> Iterator[str]:
    for sight, told in zip(sights, explain_all(sights), strict=True):
        for one in told:
            belief = sight.record.beliefs.get(one.unit)
            if belief is None or (belief.v == 0 and all(value is None for value in belief.value.values())):
                continue
            if not one.source or one.at is None or "no rule kept" in one.sentence:
                yield f"{sight.row.key} {one.unit}: {one.sentence}"
