"""What a new record needs at a provider, by its file, and what of it a mapping tells."""

from __future__ import annotations

from typing import Any

import pytest

from syncapp.connectors import registry
from syncapp.connectors.mapping import Mapping
from syncapp.connectors.needed import needed

REDMINE = registry.load("redmine").objects
OWN = {"path": "", "jsonata": "project.id", "inverse": '{"project_id": $}'}


@pytest.mark.parametrize(
    ("object", "mapping", "told", "left"),
    [
        ("issues", {"title": "subject", "where": "project"}, {"title": "Subject", "where": "Project"}, ()),
        ("issues", {"title": "subject", "kind": "tracker"}, {"title": "Subject"}, ("Project",)),
        ("issues", {"title": {"path": "subject"}, "where": OWN}, {"title": "Subject"}, ()),
        ("issues", {"title": {"field": "subject", "direction": "read"}}, {}, ("Subject", "Project")),
        ("issues", {"title": {"path": "x", "writes_to": "subject"}}, {"title": "Subject"}, ("Project",)),
        ("users", {"mail": "mail"}, {"mail": "E-mail"}, ("Login", "First name", "Last name")),
    ],
)
def test_what_is_told_and_what_is_left(object: str, mapping: Any, told: dict[str, str], left: tuple[str, ...]) -> None:
    spec = REDMINE[object]
    assert needed(spec, Mapping.parse(mapping, spec=spec).fields) == (told, left)


@pytest.mark.parametrize(
    ("provider", "object", "names"),
    [
        ("salesforce", "contacts", ["Last name"]), ("salesforce", "accounts", ["Name"]), ("stripe", "customers", []),
        ("stripe", "products", ["Name"]), ("hubspot", "contacts", []), ("microsoft_graph", "contacts", []),
    ],
)  # fmt: skip
def test_the_shipped_files_say_what_the_documentation_says(provider: str, object: str, names: list[str]) -> None:
    assert list(needed(registry.load(provider).objects[object], {})[1]) == names
