"""The listing sections on the docs page: each is accepted, and lists and asks as its table says."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from syncapp.connectors.manifest import parse
from syncapp.connectors.named import named_ids
from syncapp.connectors.spec import Manifest
from tests.habits.tree import PROJECT

PAGE = (PROJECT / "docs/manifest/listing-by-provider.md").read_text()
BLOCKS = dict(re.findall(r"^### (.+)\n(?:(?!#|```).*\n)*```yaml\n([\s\S]*?)^```", PAGE, re.MULTILINE))
ROWS = re.findall(r"^\| (\w[\w ]+) \| .+ \|$", PAGE, re.MULTILINE)[1:]
FRAME = {
    "slug": "acme", "name": "Acme", "base_url": "https://api.example.com",
    "auth": {"type": "bearer", "token": "{secret.token}"}, "secrets": {"token": {"label": "Token"}},
}  # fmt: skip


def written(provider: str) -> Manifest:
    told: dict[str, Any] = yaml.safe_load(BLOCKS[provider])
    return parse(yaml.safe_dump({**FRAME, **told}, sort_keys=False), f"{provider}.yaml")


def test_twenty_providers_have_a_row_and_a_block() -> None:
    assert len(BLOCKS) == 20
    assert list(BLOCKS) == ROWS


@pytest.mark.parametrize("provider", BLOCKS)
def test_each_is_accepted_and_says_how_it_learns_what_changed(provider: str) -> None:
    objects = written(provider).objects
    synced = [spec for spec in objects.values() if spec.slug not in ("folders", "audiences")]
    assert all(spec.tells_changes for spec in synced) is (provider != "Slack")


def kinds(provider: str) -> set[str]:
    return {
        operation.delta.kind
        for spec in written(provider).objects.values()
        for operation in spec.operations.values()
        if operation.delta is not None
    }


def test_the_styles_are_those_of_the_table() -> None:
    assert [name for name in BLOCKS if "log" in kinds(name)] == ["Stripe", "Airtable"]
    assert [name for name in BLOCKS if "link" in kinds(name)] == ["Zendesk", "Microsoft Graph"]
    named = [name for name, block in BLOCKS.items() if re.search(r"^ +ids:", block, re.MULTILINE)]
    assert named == ["Salesforce", "Stripe", "Airtable", "BambooHR", "Zoho CRM"]


def test_the_ids_of_an_airtable_payload() -> None:
    source = written("Airtable").objects["records"].operations["changes"].ids
    assert source is not None
    tables = {
        "tbl1": {"createdRecordsById": {"rec1": {}, "rec2": {}}, "destroyedRecordIds": ["rec3"]},
        "tbl2": {"changedRecordsById": {"rec4": {"current": {}}}},
    }
    assert set(named_ids(source, [{"changedTablesById": tables}], "here")) == {"rec1", "rec2", "rec3", "rec4"}
    assert named_ids(source, [{"timestamp": "x", "createdTablesById": {}}], "here") == ()
