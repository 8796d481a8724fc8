"""The tables' columns: what scripts rely on."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime

import pytest
from msgspec.structs import replace

from reports.base import VIEWS, View
from reports.columns import TABLES
from scanner.model import ScanResult
from tests.factories import make_assessment, make_result
from tests.reports.samples import ACTIVITY, estate_with_activity

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
    rows = list(table.rows(estate_with_activity()))
    assert rows
    for column in table.columns:
        cells = [cell for row in rows if (cell := column.get(row)) is not None]
        assert [cell for cell in cells if type(cell) is not TYPES[column.type]] == []


def cells(view: View, name: str, result: ScanResult) -> list[object]:
    """A column of a view."""
    table = TABLES[view]
    (column,) = (one for one in table.columns if one.name == name)
    return [column.get(row) for row in table.rows(result)]


def test_the_inventory_ends_with_activity() -> None:
    """Behind all that scripts know; no log is an empty cell, and silence is 0."""
    assert [column.name for column in TABLES["inventory"].columns][-4:] == [
        "events", "services_used", "services_granted", "covered_days",
    ]  # fmt: skip
    result = estate_with_activity()
    rows = zip(*(cells("inventory", column.name, result) for column in TABLES["inventory"].columns[-4:]), strict=True)
    of_key = dict(zip(cells("inventory", "name", result), rows, strict=True))

    assert of_key["nightly"] == (12_345, 1, 5, 90)
    assert of_key["silent"] == (0, 0, 2, 90)
    assert of_key["ada"] == (None, None, None, None)


def test_used_services_are_counted_where_the_granted_ones_are_unknown() -> None:
    """What logs saw is a fact by itself."""
    judged = make_assessment(activity=replace(ACTIVITY, granted_services=None, used_services=("iam", "s3")))

    assert cells("inventory", "services_used", make_result(judged)) == [2]
    assert cells("inventory", "services_granted", make_result(judged)) == [None]


def test_a_finding_says_whether_it_is_explained() -> None:
    """Only one about a day; its evidence is words, event ids included."""
    result = estate_with_activity()
    states = cells("findings", "explained", result)
    evidence = [str(text) for text in cells("findings", "evidence", result) if "reasons: " in str(text)]

    assert Counter(states) == {None: 6, "unexplained": 1, "unknown": 1, "explained": 1}
    assert len(evidence) == 3
    assert all("event_ids: 0a1b2c3d-0000" in text and "{" not in text for text in evidence)
