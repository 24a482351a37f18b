"""The fields of every object that the two dialects keep, with the labels that people see."""

from __future__ import annotations

from syncapp.sandbox.values import Field

CONTACT = (
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
    Field("company", "Company (its id)", "reference", refers="companies"),
)
COMPANY = (
    Field("name", "Name", "text", trim=True),
    Field("domain", "Domain", "text", trim=True, lower=True),
    Field("city", "City", "text", trim=True),
)
CUSTOMER = (
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
    Field("account", "Account (its id)", "reference", refers="accounts"),
)
ACCOUNT = (
    Field("name", "Name", "text"),
    Field("domain", "Domain", "text"),
    Field("town", "Town", "text"),
)
