"""What a provider's file declares, in the words of a list of providers."""

from __future__ import annotations

from collections.abc import Mapping

from syncapp.connectors.spec import Manifest, ObjectSpec


def offers(spec: ObjectSpec) -> dict[str, bool]:
    """What can be done with one object."""
    operations = spec.operations
    listing, create = operations.get("list"), operations.get("create")
    keyed = create is not None and bool(create.idempotency or create.exists)
    return {
        "list": listing is not None,
        "delta": listing is not None and spec.tells_changes,
        "deletes": spec.deletes != "never",
        "read_many": spec.can("read_many"),
        "find": spec.can("find"),
        "create": create is not None,
        "update": spec.can("update"),
        "delete": spec.can("delete"),
        "conditional": spec.conditional,
        "idempotent": keyed,
        "batch": spec.can("create_many") or spec.can("update_many"),
        "external_id": bool(spec.external_id),
    }


def capabilities(manifest: Manifest) -> list[str]:
    """What at least one object offers, and webhooks."""
    each: list[Mapping[str, bool]] = [offers(spec) for spec in manifest.objects.values()]
    names = list(each[0]) if each else []
    found = [name for name in names if any(one[name] for one in each)]
    return [*found, "webhooks"] if manifest.webhook is not None else found
