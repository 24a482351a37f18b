"""Build requests and send them for one account: templates filled, credentials added, limits kept, answers checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import orjson
import requests

from syncapp.connectors import answers, contents
from syncapp.connectors.allowance import Allowance
from syncapp.connectors.authspec import Setting
from syncapp.connectors.egress import check_url, origin
from syncapp.connectors.errors import EgressDenied, Limited, LooksOnly, Misconfigured, Unauthorised
from syncapp.connectors.items import ItemReader
from syncapp.connectors.limitspec import Use
from syncapp.connectors.opspec import ConditionalSpec, Operation
from syncapp.connectors.renewal import Credentials, Keeper, MemoryKeeper
from syncapp.connectors.spec import CheckSpec, Manifest, ObjectSpec
from syncapp.connectors.templates import fill, fill_body, fill_path, fill_query, names
from syncapp.connectors.throttle import MemoryThrottle, Throttle
from syncapp.connectors.transport import Answer, Request, Timeouts, Transport

WRITES = ("create", "upsert", "update", "delete", "create_many", "update_many")
LOOKS = ("list", "changes", "created", "deleted", "latest", "read", "read_many", "find", "find_many", "columns")
PATIENCE = 2.0


@dataclass(frozen=True, slots=True)
class Call:
    """One operation of one object, with everything that varies from call to call."""

    name: str
    spec: ObjectSpec
    operation: Operation
    values: Mapping[str, Any]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any = None
    url: str | None = None
    conditional: bool = False


class Caller:
    """The way from a call to a checked answer."""

    def __init__(
        self,
        manifest: Manifest,
        config: Mapping[str, Any],
        secrets: Mapping[str, str],
        *,
        account: str,
        allow_private: bool,
        clock: Callable[[], float],
        session: requests.Session | None,
        timeouts: Timeouts,
        throttle: Throttle | None,
        patience: float,
        sleep: Callable[[float], None],
        max_bytes: int,
        before_write: Callable[[], None],
        keeper: Keeper | None,
    ) -> None:
        manifest = manifest.chosen(config)
        self.manifest, self.account, self.clock = manifest, account or manifest.slug, clock
        self.config = {f"config.{k}": v for k, v in settled(manifest.config, config, "config", manifest.slug).items()}
        secret = settled(manifest.secrets, secrets, "secrets", manifest.slug)
        secret |= {name: text for name, text in secrets.items() if is_beside(name)}
        self.looks_only = False
        self.before_write = before_write
        self.transport = Transport(
            allow_private=allow_private, clock=clock, session=session, timeouts=timeouts, max_bytes=max_bytes
        )
        self.keeper = keeper or MemoryKeeper(secret)
        self.allowance = Allowance(
            throttle or MemoryThrottle(), self.account, manifest.slug, manifest.limits, self.keeper, patience, sleep
        )
        self.credentials = Credentials(
            manifest.auth, self.config, secret,
            keeper=self.keeper, transport=self.transport, clock=clock, slug=manifest.slug,
        )  # fmt: skip
        self.base, self.headers = "", dict[str, str]()
        self._settle(self.credentials.told)

    def _settle(self, told: Mapping[str, str]) -> None:
        """What depends on the account's settings, some of which a token answer may tell anew."""
        self._told = told
        self.config |= {f"config.{name}": text for name, text in told.items()}
        manifest, where = self.manifest, self.manifest.slug
        needed = [name for name in names(manifest.base_url) if manifest.config[name.removeprefix("config.")].captured]
        lacking = [name for name in needed if not self.config.get(name)]
        if lacking and not self.credentials.headers:
            return  # the first token answer will tell
        if lacking:
            setting = manifest.config[lacking[0].removeprefix("config.")]
            what = f"the account does not know its {setting.label} yet, where its calls go to"
            raise Misconfigured(what, f"account of {where}", "sign in again")
        self.base = fill(manifest.base_url, self.config, where).rstrip("/")
        check_url(self.base, f"address of the {manifest.name} account")
        filled = {name: fill(template, self.config, where) for name, template in manifest.headers.items()}
        self.headers = {name: text for name, text in filled.items() if text}  # what was not given is not sent

    def _prove(self) -> None:
        """Before a call: access that is about to expire is bought anew, and with it perhaps another address."""
        self.credentials.before()
        self._follow()

    def _follow(self) -> None:
        if self.credentials.told != self._told or not self.base:
            self._settle(self.credentials.told)

    def send(self, call: Call, reader: ItemReader | None = None) -> Answer:
        """The answer, if it is the one that was wanted; else the error that fits.

        A 401 says that nothing was done: the call is made again with another access token, if one is to be had.
        """
        if self.looks_only and call.name not in LOOKS:
            where = f"{self.manifest.slug}.{call.spec.slug}.{call.name}"
            raise LooksOnly("this client only looks; nothing was sent", where, ", ".join(LOOKS))
        self._prove()
        while True:
            try:
                return self._send(call, reader)
            except Unauthorised as refused:
                if not self.credentials.again(refused.status, refused.code):
                    raise
                self._follow()

    def _send(self, call: Call, reader: ItemReader | None) -> Answer:
        request = self._request(call)
        context = answers.Context(
            call.operation,
            call.operation.errors or call.spec.errors,
            self.manifest.limits,
            reader,
            self.credentials.redact,
            request.write,
            call.conditional,
            about_record="id" in call.values,
            id=call.values.get("whole_id", call.values.get("id")),
        )
        use = Use(call.operation.bucket, request.write, call.operation.cost)
        answer = self.allowance.through(use, request.where, lambda: self._sent(request))
        try:
            answers.check(answer, context)
        except Limited as limited:
            self.allowance.refused(limited)
            raise
        return answer

    def _sent(self, request: Request) -> Answer:
        if request.write:
            self.before_write()
        return self.transport.send(request)

    def get(self, check: CheckSpec) -> Answer:
        """A plain call outside any object, unchecked: for the admin's test."""
        self._prove()
        answer = self._get(check.path, check.method, check.body)
        if not self.credentials.again(*answers.refused(answer, check.errors)):
            return answer
        self._follow()
        return self._get(check.path, check.method, check.body)

    def _get(self, path: str, method: str, body: Any) -> Answer:
        content = None if body is None else orjson.dumps(body)
        kind = {} if body is None else {"Content-Type": "application/json"}
        headers = {"Accept": "application/json", **kind, **self.headers}
        url = self.base + fill_path(path, self.config)
        request = Request(method, url, headers, self.credentials.headers, content)
        return self.allowance.through(Use(), request.where, lambda: self.transport.send(request))

    def _request(self, call: Call) -> Request:
        where = f"{self.manifest.slug}.{call.spec.slug}.{call.name}"
        values = {**self.config, **call.values}
        headers = {"Accept": "application/json", "User-Agent": "concord/0.1", **self.headers}
        headers.update((name, fill(template, values, where)) for name, template in call.operation.headers.items())
        headers.update(call.headers)
        content = None
        if encoded := contents.encode(call.operation, call.body, where):
            content, kind = encoded
            headers.setdefault("Content-Type", kind)
        return Request(
            call.operation.method,
            self._url(call, values, where),
            headers,
            self.credentials.headers,
            content,
            call.name in WRITES,
        )

    def _url(self, call: Call, values: Mapping[str, Any], where: str) -> str:
        if call.url is not None:
            if origin(call.url) != origin(self.base):
                raise EgressDenied(
                    "the next page is at another host than the account", where, "pages of the account's own host"
                )
            return call.url
        known = self.parameters(call, values)
        query = f"?{urlencode(known, doseq=True)}" if known else ""
        return self.base + fill_path(call.operation.path, values, where) + query

    def parameters(self, call: Call, values: Mapping[str, Any] | None = None) -> dict[str, str | list[str]]:
        """The query of a call. A parameter whose value is not at hand (no cursor, no since) is left out."""
        values, where = values or {**self.config, **call.values}, f"{self.manifest.slug}.{call.spec.slug}.{call.name}"
        known: dict[str, str | list[str]] = dict(call.query)
        at_hand = set(values)
        for name, template in call.operation.query.items():
            if names(template) <= at_hand:
                known[fill(name, values, where)] = fill_query(template, values, where)
        return known

    def address(self, call: Call) -> str:
        return self._url(call, {**self.config, **call.values}, f"{self.manifest.slug}.{call.spec.slug}.{call.name}")

    def body(self, operation: Operation, values: Mapping[str, Any], where: str) -> Any:
        return None if operation.body is None else fill_body(operation.body, {**self.config, **values}, where)


