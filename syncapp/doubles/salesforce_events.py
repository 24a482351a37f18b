"""Change events of Salesforce in the shape in which subscribers get them.

From https://developer.salesforce.com/docs/atlas.en-us.change_data_capture.meta/change_data_capture/
cdc_event_fields_header.htm (the header; `changeOrigin` names the client of Sforce-Call-Options; changed and nulled
fields) and .../cdc_message_structure.htm. Salesforce lets subscribers pull them (gRPC, or CometD) and pushes none: what
the double sends is what a flow or a trigger that a customer writes would post, with a shared secret as bearer.
"""

from __future__ import annotations

import hashlib
from typing import Any

from syncapp.doubles.salesforce_values import COMPOUND, FIELDS, HUB_USER, PERSON, stamp
from syncapp.doubles.shelf import HUB, Change

KINDS = {"created": "CREATE", "updated": "UPDATE", "deleted": "DELETE"}


def event(change: Change, client: str) -> dict[str, Any]:
    """`client`: what the writer called itself in Sforce-Call-Options."""
    before, after = change.before or {}, change.row.fields
    changed = [name for name in FIELDS[change.object] if before.get(name) != after.get(name)]
    told = {name: after[name] for name in changed if after[name] is not None} if change.kind != "deleted" else {}
    by_api = change.actor == HUB
    origin = f"com/salesforce/api/rest/62.0;client={client}" if by_api else ""
    header = {
        "entityName": change.object, "recordIds": [change.row.id], "changeType": KINDS[change.kind],
        "changeOrigin": origin, "sequenceNumber": 1, "commitNumber": 11_000_000_000 + change.number,
        "transactionKey": hashlib.sha256(str(change.number).encode()).hexdigest()[:32],
        "commitTimestamp": int(change.at.timestamp() * 1000), "commitUser": HUB_USER if by_api else PERSON,
        "nulledFields": [name for name in changed if after[name] is None] if change.kind == "updated" else [],
        "diffFields": [], "changedFields": [],
    }  # fmt: skip
    if change.kind == "updated":
        header["changedFields"] = [*changed, "LastModifiedDate"]
        told["LastModifiedDate"] = stamp(change.at)
    if change.kind == "created" and "Name" in COMPOUND[change.object]:
        told["Name"] = {name: after[name] for name in ("FirstName", "LastName") if after[name]}
    schema = hashlib.sha256(change.object.encode()).hexdigest()[:22]
    return {"schema": schema, "payload": {"ChangeEventHeader": header, **told}, "event": {"replayId": change.number}}
