"""Slack as its documentation describes it: users and their profiles, channels, messages, and events.

Written from https://docs.slack.dev/ — apis/web-api/, apis/web-api/pagination, apis/web-api/rate-limits,
reference/methods/ (users.list, users.info, users.lookupByEmail, users.profile.get, users.profile.set,
conversations.list, .info, .create, .rename, .setTopic, .setPurpose, .archive, .unarchive, chat.postMessage, auth.test,
oauth.v2.access), authentication/using-token-rotation, messaging/sending-messages-using-incoming-webhooks — and the
pages that the modules beside this one name.
What Slack refuses is answered 200 with `ok: false`: so are a "401" and a "403" that are asked for; a 429 is one.
Unverified: that a bot may set profiles (a person's token is needed over there), the shape of cursors, the refusal of a
deactivated person's profile, that pages fall short (they may: here the first one of more than two does).
Left out: scopes, private channels, members, history, threads, blocks, retries of events, two active tokens at most.
"""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from typing import Any, ClassVar

from flask import Response, request
from flask.typing import ResponseReturnValue

from syncapp.doubles.answers import Refused, speak
from syncapp.doubles.base import Delivery, Double, Handshake
from syncapp.doubles.shelf import Change, Fields, Row
from syncapp.doubles.slack_answers import args, limited, page_of, read_json
from syncapp.doubles.slack_channels import Channels
from syncapp.doubles.slack_events import APP, BOT_USER, TEAM, challenge, envelope, inner, signed
from syncapp.doubles.slack_profile import EMPTY, kept, no
from syncapp.doubles.tokens import Keyed, Tokens, basic, bearer, consent
from syncapp.doubles.windows import Window

PEOPLE = (("Ann", "Lee"), ("Bo", "Lind"), ("Cy", "Park"), ("Di", "Moss"), ("Ed", "Gray"))
# Calls a minute, by tier of the method.
TIERS = {"users.list": 20, "conversations.list": 20, "users.profile.set": 50, "chat.postMessage": 60}
WRITES = ("set", "create", "rename", "setTopic", "setPurpose", "archive", "unarchive", "postMessage")


