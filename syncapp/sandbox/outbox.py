"""Webhooks: one event for each change, kept in a table until delivered, signed as Standard Webhooks 1.0.0."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import logging
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from sqlite3 import Row
from urllib.parse import urlsplit

import requests

from syncapp.sandbox.dialects import Dialect, iso
from syncapp.sandbox.faults import FaultBox, Faults
from syncapp.sandbox.refusals import BadValue
from syncapp.sandbox.store import Record, Store
from syncapp.sandbox.values import Json

RETRY_SECONDS = (0.2, 1, 5, 10, 20, 30, 60)
ATTEMPTS = 20
TIMEOUT = 10
EVENTS = {"create": "created", "update": "updated", "delete": "deleted", "merge": "merged", "unarchive": "restored"}
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Address:
    url: str
    secret: str = field(repr=False)

    @classmethod
    def read(cls, given: Json) -> Address:
        if not isinstance(given, dict) or set(given) != {"url", "secret"}:
            raise BadValue('Send {"url": "http://…", "secret": "whsec_…"} and nothing else.')
        url, secret = given["url"], given["secret"]
        if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            raise BadValue("url must be an http or https address.", "url")
        if len(signing_key(secret)) < 16:
            raise BadValue("secret must hold at least 16 bytes after whsec_; 24 to 64 are usual.", "secret")
        return cls(url, secret)


def signing_key(secret: Json) -> bytes:
    # The message never repeats the secret: it may be nearly right.
    wrong = BadValue("secret must be whsec_ followed by base64 of 24 to 64 bytes.", "secret")
    if not isinstance(secret, str) or not secret.startswith("whsec_"):
        raise wrong
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise wrong from None


def signed_headers(secret: str, webhook_id: str, seconds: int, body: bytes) -> dict[str, str]:
    signed = b"%s.%d.%s" % (webhook_id.encode(), seconds, body)
    signature = base64.b64encode(hmac.digest(signing_key(secret), signed, sha256)).decode()
    return {
        "Content-Type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{signature}",
    }


def event_body(dialect: Dialect, faults: Faults, record: Record, kind: str, fat: bool, merged: Sequence[str]) -> Json:
    full = dialect.body(record, not faults.no_actor)
    data = {"id": record.id, dialect.version_key: record.version, dialect.time_key: full[dialect.time_key]}
    if merged:
        data["mergedIds"] = list(merged)
    if not faults.no_actor:
        data["actor"] = {"type": record.actor_kind, "id": record.actor}
    if fat:
        data["record"] = full
    return {"type": kind, "timestamp": iso(record.updated), "data": data}


def deliveries(lines: Iterable[Row], most: int) -> list[list[Row]]:
    """Up to `most` events in one delivery, in their order; what is announced twice comes in two."""
    made: list[list[Row]] = []
    for line in lines:
        into = next((one for one in made if len(one) < most and not _told(one, line)), None)
        if into is None:
            made.append([line])
        else:
            into.append(line)
    return made


def _told(lines: Sequence[Row], line: Row) -> bool:
    return any(line["webhook_id"] == other["webhook_id"] for other in lines)


def delivery_id(lines: Sequence[Row]) -> str:
    """Its event's id, or one made of the ids of all its events: the same events again are the same delivery."""
    ids = [line["webhook_id"] for line in lines]
    return ids[0] if len(ids) == 1 else f"msg_{sha256(' '.join(ids).encode()).hexdigest()[:32]}"


