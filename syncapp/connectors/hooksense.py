"""Sense of the webhook section of a provider file: what events are about, and what a signature covers."""

from __future__ import annotations

from syncapp.connectors import templates
from syncapp.connectors.located import Located
from syncapp.connectors.textsense import Raw

SIGNED = {"method", "url", "timestamp", "id", "body", "secret"}


def check_webhook(found: Located, raw: Raw) -> None:
    for name, entry in raw["webhook"]["events"]["types"].items():
        if entry["object"] not in raw["objects"]:
            raise found.wrong(
                ("webhook", "events", "types", name, "object"),
                f"there is no object {entry['object']!r}",
                ", ".join(sorted(raw["objects"])),
            )
        if entry["kind"] == "merged" and "merged_ids" not in raw["webhook"]["events"]:
            raise found.wrong(
                ("webhook", "events", "types", name),
                "a merge has to name the records that went away",
                "'merged_ids' in events: the path of their ids",
            )
    signature, place = raw["webhook"]["signature"], ("webhook", "signature")
    if signature["scheme"] == "standard":
        return
    if not signature.get("header"):
        raise found.wrong(place, "'header' is missing: where is the signature?", "the name of a request header")
    asked = {slot for slot in templates.names(signature.get("template", "{body}")) if not slot.startswith("header:")}
    if asked - SIGNED:
        raise found.wrong(
            (*place, "template"),
            f"{{{min(asked - SIGNED)}}} is not something that is signed",
            ", ".join(sorted(SIGNED)) + ", header:NAME",
        )
    if "body" not in asked:
        raise found.wrong(
            (*place, "template"), "a signature that does not cover the body proves nothing", "{body} among the slots"
        )
    if ("secret" in asked) != (signature["scheme"] == "hash"):
        raise found.wrong(
            (*place, "template"), "{secret} belongs into the text of scheme hash, and only there", "scheme: hash"
        )
    for slot, key in (("timestamp", "timestamp"), ("id", "id_header")):
        if slot in asked and key not in signature:
            raise found.wrong((*place, "template"), f"{{{slot}}} is signed, but {key!r} does not say where it is", key)