class Slack(Keyed, Double):
    slug: ClassVar[str] = "slack"
    objects: ClassVar[tuple[str, ...]] = ("users", "conversations")
    resolution: ClassVar[float] = 1.0
    strict = False

    def routes(self) -> None:
        speak(self.app)
        self.tokens = Tokens(self.clock, life=43_200, rotates=True, prefix="xoxb-")
        self.signing_secret = secrets.token_hex(16)
        self.incoming = f"/services/{TEAM}/B012ABCD0/{secrets.token_hex(12)}"
        self._windows: dict[str, Window] = {}
        for number, (first, last) in enumerate(PEOPLE, start=1):
            profile = kept(EMPTY, {"first_name": first, "last_name": last, "display_name": first.lower()})
            profile["email"] = f"{first.lower()}@example.org"
            self.shelf.add("users", {"name": first.lower(), "profile": profile}, f"U012AB{number:03d}", actor="person")
        self.shelf.watch(self._announce)
        self.app.before_request(self._gate)
        consent(self.app, "/oauth/v2/authorize", self.tokens)
        channels = Channels(self.app, self.shelf, self.clock, self.incoming, self.shown)
        methods = {
            "oauth.v2.access": self.token, "auth.test": self.test, "users.list": self.users, "users.info": self.user,
            "users.lookupByEmail": self.user_by_email, "users.profile.get": self.profile,
            "users.profile.set": self.set_profile, **channels.methods(),
        }  # fmt: skip
        for name, view in methods.items():
            self.app.add_url_rule(f"/api/{name}", name.replace(".", "_"), view, methods=["GET", "POST"])
        self.app.add_url_rule("/api/<name>", "unknown", lambda name: {"ok": False, "error": "unknown_method"})

    # Keys and limits.

    def config(self, address: str) -> dict[str, str]:
        return {"server": address, "incoming_webhook": f"{address}{self.incoming}"}

    def secrets(self) -> dict[str, str]:
        return {**self.tokens.secrets(), "webhook": self.signing_secret}

    def token(self) -> ResponseReturnValue:
        given = args()
        shown = basic() if request.authorization else (given.get("client_id"), given.get("client_secret"))
        if not self.tokens.is_client(*shown):
            raise no("bad_client_secret" if shown[0] == self.tokens.client_id else "invalid_client_id")
        if given.get("grant_type") == "refresh_token":
            pair, bad = self.tokens.renew(given.get("refresh_token")), "invalid_refresh_token"
        else:
            pair, bad = self.tokens.redeem(given.get("code"), given.get("redirect_uri")), "invalid_code"
        if pair is None:
            raise no(bad)
        return {
            "ok": True, "access_token": pair.access, "expires_in": pair.life, "refresh_token": pair.refresh,
            "token_type": "bot", "scope": "users:read,users:read.email,channels:manage", "bot_user_id": BOT_USER,
            "app_id": APP, "team": {"name": "Concord", "id": TEAM}, "enterprise": None,
        }  # fmt: skip

    def _gate(self) -> Response | None:
        if not request.path.startswith("/api/") or "oauth" in request.path:
            return None
        token = bearer() or request.form.get("token", "")
        ended = self.tokens.ended(token)
        if not self.tokens.good(token):
            raise no("not_authed" if not token else "invalid_auth" if ended is None else "token_expired")
        name = request.path.removeprefix("/api/")
        window = self._windows.setdefault(name, Window(self.clock, TIERS.get(name, 50), 60, strict=self.strict))
        return limited(window.wait()) if window.take() < 0 else None

    def refusal(self, status: int) -> Response:
        if status == 429:
            return limited(1)
        if status == 401:
            return no("invalid_auth").answer()
        if status == 403:
            return no("missing_scope", needed="users:read", provided="chat:write").answer()
        error = "service_unavailable" if status == 503 else "internal_error"
        return Refused(status, {"ok": False, "error": error}).answer()

    def is_write(self, request: Any) -> bool:
        return request.path.rpartition(".")[2] in WRITES or request.path.startswith("/services/")

    def test(self) -> ResponseReturnValue:
        team = {"url": "https://concord.slack.com/", "team": "Concord", "team_id": TEAM}
        return {"ok": True, **team, "user": "hub", "user_id": BOT_USER, "bot_id": "B012ABCD0"}

    # Users.

    def users(self) -> ResponseReturnValue:
        """Those who were deactivated too."""
        rows, cursor = page_of(self.shelf.rows("users", deleted=True))
        shown = [self.shown("users", row) for row in rows]
        now = int(self.clock.now().timestamp())
        return {"ok": True, "members": shown, "cache_ts": now, "response_metadata": {"next_cursor": cursor}}

    def user(self) -> ResponseReturnValue:
        return {"ok": True, "user": self.shown("users", self._user(args().get("user")))}

    def user_by_email(self) -> ResponseReturnValue:
        wanted = str(args().get("email", "")).lower()
        rows = [row for row in self.shelf.rows("users") if row.fields["profile"]["email"].lower() == wanted]
        if not rows:
            raise no("users_not_found")
        return {"ok": True, "user": self.shown("users", rows[0])}

    def profile(self) -> ResponseReturnValue:
        return {"ok": True, "profile": self._user(args().get("user")).fields["profile"]}

    def set_profile(self) -> ResponseReturnValue:
        given = args()
        row, profile = self._user(given.get("user")), given.get("profile")
        if row.deleted:
            raise no("user_not_found")
        if isinstance(profile, str):
            profile = read_json(profile)
        if profile is None:
            profile = {given.get("name", ""): given.get("value", "")}
        fresh = kept(row.fields["profile"], profile)
        if fresh != row.fields["profile"]:
            self.shelf.change("users", row.id, lambda fields: {**fields, "profile": fresh})
        return {"ok": True, "profile": fresh}

    def _user(self, id: Any) -> Row:
        row = self.shelf.get("users", str(id), deleted=True)
        if row is None:
            raise no("user_not_found")
        return row

    def shown(self, object: str, row: Row) -> Fields:
        created, updated = int(row.created.timestamp()), int(row.updated.timestamp())
        if object == "users":
            profile = {**row.fields["profile"], "team": TEAM}
            more = {"real_name": profile["real_name"], "tz": "Europe/Berlin", "tz_offset": 3600, "is_bot": False}
            known = {"id": row.id, "team_id": TEAM, "name": row.fields["name"], "deleted": row.deleted}
            return {**known, **more, "profile": profile, "is_admin": False, "updated": updated}
        told = {"id": row.id, "name": row.fields["name"], "is_channel": True, "is_private": False, "created": created}
        texts = {
            what: {"value": row.fields[what], "creator": BOT_USER if row.fields[what] else "", "last_set": updated}
            for what in ("topic", "purpose")
        }
        closed = {"is_archived": row.fields["is_archived"], "name_normalized": row.fields["name"]}
        # `updated` is in milliseconds for channels, and in seconds for users.
        return {**told, **closed, **texts, "creator": BOT_USER, "updated": updated * 1000, "is_member": True}

    # Events, and people.

    def _announce(self, change: Change) -> None:
        for event in inner(change, self.shown(change.object, change.row)):
            body = json.dumps(envelope(event, change.at)).encode()
            headers = self.sign(body, at=self.clock.exact())
            about = ((change.object, change.row.id, change.kind),)
            self.sent.append(Delivery("POST", self.hook_url, headers, body, about))

    def sign(self, body: bytes, *, at: datetime) -> dict[str, str]:
        return signed(self.signing_secret, body, at)

    def handshake(self) -> Handshake:
        body, answer = challenge()
        return Handshake("POST", self.hook_url, self.sign(body, at=self.clock.exact()), body, 200, answer.encode())

    def edit(self, object: str, id: str, fields: Fields) -> None:
        if object == "users":
            profile = fields.get("profile", fields)
            self.shelf.change(
                object,
                id,
                lambda known: {**known, "profile": kept(known["profile"], profile, by_person=True)},
                actor="ann",
            )
            return
        plain = {name: value["value"] if isinstance(value, dict) else value for name, value in fields.items()}
        self.shelf.change(object, id, lambda known: {**known, **plain}, actor="ann")

    def erase(self, object: str, id: str) -> None:
        """A user is deactivated, and still listed."""
        self.shelf.remove(object, id, actor="ann")
