"""Provider files: a table of wrong ones with the words their errors must contain, and the ones that are shipped."""

# ruff: noqa: E501  (tables are read by the line)
from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from syncapp.connectors import check, registry
from syncapp.connectors.manifest import ManifestError, load, parse
from tests.connectors.shapes import LIST, bent, manifest

PEOPLE = "objects.people"
OPS = f"{PEOPLE}.operations"
SIGNATURE = {"scheme": "hmac", "header": "X-Sig"}
EVENTS = {"types": {"p.new": {"object": "people", "kind": "created"}}, "record_id": "id"}

MERGES = {"types": {"p.joined": {"object": "people", "kind": "merged"}}, "record_id": "id"}

ENTRIES = {"body": "{body}", "items": "results", "status": "status"}
BATCH = {"method": "POST", "path": "/", "max_ids": 9, "body": {"all": "{entries}"}, "entries": ENTRIES}


DAILY = {"format": "iso", "resolution": 1, "inclusive": True}
LOGGED = {
    "method": "GET",
    "path": "/",
    "ids": "d",
    "delta": {"kind": "log"},
    "paging": {"kind": "cursor", "path": "c", "param": "c"},
}
TEAMS = {"objects.teams": {"name": "Teams", "id": "id", "operations": {
    "list": {"method": "GET", "path": "/t", "items": ""}, "read": {"method": "GET", "path": "/t/{id}"},
}}}  # fmt: skip
OF_TEAM = {f"{LIST}.path": "/t/{parent}/people"}


def hook(**signature: Any) -> dict[str, Any]:
    return {"webhook": {"signature": {**SIGNATURE, **signature}, "events": EVENTS}}


def renewed(**auth: Any) -> dict[str, Any]:
    secrets = {"token": {"label": "Token"}, "refresh_token": {"label": "Refresh token"}}
    given = {"type": "refresh", "token_url": "{config.server}/token", "access": "token", **auth}
    return {"auth": given, "secrets": secrets}


def oauth2(changes: dict[str, Any] | None = None, **auth: Any) -> dict[str, Any]:
    """A provider that people sign in to; the value ``...`` leaves a key out."""
    given = {"type": "oauth2", "authorize_url": "https://x.org/a", "token_url": "https://x.org/t", **auth}
    config = {"server": {"label": "Server"}, "client_id": {"label": "Client"}}
    told = {"auth": {key: value for key, value in given.items() if value is not ...}, "config": config}
    return {**told, "secrets": {"client_secret": {"label": "Secret"}}, **(changes or {})}


CHOICE = {"type": "choice", "ways": {"key": {"type": "bearer", "token": "{secret.token}"}, "free": {"type": "none"}}}
REDIRECT = {"from": "redirect", "path": "server"}


def section(**changed: Any) -> dict[str, Any]:
    return {"webhook": {"signature": SIGNATURE, "events": EVENTS, **changed}}


def proof(**signature: Any) -> dict[str, Any]:
    return section(signature=signature)


def told(kind: str, object: str = "people", record_id: str | None = "id", scheme: str = "standard") -> dict[str, Any]:
    where = {} if record_id is None else {"record_id": record_id}
    events = {"types": {"x": {"object": object, "kind": kind}}, **where}
    return section(signature={"scheme": scheme}, events=events)


