"""A new sync through the doors that a set-up file goes through: fields, roles, and a policy that asks people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from policies.core.reasons import Reason, Verdict
from policies.models import Role, Sync
from syncapp.apply.changes import Changes
from syncapp.apply.joining import units_of
from syncapp.apply.locks import hold_set_up
from syncapp.apply.policy import put_policy
from syncapp.apply.references import check_references
from syncapp.apply.syncs import put_shape
from syncapp.booked import tell
from syncapp.connect.bind import Form
from syncapp.connect.fresh import free_slug
from syncapp.connect.mappages import role_name


class Taken(ValueError):
    """There is one of that name; the sentence says what to do."""


def create(name: str, wanted: Mapping[str, Any], roles: Sequence[str], by: str) -> Sync:
    """`wanted` as a set-up file says it, without roles; those have no feed yet. Raises Taken and ApplyError."""
    form, changes = Form(), Changes()
    with transaction.atomic():
        hold_set_up()
        if Sync.objects.filter(name__iexact=name).exists():
            raise Taken(f"there is a sync named {name} already; give this one another name, or use that one")
        sync = put_shape(form, changes, free_slug(name), {**wanted, "name": name})
        for order, label in enumerate(roles):
            Role.objects.create(sync=sync, name=role_name(label), label=label, order=order)
        rules = wanted["policy"]["rules"]
        full = {unit: rules.get(unit, {}) for unit in units_of(list(sync.fields.all()))}
        put_policy(form, changes, sync, {**wanted["policy"], "rules": full}, by)
        check_references(form)
        made = f"{name} created with {len(wanted['fields'])} fields, for {', '.join(roles)}"
        tell(sync, Verdict.DECIDED, Reason.SYNC_CHANGED, detail=made, actor=by)
    return sync
