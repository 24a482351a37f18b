"""The two providers that a sandbox can be: their fields and labels in one table, and their words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from syncapp.sandbox.refusals import BadValue
from syncapp.sandbox.values import KINDS, Field, Json

if TYPE_CHECKING:
    from syncapp.sandbox.store import Record


def iso(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


CRM_FIELDS = (
    Field("email", "E-mail", "email", trim=True, lower=True),
    Field("firstname", "First name", "text", trim=True),
    Field("lastname", "Last name", "text", trim=True),
    Field("phone", "Phone", "phone"),
    Field("street", "Street", "text", trim=True),
    Field("zip", "ZIP", "text", trim=True),
    Field("city", "City", "text", trim=True),
    Field("lifecycle", "Lifecycle stage", "choice", ("subscriber", "lead", "opportunity", "customer", "former")),
    Field("tags", "Tags (a;b)", "tags"),
    Field("newsletter", "Newsletter", "flag_text", ("true", "false")),
    Field("credit_limit", "Credit limit", "money_text"),
)
BILLING_FIELDS = (
    Field("email", "Billing e-mail", "email"),
    Field("name_first", "Given name", "text"),
    Field("name_last", "Family name", "text"),
    Field("telephone", "Telephone", "phone"),
    Field("address_line", "Address line", "text", cut=40),
    Field("postcode", "Postcode", "text"),
    Field("town", "Town", "text"),
    Field("plan", "Plan", "choice", ("free", "basic", "pro", "enterprise")),
    Field("labels", "Labels (a; b)", "labels"),
    Field("marketing_opt_in", "Marketing opt-in", "flag_int", ("true", "false")),
    Field("credit_cents", "Credit", "cents"),
)


def crm_body(record: Record, with_actor: bool) -> Json:
    if record.deleted:
        return crm_tombstone(record)
    body = {
        "id": record.id,
        "externalId": record.external_id,
        "properties": record.fields,
        "version": record.version,
        "createdAt": iso(record.created),
        "updatedAt": iso(record.updated),
    }
    if with_actor:
        body["updatedBy"] = {"type": record.actor_kind, "id": record.actor}
    return body


def crm_tombstone(record: Record) -> Json:
    return {
        "id": record.id,
        "archived": True,
        "version": record.version,
        "updatedAt": iso(record.updated),
    }


def billing_body(record: Record, with_actor: bool) -> Json:
    return {
        "id": record.id,
        "external_id": record.external_id,
        **record.fields,
        "revision": record.version,
        "modified": record.updated // 1000,
        "deleted": record.deleted,
    }


def crm_id(number: int) -> str:
    return str(1000 + number)


def billing_id(number: int) -> str:
    # A mix that never repeats (the factor shares no divisor with 36), so ids look random and stay unique.
    value, text = (number * 1_580_030_173 + 987_654_321) % 36**8, ""
    for _ in range(8):
        value, digit = divmod(value, 36)
        text = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[digit] + text
    return f"cus_{text}"


@dataclass(frozen=True)
class Dialect:
    name: str
    noun: str
    path: str
    fields: tuple[Field, ...]
    body: Callable[[Record, bool], Json]
    make_id: Callable[[int], str]
    # Real systems differ here: one ignores a write that changes nothing, the other counts it.
    same_values_count: bool
    # The version and time of a change, as they are called in an event.
    version_key: str
    time_key: str
    first_name: str
    last_name: str
    city: str
    idempotency_hours: int | None = None
    granularity_ms: int = 1
    requests_per_second: int | None = None
    by_name: dict[str, Field] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_name.update({item.name: item for item in self.fields})

    def field(self, name: str) -> Field:
        if name not in self.by_name:
            known = ", ".join(self.by_name)
            raise BadValue(f"“{name}” is not a field of a {self.noun}. The fields are: {known}.", name)
        return self.by_name[name]

    def store(self, raw: dict[str, Json], extra: bool) -> dict[str, Json]:
        stored = {}
        for name, value in raw.items():
            item = self.field(name)
            stored[name] = KINDS[item.kind].store(item, value, extra)
        return stored

    def blank(self) -> dict[str, Json]:
        return {item.name: KINDS[item.kind].empty for item in self.fields}


CRM = Dialect(
    "crm", "contact", "/api/contacts", CRM_FIELDS, crm_body, crm_id,
    same_values_count=False, version_key="version", time_key="updatedAt",
    first_name="firstname", last_name="lastname", city="city",
)  # fmt: skip
BILLING = Dialect(
    "billing", "customer", "/v1/customers", BILLING_FIELDS, billing_body, billing_id,
    same_values_count=True, version_key="revision", time_key="modified",
    first_name="name_first", last_name="name_last", city="town",
    idempotency_hours=24, granularity_ms=1000, requests_per_second=1000,
)  # fmt: skip
DIALECTS = {dialect.name: dialect for dialect in (CRM, BILLING)}