def subscription(body: Any = None, **changed: Any) -> dict[str, Any]:
    create = {"method": "POST", "path": "/s", "body": body or {"to": "{address}"}}
    return section(subscription={"create": create, **changed})


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"slug": "Acme CRM"}, ["slug", "^[a-z][a-z0-9_]*$"]),
    ({"slug": ...}, ["'slug' is missing"]),
    ({f"{PEOPLE}.fields.id": {"path": "id", "writable": False, "required": True}}, ["fields.id.required", "be written"]),
    ({"nmae": "x"}, ["unknown key 'nmae'", "name"]),
    ({"objects": {}}, ["objects", "at least 1"]),
    ({"auth": {"type": "magic"}}, ["auth.type", "'magic' is not accepted", "bearer", "basic"]),
    ({"auth": {"type": "basic", "user": "u"}}, ["auth", "'password' is missing"]),
    ({"auth": {"type": "bearer", "token": "t", "suffix": "x"}}, ["auth.suffix", "unknown key 'suffix'", "prefix"]),
    ({"auth.token": "{secret.tokn}"}, ["{secret.tokn} means nothing here", "secret.token"]),
    ({"base_url": "https://{config.site}.x"}, ["base_url", "{config.site} means nothing here", "config.server"]),
    ({"base_url": "https://x/{secret.token}"}, ["base_url", "{secret.token} means nothing here"]),
    ({"headers": {"X-A": "{secret.token}"}}, ["headers.X-A", "{secret.token} means nothing here"]),
    ({f"{PEOPLE}.id": "a..b"}, ["objects.people.id", "is not a path"]),
    ({f"{PEOPLE}.id": 7}, ["objects.people.id", "wrong type", "string"]),
    ({f"{PEOPLE}.fields.email.path": "a["}, ["objects.people.fields.email.path", "is not a path"]),
    ({f"{PEOPLE}.fields.email.type": "mail"}, ["objects.people.fields.email.type", "'mail' is not accepted", "email"]),
    ({f"{PEOPLE}.fields.email.clear": "zero"}, ["'zero' is not accepted", "null, empty, list, omit, refuse"]),
    ({f"{PEOPLE}.fields.email.normalises": ["squash"]}, ["normalises[0]", "squash", "collapse_spaces"]),
    ({f"{PEOPLE}.fields.email.normalises": [{"cut": 4}]}, ["normalises[0]", "cut"]),
    ({f"{PEOPLE}.fields.email.omitted": "gone"}, ["'gone' is not accepted", "null, missing"]),
    ({f"{PEOPLE}.fields.E-mail": {"path": "x"}}, ["E-mail", "^[a-z][a-z0-9_]*$"]),
    ({f"{PEOPLE}.fields.email.transforms": ["rot13"]}, ["fields.email.transforms[0]", "rot13", "bool_text"]),
    ({f"{PEOPLE}.words": {"kind": 7}}, ["objects.people.words.kind"]),
    ({f"{OPS}.read.path": "/{word.kind}/{id}"}, ["operations.read.path", "{word.kind} means nothing here", "which has none"]),
    ({f"{PEOPLE}.words": {"sort": "a"}, f"{OPS}.read.path": "/{word.kind}/{id}"}, ["{word.kind} means nothing here", "sort"]),
    ({f"{PEOPLE}.words": {"kind": "{config.sever}"}, f"{OPS}.read.path": "/{word.kind}/{id}"}, ["{config.sever} means nothing here", "server"]),
    ({f"{PEOPLE}.version": {"kind": "exact"}}, ["a version has to be somewhere", "path or header"]),
    ({f"{PEOPLE}.version": {"kind": "etag", "path": "v"}}, ["'etag' is not accepted", "none, exact, ordered"]),
    ({f"{PEOPLE}.version": ...}, ["conditional write needs a version"]),
    ({f"{PEOPLE}.deletes": "delta", f"{PEOPLE}.deleted": ...}, ["tombstones need to be recognised"]),
    ({"auth": {"type": "refresh"}}, ["'token_url' is missing"]),
    (renewed(access="tokn"), ["auth.access", "there is no secret 'tokn'", "refresh_token, token"]),
    (renewed(refresh="other"), ["auth.refresh", "there is no secret 'other'", "refresh_token, token"]),
    (renewed(client_auth="jwt"), ["auth.client_auth", "'jwt' is not accepted", "body, basic"]),
    (renewed(client_id="{secret.id}"), ["auth.client_id", "{secret.id} means nothing here"]),
    (renewed(scope="all"), ["unknown key 'scope'", "token_url"]),
    (oauth2(authorize_url=...), ["'authorize_url' is missing: where do people sign in?"]),
    (oauth2(token_url=...), ["'token_url' is missing"]),
    (oauth2(grant="password"), ["auth.grant", "'password' is not accepted", "authorization_code, client_credentials, jwt_bearer"]),
    (oauth2(grant="client_credentials"), ["auth.authorize_url", "nobody signs in with grant client_credentials"]),
    (oauth2(grant="jwt_bearer", authorize_url=...), ["grant jwt_bearer and 'assertion' belong together"]),
    (oauth2(assertion={"key": "{secret.client_secret}", "claims": {}}), ["grant jwt_bearer and 'assertion' belong together"]),
    (oauth2(scopes=["all"]), ["auth.scopes", "wrong type", "object"]),
    (oauth2(scopes={"all": ""}), ["auth.scopes.all"]),
    (oauth2(scope_separator=";"), ["auth.scope_separator", "';' is not accepted"]),
    (oauth2(token_body="xml"), ["auth.token_body", "'xml' is not accepted", "form, json"]),
    (oauth2(access_path="a..b"), ["auth.access_path", "is not a path"]),
    (oauth2(authorize_url="https://{secret.client_secret}"), ["auth.authorize_url", "{secret.client_secret} means nothing here"]),
    (oauth2({"secrets": {}}), ["auth.client_secret", "no 'client_secret' is named", "secrets: client_secret"]),
    (oauth2({"config": {"server": {"label": "S"}}}), ["auth.client_id", "no 'client_id' is named", "config: client_id"]),
    (oauth2(capture={"realm": REDIRECT}), ["auth.capture.realm", "there is no setting 'realm' to keep it in", "client_id"]),
    (oauth2(capture={"server": REDIRECT}), ["auth.capture.server", "decides where credentials are sent to", "a 'pattern'"]),
    (oauth2(capture={"server": {**REDIRECT, "pattern": "("}}), ["auth.capture.server.pattern", "is not a regular expression"]),
    (oauth2(capture={"server": {"from": "choice", "path": "id"}}), ["capture.server.from", "nothing is chosen after sign-in"]),
    (oauth2(capture={"server": {"from": "header", "path": "id"}}), ["'header' is not accepted", "redirect, token, choice"]),
    ({"auth": {**CHOICE, "ways": {"key": CHOICE["ways"]["key"]}}}, ["auth.ways", "at least 2"]),
    ({"auth": {**CHOICE, "ways": {**CHOICE["ways"], "key": {"type": "choice"}}}}, ["auth.ways.key", "'choice' is not accepted"]),
    ({"auth": {**CHOICE, "ways": {**CHOICE["ways"], "free": {"type": "bearer", "token": "{secret.no}"}}}}, ["auth.ways.free.token", "{secret.no} means nothing here"]),
    ({"auth": CHOICE, "secrets.token.ways": ["kee"]}, ["secrets.token.ways", "no way to sign in called 'kee'", "key, free"]),
    ({"secrets.token.ways": ["key"]}, ["secrets.token.ways", "ways are declared by auth of type choice"]),
    ({"auth": CHOICE, "config.sign_in": {"label": "X"}}, ["config.sign_in", "the hub's own name"]),
    ({"config.server": {"label": "S", "pattern": "["}}, ["config.server.pattern", "is not a regular expression"]),
    ({"config.server": {"label": "S", "choices": ["a"], "default": "b"}}, ["config.server.default", "'b' is not a choice"]),
    ({"limits": {"daily": {"limit": "X-Q"}}}, ["limits.daily", "'remaining' is missing"]),
    ({"limits": {"daily": {"limit": "X-Q", "remaining": "X-R", "reset_format": "epoch"}}}, ["'epoch' is not accepted", "unix, unix_ms"]),
    ({f"{PEOPLE}.merged": {}}, ["objects.people.merged", "should be non-empty"]),
    ({f"{PEOPLE}.merged": {"other_id": False}}, ["how does one see that a record was merged", "path, error, other_id"]),
    ({f"{PEOPLE}.merged": {"into": "x"}}, ["unknown key 'into'", "error, other_id, path"]),
    ({f"{PEOPLE}.merged": {"path": "a..b"}}, ["objects.people.merged.path"]),
    ({"webhook": {"signature": {"scheme": "standard"}, "events": MERGES}}, ["a merge has to name the records that went away", "merged_ids"]),
    ({f"{PEOPLE}.updated_at": {"path": "at", "format": "epoch"}}, ["'epoch' is not accepted", "unix_ms"]),
    ({f"{PEOPLE}.updated_at": {"path": "at", "resolution": 0}}, ["resolution", "more than 0"]),
    ({f"{PEOPLE}.updated_at": {"path": "at", "timezone": "Mars/Base"}}, ["updated_at.timezone", "Mars/Base", "Europe/Berlin"]),
    ({f"{OPS}.read": ...}, ["objects.people.operations", "'read' is missing"]),
    ({f"{OPS}.patch": {"method": "PATCH", "path": "/"}}, ["unknown key 'patch'", "update"]),
    ({f"{OPS}.read.method": "get"}, ["'get' is not accepted", "GET, POST, PUT, PATCH, DELETE"]),
    ({f"{OPS}.read.path": "/people/{ids}"}, ["operations.read.path", "{ids} means nothing here", "id"]),
    ({f"{OPS}.read.path": "/people/{id|upper}"}, ["unknown spelling |upper", "json, csv, json_csv, quoted"]),
    ({f"{OPS}.create.body": {"p": ["{bdy}"]}}, ["operations.create.body.p[0]", "{bdy}", "body"]),
    ({f"{OPS}.update.success": [99]}, ["operations.update.success[0]", "100 or more"]),
    ({f"{OPS}.update.conditional": {"header": "If-Match", "body": "rev"}}, ["exactly one place", "header or body"]),
    ({f"{OPS}.update.conditional": {"status": [412]}}, ["exactly one place"]),
    ({f"{OPS}.update.conditional.template": "{etag}"}, ["{etag} means nothing here", "version"]),
    ({f"{OPS}.find": {"method": "GET", "path": "/", "items": ""}}, ["'by' is missing"]),
    ({f"{OPS}.find": {"method": "GET", "path": "/", "items": "", "by": {"mail": "m"}}}, ["by.mail", "no field 'mail'", "email"]),
    ({f"{OPS}.read_many": {"method": "GET", "path": "/", "items": ""}}, ["'max_ids' is missing"]),
    ({f"{OPS}.create_many": {"method": "POST", "path": "/", "max_ids": 9}}, ["'entries' is missing"]),
    ({f"{OPS}.create_many": {"method": "POST", "path": "/", "entries": ENTRIES}}, ["'max_ids' is missing"]),
    ({f"{OPS}.create_many": {**BATCH, "entries": {**ENTRIES, "body": "{id}"}}}, ["{id} means nothing here", "body, config.server, external_id, key"]),
    ({f"{OPS}.create_many": BATCH, f"{OPS}.create": ...}, ["'create_many' needs 'create'"]),
    ({f"{OPS}.update_many": BATCH}, ["the same condition as one", "in both or none"]),
    ({f"{OPS}.update_many": {**BATCH, "conditional": {"header": "If-Match"}}}, ["each entry has a version of its own", "body"]),
    ({f"{OPS}.create_many": {**BATCH, "entries": {**ENTRIES, "status": "a..b"}}}, ["entries.status", "is not a path"]),
    ({f"{OPS}.find_many": {"method": "POST", "path": "/", "items": "", "max_ids": 9}}, ["'by' is missing"]),
    ({f"{OPS}.find_many": {"method": "POST", "path": "/", "items": "", "max_ids": 9, "by": {"email": "mails"}, "body": {"m": "{emails}"}}}, ["{emails} means nothing here", "mails"]),
    ({f"{LIST}.items": ...}, ["'items' is missing"]),
    ({f"{LIST}.paging": {"kind": "curser"}}, ["'curser' is not accepted", "cursor", "next_header"]),
    ({f"{LIST}.paging": {"kind": "cursor", "param": "a"}}, ["'cursor' needs 'path'"]),
    ({f"{LIST}.paging": {"kind": "next_header"}}, ["needs 'header'"]),
    ({f"{LIST}.paging": {"kind": "none", "size": 9, "max_size": 5}}, ["the usual size is above the largest", "5 or less"]),
    ({f"{LIST}.paging": {"kind": "link", "restart": True}}, ["only counted pagers restart, and cursors", "page, offset, cursor"]),
    ({f"{LIST}.filters": [{"field": "mail", "op": "is", "query": {"m": "{value}"}}]}, ["filters[0].field", "no field 'mail'", "email"]),
    ({f"{LIST}.filters": [{"field": "email", "op": "like", "query": {"m": "{value}"}}]}, ["'like' is not accepted", "not_in"]),
    ({f"{LIST}.filters": [{"field": "email", "op": "is"}]}, ["nothing says how to ask for it", "query or body"]),
    ({f"{LIST}.filters": [{"field": "email", "op": "is", "query": {"m": "{text}"}}]}, ["{text} means nothing here", "value"]),
    ({f"{OPS}.read.filters": [{"field": "email", "op": "is", "query": {"m": "{value}"}}]}, ["only a listing is narrowed"]),
    ({f"{LIST}.delta": {"param": "s", "format": "iso"}}, ["list.delta", "'resolution' is missing"]),
    ({f"{LIST}.delta": DAILY}, ["nothing says where the time stands", "{since} in path, query or body"]),
    ({f"{LIST}.delta": {"param": "s", **DAILY, "kind": "cdc"}}, ["'cdc' is not accepted", "since, log, link"]),
    ({f"{LIST}.delta": {"kind": "link"}}, ["a link needs a place to go on from", "'mark' beside 'delta'"]),
    ({f"{LIST}.delta": {"kind": "link"}, f"{LIST}.mark": "m"}, ["the last page gives an address", "next_url"]),
    ({f"{LIST}.delta": {"param": "s", **DAILY, "pattern": "%A"}}, ["'%A' cannot be written", "%Y %m %d"]),
    ({f"{LIST}.delta": {"param": "s", **DAILY, "timezone": "Mars"}}, ["delta.timezone", "'Mars' is not a time zone"]),
    ({f"{LIST}.delta": {"param": "s", **DAILY, "timezone": "{config.zone}"}}, ["{config.zone} means nothing here"]),
    ({f"{LIST}.ids": "data"}, ["only what changed is told by ids"]),
    ({f"{OPS}.read.delta": {"param": "s", **DAILY}}, ["only a listing has a delta", "list, changes"]),
    ({f"{OPS}.changes": {"method": "GET", "path": "/", "delta": DAILY}}, ["where are the records", "items (they are records) or ids"]),
    ({f"{OPS}.changes": {"method": "GET", "path": "/", "ids": "d"}}, ["'delta' is missing", "kind: since, log or link"]),
    ({f"{OPS}.changes": {**LOGGED, "delta": {"kind": "log"}}}, ["a log needs a place to go on from"]),
    ({f"{OPS}.changes": {**LOGGED, "mark": "m", "paging": {"kind": "none"}}}, ["a place in a log is a cursor"]),
    ({f"{OPS}.changes": {**LOGGED, "mark": "m"}}, ["where is the log when a full listing begins", "'latest' with mark, or from_start"]),
    ({f"{OPS}.changes": {**LOGGED, "mark": "m"}, f"{LIST}.delta": {"param": "s", **DAILY}}, ["asked for in one way"]),
    ({f"{OPS}.deleted": {"method": "GET", "path": "/", "ids": "d"}}, ["stands beside what changed"]),
    ({f"{OPS}.latest": {"method": "GET", "path": "/"}}, ["'mark' is missing"]),
    ({f"{OPS}.update.gone": [403]}, ["only a read of records", "gone in read"]),
    ({f"{OPS}.create.long": {"path": "/x"}}, ["only what is asked for by address", "GET"]),
    ({f"{LIST}.paging": {"kind": "page", "param": "p", "token": "t"}}, ["token and token_param"]),
    ({f"{LIST}.paging": {"kind": "page", "param": "p", "most": 9}}, ["only a pager that restarts", "restart: true"]),
    ({f"{PEOPLE}.depends_on": {"object": "teams"}}, ["depends_on.object", "there is no object 'teams'", "people"]),
    ({f"{PEOPLE}.depends_on": {"object": "people"}}, ["only one step"]),
    ({f"{PEOPLE}.depends_on": {"object": "teams"}, **TEAMS}, ["does not say of which parent", "{parent}"]),
    ({f"{PEOPLE}.depends_on": {"object": "teams", "composite": True}, **TEAMS, **OF_TEAM}, ["into: a path"]),
    ({f"{PEOPLE}.depends_on": {"object": "teams", "changed": True}, **TEAMS, **OF_TEAM}, ["parents that changed are asked for by time"]),
    ({"limits": {"buckets": [{"requests": 0, "seconds": 1}]}}, ["limits.buckets[0].requests", "1 or more"]),
    ({"limits": {"buckets": [{"requests": 5}]}}, ["limits.buckets[0]", "'seconds' is missing"]),
    ({"limits": {"buckets": [{"concurrent": 5, "of": "named"}]}}, ["limits.buckets[0]", "by its name, and it has none"]),
    ({"limits": {"buckets": [{"concurrent": 5, "name": "x", "alone": True, "of": "all"}]}}, ["limits.buckets[0].of", "alone", "named"]),
    ({"limits": {"told": [{"reset": "X-Reset"}]}}, ["limits.told[0]", "how much is left", "remaining, or limit and used"]),
    ({"limits": {"told": [{"pattern": "(?P<used>.)/(?P<limit>.)"}]}}, ["limits.told[0]", "the pattern of which header?"]),
    ({"limits": {"told": [{"header": "X", "pattern": "(?P<left>.)"}]}}, ["limits.told[0].pattern", "'left' means nothing here", "remaining, limit, used, reset"]),
    ({"limits": {"told": [{"header": "X", "pattern": "("}]}}, ["limits.told[0].pattern", "is not a regular expression"]),
    ({"limits": {"told": [{"remaining": "X", "restore": "a"}]}}, ["limits.told[0].restore", "in: body"]),
    ({"limits": {"told": [{"remaining": "a..b", "in": "body"}]}}, ["limits.told[0].remaining", "is not a path"]),
    ({"limits": {"told": [{"remaining": "X", "bucket": "day"}]}}, ["limits.told[0].bucket", "there is no bucket 'day'"]),
    ({"limits": {"refusals": [{"wait": 3}]}}, ["limits.refusals[0]"]),
    ({"limits": {"refusals": [{"status": [403], "value": "0"}]}}, ["limits.refusals[0].value", "of which header?"]),
    ({f"{OPS}.read.bucket": "search"}, ["operations.read.bucket", "there is no bucket 'search'"]),
    ({f"{OPS}.read.cost": 0}, ["operations.read.cost", "more than 0"]),
    ({"webhook": {"signature": {"scheme": "rsa"}, "events": EVENTS}}, ["'rsa' is not accepted", "standard, hmac, hash"]),
    (hook(header=""), ["'header' is missing"]),
    (hook(algorithm="md5"), ["'md5' is not accepted", "sha1, sha256"]),
    (hook(template="{timestamp}"), ["does not cover the body"]),
    (hook(template="{nonce}{body}"), ["{nonce} is not something that is signed", "timestamp"]),
    (hook(template="{timestamp}.{body}"), ["{timestamp} is signed, but 'timestamp'"]),
    (hook(template="{secret}{body}"), ["{secret} belongs into the text of scheme hash"]),
    (proof(scheme="token"), ["webhook.signature", "'path' is missing: where is the token?"]),
    (proof(**{"scheme": "token", "in": "query"}), ["'query' is missing", "in: query"]),
    (proof(scheme="hmac", header="X", timestamp={"format": "ms"}), ["webhook.signature.timestamp"]),
    (proof(scheme="hmac", header="X", timestamp={"header": "T", "path": "t"}), ["a time is in one place"]),
    (proof(scheme="hmac", header="X", secret="rot13"), ["'rot13' is not accepted", "text, base64, whsec, hex"]),
    ({"webhook": {"signature": {"scheme": "none"}, "events": {**EVENTS, "record": "data"}}}, ["webhook.events.record", "is not believed"]),
    (told(kind="lost", scheme="none"), ["what nothing proves may not end", "kind: poll"]),
    (told(kind="created", record_id=None), ["'record_id' is missing", "kind: poll"]),
    (told(kind="created", object="*"), ["there is no object '*'", "people"]),
    (told(kind="exploded"), ["'exploded' is not accepted", "poll, lost, expiring"]),
    (section(challenge={"query": "a", "body": "b"}), ["webhook.challenge", "exactly one place"]),
    (section(challenge=[{"query": "a"}, {"body": "b", "keep": True}]), ["webhook.challenge[1].keep", "signed: false"]),
    (section(challenge={"query": "a", "signed": True}), ["only a body is signed"]),
    (section(challenge={"query": "a", "echo": "header"}), ["into which header?"]),
    (section(challenge={"body": "b", "when": {"a..b": "x"}}), ["challenge.when", "is not a path"]),
    (section(json_field="payload"), ["only a form has fields", "format: form"]),
    (section(answer={"status": 302}), ["webhook.answer.status", "299 or less"]),
    (section(signature=[]), ["webhook.signature"]),
    (subscription(secret="made"), ["subscription.secret", "{secret} in create"]),
    (subscription(secret="once"), ["told once is in the answer", "secret_path"]),
    (subscription(body={"until": "{expires}"}), ["{expires} is asked for", "lifetime"]),
    (subscription(renew={"method": "PUT", "path": "/s/{subscription}"}), ["when does a subscription end?"]),
    (subscription(list={"method": "GET", "path": "/s", "items": "data"}), ["'address' is missing"]),
    (subscription(address="url", list={"method": "GET", "path": "/s"}), ["'items' is missing"]),
    (subscription(body={"to": "{adress}"}), ["subscription.create.body.to", "{adress} means nothing here", "address"]),
    (subscription(delete={"method": "DELETE", "path": "/s/{id}"}), ["{id} means nothing here", "subscription"]),
    (subscription(objects={"pets": {}}), ["no object 'pets'", "people"]),
    (subscription(objects={"people": {"a": 1}, "more": {"object": "people"}}), ["the same slots"]),
    (
        {"webhook": {"signature": SIGNATURE, "events": {**EVENTS, "types": {"x": {"object": "pets", "kind": "created"}}}}},
        ["webhook.events.types.x.object", "no object 'pets'", "people"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "words"), WRONG, ids=[words[0][:40] for _, words in WRONG])
