"""A change as a person typed it: read, checked as far as the form goes, and shown again as it was typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.http import Http404

from policies.core.rules import SHARED
from policies.models import Role, Sync
from syncapp.connect.drafts import spec_of
from syncapp.connect.mappages import role_name
from syncapp.connectors.errors import ManifestError
from syncapp.mapper.editor import Editor
from syncapp.mapper.entries import NOT, OWN, BadEntry, entry_of, typed
from syncapp.models import Feed

from .changing import Change
from .chosen import LONGEST, OFFERED, REGION, Unclear
from .fieldchanges import AddField, Rename
from .retiring import Retire, TakeUp
from .retyping import Retype
from .rolechanges import AddRole, Leave, Return

Post = Mapping[str, str]
TITLES = {
    "add-field": "Add a field to {0}", "add-role": "Add a role to {0}", "leave": "Take {1} out of {0}",
    "return": "Take {1} back into {0}", "retire": "Retire {0}", "take-up": "Take {0} up again", "rename": "Rename {0}",
    "type": "Change a type in {0}",
}  # fmt: skip
OF_A_ROLE = ("leave", "return")
TYPED = ("add-field", "add-role", "rename", "type")  # those that ask for more than a reason

# What a counter adds up, a choice or a reference means is more than how a value is spelled.
RETYPED = tuple(kind for kind in OFFERED if kind != "counter")


def text(post: Post, name: str) -> str:
    return post.get(name, "").replace("\0", "").strip()


def title_of(kind: str, sync: Sync, post: Post) -> str:
    """What would be done, by the names that people gave."""
    return TITLES[kind].format(sync, _role(sync, post) if kind in OF_A_ROLE else "")


def _role(sync: Sync, post: Post) -> Role:
    role = Role.objects.filter(sync=sync, name=text(post, "role")).first()
    if role is None:
        raise Http404("There is no such role. The page of the sync lists them.")
    return role


def change_of(kind: str, sync: Sync, post: Post) -> Change:
    """Raises Unclear."""
    if kind == "add-field":
        return _field(sync, post)
    if kind == "add-role":
        return AddRole(_named(text(post, "label"), "the role", "Billing"))
    if kind == "rename":
        return _rename(sync, post)
    if kind == "type":
        return _retyped(sync, post)
    if kind in OF_A_ROLE:
        role = _role(sync, post)
        return Leave(role) if kind == "leave" else Return(role)
    return Retire(sync) if kind == "retire" else TakeUp(sync)


def _named(label: str, what: str, example: str) -> str:
    if not label or len(label) > LONGEST:
        raise Unclear(f"give {what} a name of at most {LONGEST} characters, such as {example}")
    return label


def _rename(sync: Sync, post: Post) -> Rename:
    """Only what is called otherwise; an emptied name is the short one again."""
    fields = {row.name: text(post, f"field-{row.name}") for row in sync.fields.all() if f"field-{row.name}" in post}
    roles = {row.name: text(post, f"role-{row.name}") for row in sync.roles.all() if f"role-{row.name}" in post}
    for label in (*fields.values(), *roles.values()):
        if len(label) > LONGEST:
            raise Unclear(f"“{label[:30]}…”: shorten it to {LONGEST} characters")
    return Rename(_named(text(post, "name"), "the sync", "Contacts"), fields, roles)


def _field(sync: Sync, post: Post) -> AddField:
    label, kind = _named(text(post, "label"), "the field", "Customer number"), text(post, "type")
    if kind not in OFFERED:
        raise Unclear(f"there is no type {kind!r}; accepted: {', '.join(OFFERED)}")
    owners = [SHARED, "hub", *(role.name for role in sync.roles.filter(left=""))]
    owner, first = text(post, "owner") or SHARED, text(post, "first_link")
    if owner not in owners:
        raise Unclear(f"owner: there is no {owner!r}; accepted: {', '.join(owners)}")
    mapping = {feed.role.name: entry for feed, _ in fillers(sync) if (entry := _entry(feed, post)) is not None}
    if not mapping:
        raise Unclear("choose at least one system that fills it; a field that nobody tells is never filled")
    return AddField(role_name(label), label, kind, _params(kind, post), mapping, owner, first)


def _retyped(sync: Sync, post: Post) -> Retype:
    row, kind = sync.fields.filter(name=text(post, "field")).first(), text(post, "type")
    if row is None:
        raise Unclear(f"choose a field; accepted: {', '.join(one.name for one in sync.fields.all())}")
    for word in (kind, row.type):
        if word not in RETYPED:
            raise Unclear(f"{word!r} is no type that can be changed here; accepted: {', '.join(RETYPED)}")
    return Retype(row, kind, _params(kind, post))


def _params(kind: str, post: Post) -> dict[str, Any]:
    if kind == "decimal":
        scale = text(post, "scale") or "2"
        if not scale.isdecimal() or int(scale[:4]) > 30:
            raise Unclear(f"digits after the point: {scale!r} cannot be used; accepted: a whole number from 0 to 30")
        return {"scale": int(scale)}
    region = text(post, "region").upper()
    if kind == "phone" and region:
        if not REGION.fullmatch(region):
            raise Unclear(f"country: {region!r} is none; accepted: two letters such as DE or US, or nothing")
        return {"region": region}
    return {}


def _entry(feed: Feed, post: Post) -> Any:
    given = typed(post, feed.role.name)
    if given.path and given.map == NOT:
        given = replace(given, map=OWN)
    try:
        return entry_of(given, None, spec_of(feed.account, feed.object))
    except BadEntry as error:
        raise Unclear(f"“{feed.role}”: {error}") from None


def fillers(sync: Sync) -> list[tuple[Feed, Sequence[tuple[str, str]]]]:
    """Each bound role that takes part, with what there is there and is not mapped yet."""
    feeds = Feed.objects.filter(role__sync=sync, role__left="").select_related("account", "role")
    out: list[tuple[Feed, Sequence[tuple[str, str]]]] = []
    for feed in feeds.order_by("role__order"):
        try:
            editor = Editor(sync, spec_of(feed.account, feed.object))
        except ManifestError:
            continue  # its trouble is told on the page of the account
        taken = {choice.name for entry in feed.mapping.values() if (choice := editor.choice(entry)) is not None}
        free = [one for one in editor.options if one[0].partition(":")[2] not in taken]
        out.append((feed, free))
    return out
