"""A checked mapping into the frozen dataclasses of ``spec``. Defaults live in the dataclasses, nowhere else."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from syncapp.connectors.authspec import WAY, AssertionSpec, AuthSpec, CaptureSpec, ChooseSpec, OAuthSpec, Setting
from syncapp.connectors.hookspec import WebhookSpec
from syncapp.connectors.limitspec import BucketSpec, LimitSpec, ReaderSpec, RefusalSpec
from syncapp.connectors.making import Raw, make, maybe
from syncapp.connectors.opbuild import error_spec, oks, operation
from syncapp.connectors.opspec import Operation
from syncapp.connectors.spec import (
    CheckSpec,
    DeletedSpec,
    DependsSpec,
    FieldSpec,
    Manifest,
    MergedSpec,
    ObjectSpec,
    TimeSpec,
    VersionSpec,
)
from syncapp.connectors.sqlspec import SqlSpec


def manifest(raw: Raw, file: str, webhook: WebhookSpec | None) -> Manifest:
    raw = {"base_url": "", "auth": {"type": "none"}, "objects": {}, **raw}  # of a database: it has none of these
    errors = raw.get("errors", {})
    ways = {name: _auth(entry) for name, entry in raw["auth"].get("ways", {"": raw["auth"]}).items()}
    return make(
        Manifest,
        raw,
        file=file,
        auth=next(iter(ways.values())),
        ways=ways if "ways" in raw["auth"] else {},
        config=_config(raw, ways),
        secrets=_secrets(raw, ways),
        sql=maybe(SqlSpec, raw.get("sql")),
        limits=_limits(raw.get("limits", {})),
        check=_check(raw["check"], errors, file) if "check" in raw else None,
        webhook=webhook,
        objects={slug: _object(slug, entry, errors, file) for slug, entry in raw["objects"].items()},
    )


def _settings(raw: Raw) -> dict[str, Setting]:
    return {name: make(Setting, entry) for name, entry in raw.items()}


def _auth(raw: Raw) -> AuthSpec:
    if raw["type"] not in ("refresh", "oauth2"):
        return make(AuthSpec, raw)
    changed: dict[str, Any] = {
        "capture": {name: make(CaptureSpec, one) for name, one in raw.get("capture", {}).items()}
    }
    if raw["type"] == "refresh":
        changed["grant"] = "refresh_token"
    unproven = raw["type"] == "refresh" or (raw.get("grant") == "jwt_bearer" and "client_auth" not in raw)
    if unproven or raw.get("client_auth") == "none":
        changed |= {"client_secret": raw.get("client_secret", "")}
    if unproven:
        changed |= {"client_id": raw.get("client_id", "")}
    oauth = make(
        OAuthSpec,
        raw,
        choose=maybe(ChooseSpec, raw.get("choose")),
        assertion=maybe(AssertionSpec, raw.get("assertion")),
        **changed,
    )
    return make(AuthSpec, raw, oauth=oauth)


def _config(raw: Raw, ways: Mapping[str, AuthSpec]) -> dict[str, Setting]:
    """What the file names, and which of several ways to sign in it is."""
    found = {name: _asked(name, one, ways) for name, one in _settings(raw.get("config", {})).items()}
    if "ways" in raw["auth"]:
        label = "How to sign in"
        found[WAY] = Setting(label, default=next(iter(ways)), choices=tuple(ways), needed_by=tuple(ways))
    return found


def _asked(name: str, one: Setting, ways: Mapping[str, AuthSpec]) -> Setting:
    """What a way tells at sign-in is not typed there; what some ways tell or do not need is demanded by the others."""
    meant = one.ways or tuple(ways)
    told = tuple(way for way in meant if _tells(ways[way], name))
    needed = tuple(way for way in meant if one.required and way not in told)
    required = len(needed) == len(ways)
    return dataclasses.replace(one, required=required, captured=told == meant, needed_by=needed, told_by=told)


def _tells(way: AuthSpec, name: str) -> bool:
    return way.oauth is not None and name in way.oauth.capture and not way.oauth.capture[name].secret


def _secrets(raw: Raw, ways: Mapping[str, AuthSpec]) -> dict[str, Setting]:
    """What the file names, and the tokens of those who sign in, which nobody has to type."""
    found = {name: _asked(name, one, ways) for name, one in _settings(raw.get("secrets", {})).items()}
    for at, way in ways.items():
        if way.oauth is None or way.type != "oauth2":
            continue
        told = [name for name, one in way.oauth.capture.items() if one.secret]
        for name in (way.oauth.access, *(() if way.oauth.alone else (way.oauth.refresh,)), *told):
            known = found.get(name, Setting(name.replace("_", " ").capitalize(), captured=True))
            needed = tuple(other for other in known.needed_by if other != at)
            told_by = (*known.told_by, at)
            found[name] = dataclasses.replace(known, required=False, needed_by=needed, told_by=told_by)
    return found


def _limits(raw: Raw) -> LimitSpec:
    told = [make(ReaderSpec, entry) for entry in raw.get("told", ())]
    if "daily" in raw:
        told.insert(0, make(ReaderSpec, {"reset_format": "unix", **raw["daily"]}, daily=True))
    if "remaining" in raw or "reset" in raw:
        told.insert(0, make(ReaderSpec, raw, place="headers"))
    return make(
        LimitSpec,
        raw,
        buckets=tuple(_bucket(entry) for entry in raw.get("buckets", ())),
        told=tuple(told),
        refusals=tuple(make(RefusalSpec, entry) for entry in raw.get("refusals", ())),
    )


def _bucket(raw: Raw) -> BucketSpec:
    kind = next(kind for kind in ("requests", "points", "concurrent") if kind in raw)
    size, seconds = float(raw[kind]), float(raw.get("seconds", 1))
    of = raw.get("of", "named" if raw.get("alone") else "all")
    name, alone, app = raw.get("name", ""), raw.get("alone", False), raw.get("per") == "app"
    return BucketSpec(size, seconds, kind, name, of, alone, app)


def _object(slug: str, raw: Raw, errors: Raw, file: str) -> ObjectSpec:
    told = {**errors, **raw.get("errors", {})}
    at = f"{file} at objects.{slug}.operations"
    return make(
        ObjectSpec,
        raw,
        slug=slug,
        fields={name: make(FieldSpec, entry) for name, entry in raw.get("fields", {}).items()},
        operations={name: _operation(name, entry, told, at) for name, entry in raw["operations"].items()},
        version=make(VersionSpec, raw.get("version", {})),
        updated_at=maybe(TimeSpec, raw.get("updated_at")),
        created_at=maybe(TimeSpec, raw.get("created_at")),
        deleted=maybe(DeletedSpec, raw.get("deleted")),
        depends_on=maybe(DependsSpec, raw.get("depends_on")),
        merged=make(MergedSpec, raw.get("merged", {})),
        errors=error_spec(told),
    )


def _operation(name: str, raw: Raw, errors: Raw, at: str) -> Operation:
    return operation(raw, f"{at}.{name}", errors, "{body}" if name in ("create", "update") else None)


def _check(raw: Raw, errors: Raw, file: str) -> CheckSpec:
    return make(CheckSpec, raw, body=raw.get("body"), ok=oks(raw, f"{file} at check"), errors=error_spec(errors))
