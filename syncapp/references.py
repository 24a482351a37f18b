"""Ids of records of other syncs at one feed's account, read as keys of those records and written as ids again."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db.models import Q
from django.db.models.fields.json import KT

from policies.core.ownership import KEY
from policies.core.rules import Policy
from policies.core.seen import Observation
from policies.core.values import WAITING, Json, Values

from .models import Feed, Link

Targets = Mapping[str, int]  # field → feed of the other sync at the same account


def targets_of(feed: Feed) -> dict[str, int]:
    """What the references of one feed are resolved through. A field that has no such feed is left as it is told."""
    refers = {row.name: row.params.get("sync", "") for row in feed.role.sync.fields.all() if row.type == "reference"}
    if not refers:
        return {}
    feeds = _feeds(refers.values(), [feed])
    return {name: pk for name, sync in refers.items() if (pk := feeds.get((sync, feed.account_id)))}


def targets_by_role(policy: Policy, feeds: Mapping[str, Feed]) -> dict[str, dict[str, int]]:
    """The same for all roles of a sync; without references, without a query."""
    refers = {m.name: m.refers for unit in policy.units for m in unit.members if m.refers}
    found = _feeds(refers.values(), feeds.values()) if refers else {}
    return {
        role: {name: pk for name, sync in refers.items() if (pk := found.get((sync, feed.account_id)))}
        for role, feed in (feeds.items() if found else ())
    }


def _feeds(syncs: Iterable[str], feeds: Iterable[Feed]) -> dict[tuple[str, int], int]:
    wanted = Feed.objects.filter(role__sync__slug__in=set(syncs), account__in={feed.account_id for feed in feeds})
    return {(slug, account): pk for slug, account, pk in wanted.values_list("role__sync__slug", "account_id", "pk")}


@dataclass(frozen=True, slots=True)
class References:
    """The references of one feed."""

    targets: Targets

    def resolved(self, observations: Sequence[Observation]) -> list[Observation]:
        """Ids become keys, in one query. What is linked to nothing yet is not told: it waits, and no digest is kept."""
        asked = {pair for seen in observations for pair in self._told(seen.fields)}
        keys = self._keys(asked) if asked else {}
        return [self._resolve(seen, keys) for seen in observations]

    def _told(self, fields: Values) -> list[tuple[int, str]]:
        return [(pk, fields[name]) for name, pk in self.targets.items() if isinstance(fields.get(name), str)]

    def _resolve(self, seen: Observation, keys: Mapping[tuple[int, str], str]) -> Observation:
        fields: dict[str, Json] = dict(seen.fields)
        waits: dict[str, str] = {}
        for name, pk in self.targets.items():
            told = fields.get(name)
            if isinstance(told, str):
                if (key := keys.get((pk, told))) is not None:
                    fields[name] = key
                else:
                    waits[name] = fields.pop(name)
        return replace(seen, fields=fields, waits=waits, digest="" if waits else seen.digest)

    def _keys(self, asked: Collection[tuple[int, str]]) -> dict[tuple[int, str], str]:
        """A tombstone still says which record it was, or which one that lives on in."""
        rows = Link.objects.filter(feed__in={pk for pk, _ in asked}, remote_id__in={told for _, told in asked})
        return {
            (pk, str(remote)): into or str(key)
            for pk, remote, key, into in rows.values_list("feed_id", "remote_id", "record_id", KT("head__into"))
        }

    def said(self, many: Sequence[Values]) -> list[tuple[dict[str, Json], dict[str, str]]]:
        """Of each, the values with ids in place of keys, and why some cannot be said at this account yet."""
        asked = {values[name] for values in many for name in self.targets if isinstance(values.get(name), str)}
        ids, into = self._ids(asked) if asked else ({}, {})
        return [self._say(values, ids, into) for values in many]

    def _say(
        self, values: Values, ids: Mapping[tuple[int, str], str], into: Mapping[str, str]
    ) -> tuple[dict[str, Json], dict[str, str]]:
        out: dict[str, Json] = dict(values)
        failed: dict[str, str] = {}
        for name, target in self.targets.items():
            key = values.get(name)
            if isinstance(key, str):
                out[name] = ids.get((target, key))
                if out[name] is None:
                    failed[name] = f"{WAITING}{into.get(key, key)}"
                    del out[name]
        return out, failed

    def _ids(self, asked: Collection[str]) -> tuple[dict[tuple[int, str], str], dict[str, str]]:
        """Of links that stand, and where records live on that ended: such a one is said by the other's id."""
        keys = {uuid.UUID(key) for key in asked if KEY.fullmatch(key)}
        into = {str(key): told for key, told in _lives_on(keys)}
        wanted = keys | {uuid.UUID(key) for key in into.values()}
        links = Link.objects.filter(STANDS, feed__in=set(self.targets.values()), record__in=wanted)
        rows = links.values_list("feed_id", "record_id", "remote_id")
        ids = {(pk, str(key)): str(remote) for pk, key, remote in rows}
        moved = {(pk, old): remote for (pk, key), remote in ids.items() for old, new in into.items() if new == key}
        return {**moved, **ids}, into


def _lives_on(keys: Collection[uuid.UUID]) -> list[tuple[uuid.UUID, str]]:
    rows = Link.objects.filter(record__in=keys, head__has_key="into").values_list("record_id", KT("head__into"))
    return [(key, into) for key, into in rows if into]


# A record that is there and is kept in step there.
STANDS = Q(remote_id__isnull=False) & ~Q(head__has_key="gone") & ~Q(head__has_key="unlinked")
