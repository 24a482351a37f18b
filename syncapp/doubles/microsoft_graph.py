"""Microsoft Graph as its documentation describes it: Outlook contacts, change tracking, subscriptions, batches.

Written from https://learn.microsoft.com/graph/ — api/resources/contact, api/user-list-contacts, api/contact-update,
api/contact-delta, delta-query-overview, json-batching, throttling, errors, api/subscription-post-subscriptions,
change-notifications-delivery-webhooks — and https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
(token endpoint and its errors); read in the public repository of Microsoft's documentation.
Unverified: If-Match on contacts (412, seen in published fixtures), 10 a page where nothing is asked, seconds in
`lastModifiedDateTime`, the texts of 401, 403 and 404, that an old refresh token still works beside the new one.
Left out: folders beyond the default one, ids that change when a contact is moved, `$expand`, filters other than by
time of change, name or e-mail address, photos, extensions, and `dependsOn` in batches.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any, ClassVar

from flask import Response, request
from flask.typing import ResponseReturnValue

from syncapp.doubles.answers import iso, speak
from syncapp.doubles.base import Delivery, Double, Handshake
from syncapp.doubles.microsoft_graph_contact import EMPTY, kept
from syncapp.doubles.microsoft_graph_delta import State, page, shown_removed
from syncapp.doubles.microsoft_graph_errors import TENANT, error, refused, unauthorized
from syncapp.doubles.microsoft_graph_hooks import (
    LONGEST,
    USER,
    Subscription,
    challenge,
    notification,
    subscribed,
    until,
)
from syncapp.doubles.microsoft_graph_query import link, ordered, passes, selected, size
from syncapp.doubles.microsoft_graph_token import token
from syncapp.doubles.shelf import Change, Fields, Row
from syncapp.doubles.tokens import Keyed, Tokens, bearer, consent
from syncapp.doubles.windows import Window

FOLDER = "AAMkAGI2AAEOAAA="
CONTACTS = (
    "/v1.0/me/contacts", "/v1.0/users/<user>/contacts", "/v1.0/me/contactFolders/<folder>/contacts",
    "/v1.0/users/<user>/contactFolders/<folder>/contacts",
)  # fmt: skip
LARGEST_BATCH = 20


class MicrosoftGraph(Keyed, Double):
    slug: ClassVar[str] = "microsoft_graph"
    objects: ClassVar[tuple[str, ...]] = ("contacts",)
    resolution: ClassVar[float] = 1.0
    strict = False

    def routes(self) -> None:
        speak(self.app)
        self.tokens = Tokens(self.clock, life=3600, rotates=True, kept=True, prefix="ey")
        self.calls = Window(self.clock, 10_000, 600, strict=self.strict)
        # Delta tokens of another epoch are forgotten.
        self.epoch = 1
        self.client_state = "a-client-state-of-this-hub"
        self.subscriptions: dict[str, Subscription] = {}
        self.shelf.watch(self._announce)
        self.app.before_request(self._gate)
        for tenant in ("common", "organizations", TENANT):
            consent(self.app, f"/{tenant}/oauth2/v2.0/authorize", self.tokens)
        add = self.app.add_url_rule
        add("/<tenant>/oauth2/v2.0/token", "token", lambda tenant: token(self.tokens, self.clock), methods=["POST"])
        add("/v1.0/me", view_func=self.me)
        add("/v1.0/$batch", view_func=self.batch, methods=["POST"])
        add("/_double/forget", view_func=self.forget, methods=["POST"])
        for path in CONTACTS:
            add(path, f"list {path}", self.listed)
            add(path, f"create {path}", self.create, methods=["POST"])
            add(f"{path}/delta", f"delta {path}", self.delta)
            add(f"{path}/<id>", f"read {path}", self.read)
            add(f"{path}/<id>", f"update {path}", self.update, methods=["PATCH"])
            add(f"{path}/<id>", f"delete {path}", self.delete, methods=["DELETE"])
        add("/v1.0/subscriptions", view_func=self.list_subscriptions)
        add("/v1.0/subscriptions", view_func=self.subscribe, methods=["POST"])
        add("/v1.0/subscriptions/<id>", view_func=self.subscription, methods=["GET", "PATCH", "DELETE"])
        add("/v1.0/subscriptions/<id>/reauthorize", view_func=self.reauthorize, methods=["POST"])

    # Keys.

    def config(self, address: str) -> dict[str, str]:
        """`login` is another host over there: login.microsoftonline.com."""
        return {"server": address, "login": address, "tenant": "common", "mailbox": USER, "folder": "contacts"}

    def secrets(self) -> dict[str, str]:
        return {**self.tokens.secrets(), "webhook": self.client_state}

    def _gate(self) -> Response | None:
        if not request.path.startswith("/v1.0/"):
            return None
        ended = self.tokens.ended(bearer())
        if ended is None or ended >= 0:
            raise unauthorized("Lifetime validation failed, the token is expired." if ended else "")
        return self.refusal(429) if self.calls.take() < 0 else None

    def refusal(self, status: int) -> Response:
        return refused(status).answer()

    def me(self) -> ResponseReturnValue:
        mail = "hub@contoso.example"
        return {"id": USER, "displayName": "Hub", "mail": mail, "userPrincipalName": mail}

    # Contacts.

    def listed(self, **_: str) -> ResponseReturnValue:
        most, skip = size(), int(request.args.get("$skip", 0))
        rows = ordered([row for row in self.shelf.rows("contacts") if passes(self.shown(row))])
        answer: dict[str, Any] = {"@odata.context": _context(), "value": []}
        if request.args.get("$count") == "true":
            answer["@odata.count"] = len(rows)
        answer["value"] = [selected(self.shown(row), request.args.get("$select", "")) for row in rows[skip:][:most]]
        if skip + most < len(rows):
            more = {**request.args, "$skip": str(skip + most), "$top": str(most)}
            answer["@odata.nextLink"] = link(more)
        return answer

    def read(self, id: str, **_: str) -> ResponseReturnValue:
        shown = selected(self.shown(self._found(id)), request.args.get("$select", ""))
        return {"@odata.context": f"{_context()}/$entity", **shown}

    def create(self, **_: str) -> ResponseReturnValue:
        row = self.shelf.add("contacts", kept(EMPTY, _body()), _id(len(self.shelf.rows("contacts", deleted=True))))
        return {"@odata.context": f"{_context()}/$entity", **self.shown(row)}, 201

    def update(self, id: str, **_: str) -> ResponseReturnValue:
        row = self._matching(id)
        fields = kept(row.fields, _body())
        return self.shown(self.shelf.change("contacts", row.id, lambda _: fields))

    def delete(self, id: str, **_: str) -> ResponseReturnValue:
        self.shelf.remove("contacts", self._matching(id).id)
        return "", 204

    def delta(self, **_: str) -> ResponseReturnValue:
        state = self._state()
        found = page(state, self.shelf.rows("contacts", deleted=True))
        value = [
            shown_removed(row) if row.deleted else selected(self.shown(row), state.select)
            for row in found.rows
        ]  # fmt: skip
        answer = {"@odata.context": _context(), "value": value}
        if found.next:
            return {**answer, "@odata.nextLink": link({"$skiptoken": found.next.token()})}
        assert found.after is not None
        return {**answer, "@odata.deltaLink": link({"$deltatoken": found.after.token()})}

    def _state(self) -> State:
        given = request.args.get("$skiptoken") or request.args.get("$deltatoken")
        last = self.shelf.log[-1].number if self.shelf.log else 0
        if not given:
            return State(self.epoch, until=last, size=size(), select=request.args.get("$select", ""))
        try:
            state = State.of(given)
        except ValueError:
            raise error(400, "ErrorInvalidUrlQuery", "The delta token is not valid") from None
        if state.epoch != self.epoch:
            told, headers = "The sync state generation is not found", {"Location": request.base_url}
            raise error(410, "syncStateNotFound", told, headers)
        return state if "$skiptoken" in request.args else State(**{**vars(state), "until": last})

    def forget(self) -> ResponseReturnValue:
        """No delta token that was given out is known any more."""
        self.epoch += 1
        return "null", 200

    def batch(self) -> ResponseReturnValue:
        steps = _body().get("requests") or []
        if len(steps) > LARGEST_BATCH:
            told = f"Number of batch request steps exceeds the maximum value of {LARGEST_BATCH}."
            raise error(400, "BadRequest", told)
        return {"responses": [self._step(step) for step in reversed(steps)]}

    def _step(self, step: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": request.headers["Authorization"], **(step.get("headers") or {})}
        url, method = f"/v1.0{step['url']}", step["method"]
        answer = self.app.test_client().open(url, method=method, headers=headers, json=step.get("body"))
        told = {"id": step["id"], "status": answer.status_code, "headers": {"Content-Type": "application/json"}}
        return {**told, **({"body": answer.json} if answer.data else {})}

    def _found(self, id: str) -> Row:
        row = self.shelf.get("contacts", id)
        if row is None:
            raise error(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return row

    def _matching(self, id: str) -> Row:
        row, wanted = self._found(id), request.headers.get("If-Match")
        if wanted and wanted not in ("*", _etag(row)):
            told = "The change key passed in the request does not match the current change key for the item."
            raise error(412, "ErrorIrresolvableConflict", told)
        return row

    def shown(self, row: Row) -> Fields:
        return {
            "@odata.etag": _etag(row), "id": row.id, "createdDateTime": iso(row.created, 0),
            "lastModifiedDateTime": iso(row.updated, 0), "changeKey": _etag(row)[3:-1], "parentFolderId": FOLDER,
            **row.fields,
        }  # fmt: skip

    # Subscriptions, and people.

    def list_subscriptions(self) -> ResponseReturnValue:
        return {"value": [one.as_json() for one in self.subscriptions.values()]}

    def subscribe(self) -> ResponseReturnValue:
        made = subscribed(_body(), self.clock.exact())
        self.subscriptions[made.id] = made
        return made.as_json(), 201

    def subscription(self, id: str) -> ResponseReturnValue:
        known = self.subscriptions.get(id)
        if known is None or known.expires <= self.clock.exact():
            raise error(404, "ResourceNotFound", "The object was not found.")
        if request.method == "DELETE":
            del self.subscriptions[id]
            return "", 204
        if request.method == "PATCH":
            known.expires = until(_body().get("expirationDateTime"), self.clock.exact())
        return known.as_json()

    def reauthorize(self, id: str) -> ResponseReturnValue:
        if id not in self.subscriptions:
            raise error(404, "ResourceNotFound", "The object was not found.")
        return "", 204

    def _announce(self, change: Change) -> None:
        """To every subscription that is alive; where there is none, to the address that the suite names."""
        by_hand = Subscription(
            self.hook_url, ["created", "updated", "deleted"], "me/contacts", self.clock.now() + LONGEST,
            self.client_state, "by-hand",
        )  # fmt: skip
        for one in list(self.subscriptions.values()) or [by_hand]:
            if one.expires > self.clock.exact() and change.kind in one.kinds:
                body = json.dumps(notification(one, change, _etag(change.row))).encode()
                about = ((change.object, change.row.id, change.kind),)
                self.sent.append(Delivery("POST", one.url, self.sign(body, at=self.clock.exact()), body, about))

    def sign(self, body: bytes, *, at: datetime) -> dict[str, str]:
        """Nothing is signed: the `clientState` in the body is all there is."""
        return {"Content-Type": "application/json; charset=utf-8"}

    def handshake(self) -> Handshake:
        url, answer = challenge(self.hook_url)
        return Handshake("POST", url, {"Content-Type": "text/plain; charset=utf-8"}, b"", 200, answer.encode())

    def stamp(self, object: str, ids: list[str], moment: datetime | None = None) -> None:
        """Change tracking knows of it too."""
        for id in ids:
            self.shelf.change(object, id, lambda fields: fields, actor="outlook")
        super().stamp(object, ids, moment)

    def edit(self, object: str, id: str, fields: Fields) -> None:
        self.shelf.change(object, id, lambda known: kept(known, fields), actor="outlook")

    def erase(self, object: str, id: str) -> None:
        self.shelf.remove(object, id, actor="outlook")


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise error(400, "BadRequest", "Unable to read JSON request payload.")
    return body


def _id(number: int) -> str:
    """Ids tell capitals from small letters, and end in a sign that addresses have to escape."""
    return "AAMkAGI2THVS" + base64.urlsafe_b64encode(f"contact{number:06d}".encode()).decode()


def _etag(row: Row) -> str:
    return f'W/"{base64.b64encode(f"EQAAABYAAAC{row.number:08d}".encode()).decode()}"'


def _context() -> str:
    return f"{request.url_root}v1.0/$metadata#users('{USER}')/contacts"
