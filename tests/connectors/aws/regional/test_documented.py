"""The page about regions names every section, its kind and its permissions."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.aws.regional.catalog import TYPES
from connectors.aws.regional.declarations import Fields, ResourceType

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "connectors" / "aws-regions.md"
ROWS = {line.split("`")[1]: line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")}


@pytest.mark.parametrize("one", TYPES, ids=lambda one: one.section)
def test_a_section_is_documented(one: ResourceType) -> None:
    """What is read, what becomes of it, and what it takes."""
    row = ROWS[one.section]
    optional = " (optional)" if one.optional else ""
    kind = f"`{one.record.kind}`" if isinstance(one.record, Fields) else ""

    assert f"| {one.title}{optional} |" in row
    assert kind in row
    assert ("**" in row) == (one.identity_kind is not None)
    assert row.endswith(f"| {', '.join(f'`{each}`' for each in one.permissions)} |")


def test_nothing_else_is_documented() -> None:
    """Sections that are gone leave the page."""
    assert set(ROWS) == {one.section for one in TYPES}
