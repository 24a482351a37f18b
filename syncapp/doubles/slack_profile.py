"""What Slack makes of profiles, topics and channel names: entities, names that follow from others, e-mail that waits.

From https://docs.slack.dev/reference/methods/users.profile.set (fields, lengths, `real_name` and its two parts, an
e-mail address changes only when the person confirms it), https://docs.slack.dev/reference/methods/conversations.create
(names are made to fit) and https://docs.slack.dev/messaging/formatting-message-text#escaping (&, < and >).
Unverified: that profile fields and topics are given back with entities, and which error a field that is too long makes.
"""

from __future__ import annotations

import re
from typing import Any

from syncapp.doubles.answers import Refused

Json = Any
LENGTHS = {"display_name": 80, "real_name": 50, "status_text": 100}
SETTABLE = (
    "display_name", "email", "fields", "first_name", "last_name", "phone", "pronouns", "real_name", "start_date",
    "status_emoji", "status_expiration", "status_text", "title",
)  # fmt: skip
EMPTY: dict[str, Json] = {
    "title": "", "phone": "", "skype": "", "real_name": "", "real_name_normalized": "", "display_name": "",
    "display_name_normalized": "", "fields": {}, "status_text": "", "status_emoji": "", "status_expiration": 0,
    "first_name": "", "last_name": "", "pronouns": "", "start_date": "", "email": "",
}  # fmt: skip


def no(error: str, **more: Json) -> Refused:
    """Slack says no with 200."""
    return Refused(200, {"ok": False, "error": error, **more})


def escaped(text: str) -> str:
    """What is escaped already stays as it is."""
    plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def kept(known: dict[str, Json], given: Json, *, by_person: bool = False) -> dict[str, Json]:
    """The profile with what was given over it. An e-mail address waits for the person. Raises Refused."""
    if not isinstance(given, dict):
        raise no("invalid_profile")
    out = dict(known)
    for name, value in given.items():
        if name not in SETTABLE or name == "skype":
            continue
        if name == "fields":
            out["fields"] = _fields(out["fields"], value)
        elif name == "status_expiration":
            out[name] = int(value or 0)
        elif name != "email" or by_person:
            out[name] = _text(name, value)
        elif not re.fullmatch(r"[^@\s]+@[^@\s]+", str(value)):
            raise no("invalid_profile")
    return _named(out, given)


def _text(name: str, value: Json) -> str:
    text = "" if value is None else value
    if not isinstance(text, str):
        raise no("invalid_profile")
    if len(text) > LENGTHS.get(name, 255):
        raise no("too_long", field=name)
    return escaped(text)


def _fields(known: dict[str, Json], given: Json) -> dict[str, Json]:
    if not isinstance(given, dict):
        raise no("invalid_profile")
    told = {id: {"value": one.get("value", ""), "alt": one.get("alt", "")} for id, one in given.items()}
    return {id: one for id, one in {**known, **told}.items() if one["value"] != ""}


def _named(out: dict[str, Json], given: dict[str, Json]) -> dict[str, Json]:
    if "first_name" in given or "last_name" in given:
        out["real_name"] = " ".join(part for part in (out["first_name"], out["last_name"]) if part)
    elif "real_name" in given:
        out["first_name"], _, out["last_name"] = out["real_name"].partition(" ")
    return {**out, "real_name_normalized": out["real_name"], "display_name_normalized": out["display_name"]}


def channel_name(given: Json) -> str:
    """Made to fit: small letters, figures, - and _, 80 at most."""
    name = re.sub(r"[^a-z0-9_-]", "", re.sub(r"\s+", "-", str(given or "").strip().lower()))[:80]
    if not name:
        raise no("invalid_name_required" if not given else "invalid_name_specials")
    return name