def test_wrong(changes: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ManifestError) as caught:
        parse(yaml.safe_dump(bent(changes), sort_keys=False), "acme.yaml")
    for word in ["acme.yaml", *words]:
        assert word in str(caught.value)
    assert caught.value.line is not None


TEXTS = [
    ("", "a provider file is a mapping"),
    ("- a\n", "a provider file is a mapping"),
    ("a: [1\n", "not readable as YAML"),
    ("a: 1\na: 2\n", "'a' is given twice"),
    ("a: !!python/object:os.system {}\n", "not readable as YAML"),
    ("a: \x00\n", "not readable as YAML"),
]


@pytest.mark.parametrize(("text", "words"), TEXTS)
def test_not_even_a_mapping(text: str, words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        parse(text, "x.yaml")


def test_the_line_is_the_right_one() -> None:
    text = yaml.safe_dump(bent({f"{PEOPLE}.fields.email.type": "mail"}), sort_keys=False)
    with pytest.raises(ManifestError) as caught:
        parse(text, "acme.yaml")
    assert text.splitlines()[(caught.value.line or 0) - 1].strip() == "type: mail"
    assert (caught.value.path, caught.value.file) == ("objects.people.fields.email.type", "acme.yaml")


def test_a_good_one() -> None:
    found = manifest({f"{PEOPLE}.fields.email.normalises": ["trim", {"truncate": 40}]})
    people = found.objects["people"]
    assert people.version.ordered and people.conditional and people.can("delete") and not people.can("find")
    assert people.fields["email"].normalises == ("trim", {"truncate": 40})
    assert people.operations["create"].body == "{body}"


def test_words_of_an_object_let_objects_share_their_calls() -> None:
    people = bent()["objects"]["people"]
    ask = {"fields": "{word.columns}", "sort": "{word.order}"}
    listing = {
        "method": "POST",
        "path": "/{word.kind}",
        "query": {"fields": "{word.columns}"},
        "body": ask,
        "items": "",
    }
    shared = {**people["operations"], "list": listing}
    pets = {"kind": "pets", "columns": ["id", "name"], "order": "by {config.server}"}
    crew = {"kind": "people", "columns": "email", "order": "id"}
    text = yaml.dump(
        bent(
            {
                "objects": {
                    slug: {**people, "words": words, "operations": shared}
                    for slug, words in (("pets", pets), ("people", crew))
                }
            }
        )
    )
    found = {slug: parse(text, "acme.yaml").objects[slug].operations["list"] for slug in ("pets", "people")}
    assert found["pets"].path == "/pets" and found["people"].path == "/people"
    assert found["pets"].query == {"fields": "id,name"}
    assert found["pets"].body == {"fields": ["id", "name"], "sort": "by {config.server}"}
    assert found["people"].body == {"fields": "email", "sort": "id"}


def test_the_shipped_ones() -> None:
    known = registry.available()
    assert {"kinto", "sandbox"} <= set(known)
    records = known["kinto"].objects["records"]
    assert records.version.ordered and records.conditional and records.deletes == "delta" and records.open_fields
    assert known["sandbox"].webhook is not None
    assert known["sandbox"].objects["customers"].operations["update"].conditional is not None
    for path in registry.OWN.glob("*.yaml"):
        # the sandbox is two providers in one file
        assert len(path.read_text().splitlines()) <= (205 if path.stem == "sandbox" else 150), path.name


def test_a_folder_adds_and_replaces(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(yaml.safe_dump(bent()))
    (tmp_path / "kinto.yaml").write_text(yaml.safe_dump(bent({"slug": "kinto", "name": "Our Kinto"})))
    assert registry.load("acme", [tmp_path]).name == "Acme"
    assert registry.load("kinto", [tmp_path]).name == "Our Kinto"
    with pytest.raises(ManifestError, match=rf"no such provider.*{', '.join(sorted(registry.files()))}"):
        registry.load("acme")
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(bent()))
    with pytest.raises(ManifestError, match="'acme' is not the file's name"):
        registry.load("other", [tmp_path])
    for asked in (registry.available, partial(registry.load, "kinto")):
        with pytest.raises(ManifestError, match="is not a folder"):
            asked([tmp_path / "nowhere"])
    with pytest.raises(ManifestError, match="no such provider"):
        registry.load(f"../{tmp_path.name}/acme", [tmp_path])


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    import os

    file = tmp_path / "acme.yaml"
    file.write_text(yaml.safe_dump(bent()))
    assert registry.load("acme", [tmp_path]).name == "Acme"
    file.write_text(yaml.safe_dump(bent({"name": "Acme 2"})))
    os.utime(file, ns=(1, 1))
    assert registry.load("acme", [tmp_path]).name == "Acme 2"


def test_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ManifestError, match="not UTF-8"):
        load(tmp_path / "x.yaml")
    with pytest.raises(ManifestError, match="cannot be read"):
        load(tmp_path / "none.yaml")


def test_the_command_says_right_or_what_to_mend(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "acme.yaml", tmp_path / "bad.yaml"
    good.write_text(yaml.safe_dump(bent()))
    bad.write_text(yaml.safe_dump(bent({"nmae": "x"})))
    assert check.main([str(good)]) == 0
    assert check.main([str(good), str(bad)]) == 1
    assert check.main([]) == 2
    told = capsys.readouterr()
    assert "Acme, objects people: right" in told.out and "unknown key 'nmae'" in told.err