def is_beside(name: str) -> bool:
    """What is kept beside a setting has a dot in its name, which no setting has."""
    return "." in name


def settled(wanted: Mapping[str, Setting], given: Mapping[str, Any], kind: str, slug: str) -> dict[str, str]:
    """The account's settings, defaults filled in; unknown and missing ones are named, values never shown."""
    unknown = sorted(name for name in given if name not in wanted and not is_beside(name))
    if unknown:
        raise Misconfigured(
            f"unknown {kind}: {', '.join(unknown)}", f"account of {slug}", f"{', '.join(sorted(wanted)) or 'none'}"
        )
    result = {}
    for name, setting in wanted.items():
        value = given.get(name)
        value = setting.default if value is None or value == "" else str(value)
        if value is None and setting.required:
            raise Misconfigured(
                f"{kind} value {name!r} ({setting.label}) is missing", f"account of {slug}", "set it in the account"
            )
        _accept(setting, value or "", f"{kind} value {name!r}", f"account of {slug}", shown=kind == "config")
        result[name] = value or ""
    return result


def _accept(setting: Setting, value: str, what: str, where: str, *, shown: bool) -> None:
    """Raises Misconfigured for a value that the file does not accept; a secret is not shown."""
    said = repr(value) if shown else "what is given"
    if value and setting.choices and value not in setting.choices:
        raise Misconfigured(f"{what} ({setting.label}): {said} is not accepted", where, ", ".join(setting.choices))
    if value and setting.pattern and not re.fullmatch(setting.pattern, value):
        told = setting.help or f"text that fits {setting.pattern}"
        raise Misconfigured(f"{what} ({setting.label}): {said} is not accepted", where, told)