class Outbox:
    """Filled inside the transaction of the change; emptied by one thread, up to `batch` events in a delivery."""

    def __init__(self, dialect: Dialect, store: Store, box: FaultBox, batch: int = 1) -> None:
        self._dialect, self._store, self._box, self._batch = dialect, store, box, batch
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> Address | None:
        kept = self._store.setting("webhook")
        return Address(**kept) if kept else None

    def point_at(self, address: Address | None) -> None:
        self._store.set_setting("webhook", address and {"url": address.url, "secret": address.secret})
        self.ring()

    def ring(self) -> None:
        self._bell.set()

    def add(self, noun: str, record: Record, action: str, merged: Sequence[str] = ()) -> None:
        """Put the event of a change down, with its faults decided; call it inside the transaction."""
        if self.address is None:
            return
        faults, event = self._box.now, f"{record.id}@{record.version}"
        marks = [
            mark
            for mark in ("lose", "duplicate", "reorder", "delay", "bodyless")
            if faults.strikes(f"webhook_{mark}", event)
        ]
        kind, fat = f"{noun}.{EVENTS[action]}", "bodyless" not in marks
        body = event_body(self._dialect, faults, record, kind, fat, merged)
        line = {
            "webhook_id": f"msg_{uuid.uuid4().hex}",
            "body": json.dumps(body, ensure_ascii=False),
            # A reordered event waits until those after it have overtaken it.
            "due": time.time()
            + ("delay" in marks) * faults.webhook_delay_seconds
            + ("reorder" in marks) * faults.webhook_reorder_seconds,
            "state": "lost" if "lose" in marks else "pending",
            "marks": " ".join(marks),
        }
        for _ in range(2 if "duplicate" in marks else 1):
            self._store.append("outbox", line)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="sandbox webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self.ring()
        if self._thread:
            self._thread.join(TIMEOUT + 5)

    def _run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while not self._stopping.is_set():
                # Cleared before looking: a ring during the look is not missed.
                self._bell.clear()
                self._send(session, self._due())
                self._bell.wait(self._pause())

    def _due(self) -> list[Row]:
        query = "SELECT * FROM outbox WHERE state = 'pending' AND due <= ? ORDER BY due, seq LIMIT 100"
        return self._store.rows(query, [time.time()])

    def _pause(self) -> float:
        found = self._store.rows("SELECT MIN(due) FROM outbox WHERE state = 'pending'")[0][0]
        return 60.0 if found is None or self.address is None else max(0.0, min(60.0, found - time.time()))

    def _send(self, session: requests.Session, lines: Sequence[Row]) -> None:
        for delivery in deliveries(lines, self._batch):
            address = self.address
            if address is None or self._stopping.is_set():
                return
            answer = self._post(session, address, delivery)
            for line in delivery:
                self._settle(line, answer)

    def _post(self, session: requests.Session, address: Address, lines: Sequence[Row]) -> str:
        told = [line["body"] for line in lines]
        body = (told[0] if len(told) == 1 else f"[{', '.join(told)}]").encode()
        # The signature tells the true time even if the clock is skewed: the fault is about record times.
        headers = signed_headers(address.secret, delivery_id(lines), int(time.time()), body)
        try:
            answer = session.post(address.url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False)
        except requests.RequestException as error:
            return type(error).__name__
        return str(answer.status_code)

    def _settle(self, line: Row, answer: str) -> None:
        attempts = line["attempts"] + 1
        state, due = "pending", line["due"]
        if answer.startswith("2") and len(answer) == 3:
            state = "sent"
        elif attempts >= ATTEMPTS:
            state = "failed"
            log.warning("Webhook %s given up after %d attempts: %s", line["webhook_id"], attempts, answer)
        else:
            due = time.time() + RETRY_SECONDS[min(attempts, len(RETRY_SECONDS)) - 1]
        self._store.rows(
            "UPDATE outbox SET state = ?, attempts = ?, due = ?, answer = ? WHERE seq = ?",
            [state, attempts, due, answer, line["seq"]],
        )

    def counts(self) -> dict[str, int]:
        """How many events are in which state, and how many each fault marked."""
        counted = dict.fromkeys(("pending", "sent", "lost", "failed"), 0)
        marked = dict.fromkeys(("duplicate", "reorder", "delay", "bodyless"), 0)
        for row in self._store.rows("SELECT state, marks, COUNT(*) FROM outbox GROUP BY state, marks"):
            counted[row[0]] += row[2]
            for mark in row[1].split():
                if mark in marked:
                    marked[mark] += row[2]
        return counted | {f"marked_{mark}": number for mark, number in marked.items()}
