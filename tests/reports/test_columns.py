"""The tables' columns: what scripts rely on."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from reports.base import VIEWS, View
from reports.columns import TABLES
from tests.reports.samples import estate

TYPES = {"text": str, "date": date, "datetime": datetime, "bool": bool, "int": int}

ORPHANS = [
    "key", "provider", "scope", "kind", "name", "registry_state", "ownership_state", "ownership_reason",
    "current_owner", "owner_candidates", "usage_state", "last_used_at", "created_at", "privilege", "agent",
    "credentials", "severity", "findings", "next_step",
]  # fmt: skip
FILL_IN = ["id", "owner", "technical_owner", "backup_owner", "purpose", "environment", "status", "expires"]


@pytest.mark.parametrize("view", ["orphans", "unregistered"])
def test_work_lists_begin_with_the_promised_columns(view: View) -> None:
    """What is known comes first, what people fill in right after, in this order."""
    columns = TABLES[view].columns
    names = [column.name for column in columns]
    assert names[: len(ORPHANS) + len(FILL_IN)] == ORPHANS + FILL_IN
    assert [column.name for column in columns if column.fill_in] == FILL_IN


@pytest.mark.parametrize("view", TABLES)
def test_no_heading_is_twice_and_each_is_explained(view: View) -> None:
    """Headings are unique as people compare them."""
    columns = TABLES[view].columns
    assert len({column.name.lower() for column in columns}) == len(columns)
    assert all(column.help for column in columns)


def test_every_view_but_all_has_a_table() -> None:
    """And the sheets come in the order of the views, work lists first."""
    assert set(TABLES) == set(VIEWS) - {"all"}


@pytest.mark.parametrize("view", TABLES)
def test_cells_are_of_their_columns_type(view: View) -> None:
    """Or None, which is unknown; a time is not passed for a day, nor yes and no for a number."""
    table = TABLES[view]
    rows = list(table.rows(estate()))
    assert rows
    for column in table.columns:
        cells = [cell for row in rows if (cell := column.get(row)) is not None]
        assert [cell for cell in cells if type(cell) is not TYPES[column.type]] == []