def object_of(manifest: Manifest, object: str) -> ObjectSpec:
    """Raises Misconfigured with the objects that there are."""
    spec = manifest.objects.get(object)
    if spec is None:
        known = ", ".join(sorted(manifest.objects))
        raise Misconfigured(f"{manifest.name} has no object {object!r}", manifest.slug, known)
    return spec


def operation_of(manifest: Manifest, object: str, name: str) -> tuple[ObjectSpec, Operation]:
    """Raises Misconfigured with the operations that there are."""
    spec = object_of(manifest, object)
    operation = spec.operations.get(name)
    if operation is None:
        where, known = f"{manifest.slug}.{object}", ", ".join(sorted(spec.operations))
        raise Misconfigured(f"{spec.name} of {manifest.name} has no operation {name!r}", where, known)
    return spec, operation


def as_sent(spec: ObjectSpec, version: str | None) -> Any:
    """A version in a body goes back as the number it came as."""
    return int(version) if spec.version.ordered and version is not None and version.lstrip("-").isdigit() else version


def condition_value(spec: ObjectSpec, condition: ConditionalSpec, told: Mapping[str, str]) -> Any:
    """What stands in a body for "only if it still is what it was"."""
    return as_sent(spec, told["version"]) if condition.template == "{version}" else fill(condition.template, told)
