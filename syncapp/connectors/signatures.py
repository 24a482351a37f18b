"""Is this webhook really from the provider? Standard Webhooks, and digests over a text that a template describes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence

from syncapp.connectors import times
from syncapp.connectors.errors import Misconfigured, Permanent
from syncapp.connectors.hookspec import SignatureSpec, StampSpec
from syncapp.connectors.jsonbody import soft
from syncapp.connectors.paths import as_text, getter
from syncapp.connectors.templates import SLOT

SENTENCES = {
    "missing": "the signature or its time stamp is missing",
    "bad": "the signature does not fit the body",
    "old": "the signed time is too long ago",
    "future": "the signed time lies in the future",
}
STANDARD = SignatureSpec(
    "hmac",
    "webhook-signature",
    "sha256",
    "base64",
    "v1,",
    " ",
    "{id}.{timestamp}.{body}",
    "whsec",
    "webhook-id",
    StampSpec("webhook-timestamp", "", "s", 300.0),
)
SVIX = {"webhook-signature": "svix-signature", "webhook-id": "svix-id", "webhook-timestamp": "svix-timestamp"}
FORMATS = {"s": "unix", "ms": "unix_ms", "iso": "iso"}
# A number of seconds as large as this lies in the year 5138: it is one of milliseconds.
MILLISECONDS = 1e11
# The signs whose escapes some senders undo before they sign an address: two lists are told of the same provider.
UNESCAPED = (':/?@&=+$`",;><', ":/?@!$'()*,;")


class BadSignature(Permanent):
    """The delivery must not be believed. ``reason``: missing, bad, old or future."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(SENTENCES[reason], "webhook")


def verify(
    spec: SignatureSpec,
    secrets: str | Sequence[str],
    method: str,
    url: str | Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    now: float,
) -> None:
    """Nothing if one of the secrets made one of the signatures, recently enough; else BadSignature.

    Several addresses may be given where nobody knows which one the sender sees: behind a proxy, say.
    """
    known = {name.lower(): value for name, value in headers.items()}
    if spec.scheme == "standard":
        spec = STANDARD
        known.update({ours: known[theirs] for ours, theirs in SVIX.items() if ours not in known and theirs in known})
    given = _candidates(spec, known)
    stamp = _stamp_text(spec.timestamp, known, body) if spec.timestamp else ""
    if not given or stamp is None or (spec.id_header and not known.get(spec.id_header.lower())):
        raise BadSignature("missing")
    for secret in [secrets] if isinstance(secrets, str) else secrets:
        for address in _addresses(spec, url):
            wanted = _digest(spec, secret, _signed_text(spec, secret, method, address, known, stamp, body))
            if among(wanted, given):
                check_time(spec.timestamp, stamp, now)
                return
    raise BadSignature("bad")


def among(wanted: bytes, given: Iterable[bytes]) -> bool:
    """Every candidate is compared, in constant time each, so that time tells nothing."""
    return any([hmac.compare_digest(wanted, candidate) for candidate in given])  # noqa: C419


def _addresses(spec: SignatureSpec, url: str | Sequence[str]) -> list[str]:
    """As they are, and with the escapes undone that some senders undo."""
    if "{url}" not in spec.template:
        return [""]
    several = [url] if isinstance(url, str) else list(url)
    undone = [_unescaped(one, signs) for one in several if "%" in one for signs in UNESCAPED]
    return list(dict.fromkeys([*several, *undone]))


def _unescaped(url: str, signs: str) -> str:
    for sign in signs:
        url = url.replace(f"%{ord(sign):02X}", sign)
    return url


def _candidates(spec: SignatureSpec, headers: Mapping[str, str]) -> list[bytes]:
    """The signatures offered, as bytes; those of another version or spelled wrongly do not count."""
    text = headers.get(spec.header.lower(), "")
    parts = [part.strip() for part in text.split(spec.separator)] if spec.separator else [text.strip()]
    offered = [part.removeprefix(spec.prefix) for part in parts if part and part.startswith(spec.prefix)]
    return [found for part in offered if (found := _decoded(part, spec.encoding)) is not None] or (
        [b""] if text else []
    )


def _decoded(text: str, encoding: str) -> bytes | None:
    try:
        if encoding == "hex":
            return bytes.fromhex(text) if text.isalnum() else None
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (ValueError, binascii.Error):
        return None


def _stamp_text(spec: StampSpec, headers: Mapping[str, str], body: bytes) -> str | None:
    if spec.path:
        return _at(body, spec.path)
    text = headers.get(spec.header.lower())
    if text is None or not spec.key:
        return text
    found = [
        part.strip().removeprefix(f"{spec.key}=") for part in text.split(",") if part.strip().startswith(f"{spec.key}=")
    ]
    return found[0] if found else None


def _at(body: bytes, path: str) -> str | None:
    return as_text(getter(path)(soft(body)))


def _signed_text(
    spec: SignatureSpec, secret: str, method: str, url: str, headers: Mapping[str, str], stamp: str, body: bytes
) -> bytes:
    """The template filled with bytes: the body is never decoded, so it may be anything."""
    values = {
        "method": method.upper().encode(),
        "url": url.encode(),
        "timestamp": stamp.encode(),
        "secret": secret.encode(),
        "id": headers.get(spec.id_header.lower(), "").encode(),
        "body": body,
    }
    parts: list[bytes] = []
    at = 0
    for slot in SLOT.finditer(spec.template):
        parts.append(spec.template[at : slot.start()].encode())
        name = slot.group(1)
        header = name.removeprefix("header:")
        parts.append(values[name] if name in values else headers.get(header.lower(), "").encode())
        at = slot.end()
    return b"".join([*parts, spec.template[at:].encode()])


def _digest(spec: SignatureSpec, secret: str, text: bytes) -> bytes:
    if spec.scheme == "hash":
        return hashlib.new(spec.algorithm, text).digest()
    return hmac.new(secret_bytes(spec.secret, secret), text, spec.algorithm).digest()


def secret_bytes(kind: str, secret: str) -> bytes:
    """The key in a secret: the text itself, or what its base64 or hex stands for."""
    if kind == "text":
        return secret.encode()
    text = secret.removeprefix("whsec_") if kind == "whsec" else secret
    try:
        if kind == "hex":
            return bytes.fromhex(text)
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (ValueError, binascii.Error):
        accepted = {"whsec": "whsec_ and base64", "base64": "base64", "hex": "hexadecimal digits"}[kind]
        what = f"the webhook secret is not {'hex' if kind == 'hex' else 'base64'}"
        raise Misconfigured(what, "webhook secret", accepted) from None


def check_time(spec: StampSpec | None, stamp: str | None, now: float) -> None:
    if spec is None or stamp is None:
        return
    try:
        age = now - times.parse(stamp, _format(spec.format, stamp)).timestamp()
    except (ValueError, OverflowError):
        raise BadSignature("missing") from None
    if age > spec.tolerance:
        raise BadSignature("old")
    if age < -spec.tolerance:
        raise BadSignature("future")


def _format(told: str, stamp: str) -> str:
    """``any``: digits are a number of seconds, or of milliseconds where it is too large; else it is written out."""
    if told != "any":
        return FORMATS[told]
    if not stamp.replace(".", "", 1).isdecimal():
        return "iso"
    return "unix_ms" if float(stamp) >= MILLISECONDS else "unix"
