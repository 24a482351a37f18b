"""What Stripe makes of a form: names with brackets become objects and lists, "" clears, too long is an error.

From https://docs.stripe.com/api/customers (parameters, lengths, metadata keys unset by an empty value),
https://docs.stripe.com/api/products and https://docs.stripe.com/api/errors. Unverified: the wording of the refusals,
that an address keeps the parts that were not sent, and the limits of metadata (50 keys of 40, values of 500).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from syncapp.doubles.answers import Refused

Json = Any
ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
# Type and, for text, the greatest length.
PARAMETERS: dict[str, dict[str, tuple[str, int]]] = {
    "customers": {
        "email": ("email", 512), "name": ("text", 256), "phone": ("text", 20), "description": ("text", 5000),
        "business_name": ("text", 150), "individual_name": ("text", 150), "balance": ("integer", 0),
        "address": ("address", 0), "shipping": ("shipping", 0), "metadata": ("metadata", 0),
        "preferred_locales": ("list", 0), "tax_exempt": ("exempt", 0), "invoice_prefix": ("text", 12),
    },
    "products": {
        "name": ("needed", 5000), "description": ("text", 40_000), "active": ("flag", 0), "metadata": ("metadata", 0),
        "unit_label": ("text", 12), "url": ("text", 5000), "images": ("list", 0),
    },
}  # fmt: skip

# What a new object holds where nothing is said.
EMPTY: dict[str, dict[str, Json]] = {
    "customers": {
        "address": None, "balance": 0, "business_name": None, "currency": None, "default_source": None,
        "delinquent": False, "description": None, "email": None, "individual_name": None, "invoice_prefix": None,
        "invoice_settings": {
            "custom_fields": None, "default_payment_method": None, "footer": None, "rendering_options": None,
        },
        "livemode": False, "metadata": {}, "name": None, "next_invoice_sequence": 1, "phone": None,
        "preferred_locales": [], "shipping": None, "tax_exempt": "none", "test_clock": None,
    },
    "products": {
        "active": True, "default_price": None, "description": None, "images": [], "livemode": False,
        "marketing_features": [], "metadata": {}, "name": None, "package_dimensions": None, "shippable": None,
        "statement_descriptor": None, "tax_code": None, "unit_label": None, "url": None,
    },
}  # fmt: skip


def error(status: int, message: str, type: str = "invalid_request_error", **more: str) -> Refused:
    code = more.get("code")
    docs = {"doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"} if code else {}
    return Refused(status, {"error": {**more, **docs, "message": message, "type": type}})


def nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Json]:
    """`address[city]=x`, `locales[]=a`, `locales[0]=a`: the tree that the names spell."""
    tree: dict[str, Json] = {}
    for name, value in pairs:
        steps = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name)
        here = tree
        for step in steps[:-1]:
            inner = here.setdefault(step, {})
            if not isinstance(inner, dict):
                raise error(400, f"Invalid request: {name} is both a value and a hash", param=name)
            here = inner
        here[steps[-1] or str(len(here))] = value
    return tree


def kept(kind: str, known: dict[str, Json], given: dict[str, Json]) -> dict[str, Json]:
    """`known` with the parameters over it. Raises Refused."""
    out = dict(known)
    for name, value in given.items():
        if name in ("expand", "source", "payment_method"):
            continue
        if name not in PARAMETERS[kind]:
            raise error(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
        type, longest = PARAMETERS[kind][name]
        out[name] = TYPES[type](name, value, out.get(name), longest)
    return out


def _text(name: str, value: Json, known: Json, longest: int) -> Json:
    if not isinstance(value, str):
        raise error(400, f"Invalid string: {value}", param=name)
    if len(value) > longest:
        cut = f"{value[:8]}...{value[-8:]}"
        raise error(400, f"Invalid string: {cut}; must be at most {longest} characters", param=name)
    return value or None


def _needed(name: str, value: Json, known: Json, longest: int) -> Json:
    text = _text(name, value, known, longest)
    if text is None:
        raise error(400, f"You passed an empty string for '{name}'.", code="parameter_invalid_empty", param=name)
    return text


def _email(name: str, value: Json, known: Json, longest: int) -> Json:
    text = _text(name, value, known, longest)
    if text is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text):
        raise error(400, f"Invalid email address: {text}", code="email_invalid", param=name)
    return text


def _integer(name: str, value: Json, known: Json, longest: int) -> Json:
    if not re.fullmatch(r"-?\d+", str(value)):
        raise error(400, f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
    return int(value)


def _flag(name: str, value: Json, known: Json, longest: int) -> Json:
    if value not in ("true", "false"):
        raise error(400, f"Invalid boolean: {value}", param=name)
    return value == "true"


def _list(name: str, value: Json, known: Json, longest: int) -> Json:
    if value == "":
        return []
    if not isinstance(value, dict):
        raise error(400, "Invalid array", param=name)
    return [value[at] for at in sorted(value, key=int)]


def _exempt(name: str, value: Json, known: Json, longest: int) -> Json:
    if value not in ("", "none", "exempt", "reverse"):
        raise error(400, f"Invalid {name}: must be one of exempt, none, or reverse", param=name)
    return value or "none"


def _address(name: str, value: Json, known: Json, longest: int) -> Json:
    if value == "":
        return None
    _only(name, value, ADDRESS)
    merged = {**dict.fromkeys(ADDRESS), **(known or {}), **{part: text or None for part, text in value.items()}}
    return merged if any(merged.values()) else None


def _shipping(name: str, value: Json, known: Json, longest: int) -> Json:
    if value == "":
        return None
    _only(name, value, ("address", "name", "phone"))
    known = known or {}
    whole = {part: value.get(part, known.get(part)) or None for part in ("name", "phone")}
    address = _address(f"{name}[address]", value.get("address", {}), known.get("address"), 0)
    return {"address": address, **whole}


def _metadata(name: str, value: Json, known: Json, longest: int) -> Json:
    if value == "":
        return {}
    if not isinstance(value, dict):
        raise error(400, "Invalid hash", param=name)
    merged = {**(known or {}), **value}
    whole = {key: text for key, text in merged.items() if text != ""}
    if len(whole) > 50 or any(len(key) > 40 or len(text) > 500 for key, text in whole.items()):
        raise error(400, "Metadata has at most 50 keys of 40 characters, with values of 500", param=name)
    return whole


def _only(name: str, value: Json, parts: tuple[str, ...]) -> None:
    if not isinstance(value, dict):
        raise error(400, "Invalid hash", param=name)
    for part in value:
        if part not in parts:
            whole = f"{name}[{part}]"
            raise error(400, f"Received unknown parameter: {whole}", code="parameter_unknown", param=whole)


TYPES: dict[str, Callable[[str, Json, Json, int], Json]] = {
    "text": _text, "needed": _needed, "email": _email, "integer": _integer, "flag": _flag, "list": _list,
    "exempt": _exempt, "address": _address, "shipping": _shipping, "metadata": _metadata,
}  # fmt: skip
