"""The two providers that a sandbox can be: the objects that each keeps, and the words of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from syncapp.sandbox.fields import ACCOUNT, COMPANY, CONTACT, CUSTOMER
from syncapp.sandbox.refusals import BadValue
from syncapp.sandbox.values import KINDS, Field, Json

if TYPE_CHECKING:
    from syncapp.sandbox.store import Record


def iso(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"


def crm_body(record: Record, with_actor: bool) -> Json:
    if record.deleted:
        return crm_tombstone(record)
    body: dict[str, Json] = {
        "id": record.id,
        "externalId": record.external_id,
        "properties": record.fields,
        "version": record.version,
        "createdAt": iso(record.created),
        "updatedAt": iso(record.updated),
    }
    if record.merged:
        body["mergedIds"] = record.merged
    if with_actor:
        body["updatedBy"] = {"type": record.actor_kind, "id": record.actor}
    return body


def crm_tombstone(record: Record) -> Json:
    stone = {"id": record.id, "archived": True, "version": record.version, "updatedAt": iso(record.updated)}
    return stone | ({"mergedInto": record.merged_into} if record.merged_into else {})


def billing_body(record: Record, with_actor: bool) -> Json:
    body = {
        "id": record.id,
        "external_id": record.external_id,
        **record.fields,
        "revision": record.version,
        "modified": record.updated // 1000,
        "deleted": record.deleted,
    }
    return body | ({"merged_into": record.merged_into} if record.merged_into else {})


def counted(first: int) -> Callable[[int], str]:
    """Ids that are numbers in a row."""
    return lambda number: str(first + number)


def mixed(prefix: str) -> Callable[[int], str]:
    """Ids that look random and stay unique: a mix that never repeats (the factor shares no divisor with 36)."""

    def make(number: int) -> str:
        value, text = (number * 1_580_030_173 + 987_654_321) % 36**8, ""
        for _ in range(8):
            value, digit = divmod(value, 36)
            text = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[digit] + text
        return f"{prefix}_{text}"

    return make


@dataclass(frozen=True)
class Sort:
    """One sort of object: contacts, companies …; `name` is its table, too."""

    name: str
    noun: str
    path: str
    fields: tuple[Field, ...]
    make_id: Callable[[int], str]
    # Besides the external id, what one of them can be found by.
    key: str
    called: tuple[str, ...]
    city: str
    by_name: dict[str, Field] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_name.update({item.name: item for item in self.fields})

    def field(self, name: str) -> Field:
        if name not in self.by_name:
            known = ", ".join(self.by_name)
            raise BadValue(f"“{name}” is not a field of a {self.noun}. The fields are: {known}.", name)
        return self.by_name[name]

    def store(self, raw: Mapping[str, Json], extra: bool) -> dict[str, Json]:
        stored = {}
        for name, value in raw.items():
            item = self.field(name)
            stored[name] = KINDS[item.kind].store(item, value, extra)
        return stored

    def blank(self) -> dict[str, Json]:
        return {item.name: KINDS[item.kind].empty for item in self.fields}

    def title(self, record: Record) -> str:
        return " ".join(filter(None, (record.fields[name] for name in self.called))) or "(no name)"


@dataclass(frozen=True)
class Dialect:
    name: str
    # The first is people; it is what the pages open with and the back door means by default.
    sorts: tuple[Sort, ...]
    body: Callable[[Record, bool], Json]
    # Real systems differ here: one ignores a write that changes nothing, the other counts it.
    same_values_count: bool
    # The version and time of a change, as they are called in an event.
    version_key: str
    time_key: str
    idempotency_hours: int | None = None
    granularity_ms: int = 1
    requests_per_second: int | None = None


CRM = Dialect(
    "crm",
    (
        Sort(
            "contacts", "contact", "/api/contacts", CONTACT, counted(1000), key="email",
            called=("firstname", "lastname"), city="city",
        ),
        Sort("companies", "company", "/api/companies", COMPANY, counted(7000), "domain", ("name",), "city"),
    ),
    crm_body, same_values_count=False, version_key="version", time_key="updatedAt",
)  # fmt: skip
BILLING = Dialect(
    "billing",
    (
        Sort(
            "customers", "customer", "/v1/customers", CUSTOMER, mixed("cus"), key="email",
            called=("name_first", "name_last"), city="town",
        ),
        Sort("accounts", "account", "/v1/accounts", ACCOUNT, mixed("acc"), "domain", ("name",), "town"),
    ),
    billing_body, same_values_count=True, version_key="revision", time_key="modified",
    idempotency_hours=24, granularity_ms=1000, requests_per_second=1000,
)  # fmt: skip
DIALECTS = {dialect.name: dialect for dialect in (CRM, BILLING)}
