"""The lists of an index have the rows and cells of the HTML report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from reports.html.payload import blocks
from scanner.app.changes import with_since
from scanner.model import ScanInfo, ScanResult
from scanner.serve.index.building import IndexPlan, build
from scanner.serve.index.lists import LISTS
from scanner.serve.index.questions import LIST_NAMES, IndexQuestion, ListName
from scanner.serve.index.reading import ScanIndex
from tests.contract.test_store_activity import BOT, ago, unit, write
from tests.databases import SHARED, Backend, empty_store, sqlite_file
from tests.factories import make_assessment, make_identity, make_result
from tests.reports.html.estate import small_estate
from tests.reports.html.test_packing import unpacked
from tests.reports.samples import estate, estate_with_gaps

Row = Mapping[str, Any]


def shown(result: ScanResult) -> dict[ListName, list[Row]]:
    """The rows of each list as the page derives them (reports/html/derived.js)."""
    packed = blocks(result)
    tables = {name: _rows(table) for block in packed.values() for name, table in block.items() if _is_table(table)}
    identities = tables["identities"]
    for row in identities:
        row["key"] = (row["stem"] or "") + (row["name"] if row["named"] else "")
    held = ("provider", "source", "scope", "team", "agent")
    for row in tables["findings"]:
        of = identities[row["identity"]] if isinstance(row["identity"], int) else None
        row |= {name: of[name] if of else None for name in held}
        row["key"] = of["key"] if of else row["identity"] or row["entry"]
        row["subject"] = (of["name"] or of["key"]) if of else row["identity"] or row["entry"] or row["credential"]
        row["about"] = "identity" if of else "entry" if row["identity"] is None and row["entry"] else None
    for row in tables["agents"]:
        row |= {name: identities[row["identity"]][name] for name in LISTS["agents"].borrowed if name in identities[0]}
    found = {row["fingerprint"]: row for row in tables["findings"]}
    for row in tables["changes"]:
        about = found[row["key"]] if row["subject"] == "finding" else {"severity": None, "rule": None}
        row |= {name: about[name] for name in ("severity", "rule")}
    for row in tables["entries"]:
        row["count"] = len(row["matched"])
    enabled = {True: "enabled", False: "disabled", None: "unknown"}
    credentials = []
    for row in tables["credentials"]:
        holder = identities[row["identity"]]
        borrowed = {name: holder[name] for name in ("name", "provider", "source", "scope", "owner", "team")}
        kind, expires = row["kind"].replace("_", " "), "never" if row["never_expires"] else row["expires"]
        state = enabled[row["enabled"]]
        credentials.append(row | borrowed | {"holder": holder["key"], "kind": kind, "expires": expires, "state": state})
    for row in tables["secrets"]:
        absent = dict.fromkeys(("holder", "owner", "team", "state"))
        created = row["created"] if row["rotated"] is None else row["rotated"]
        credentials.append(row | absent | {"id": row["key"], "kind": "stored secret", "created": created})
    tables["credentials"] = credentials
    return {name: [_only(row, LISTS[name].columns) for row in tables[name]] for name in LIST_NAMES}


def _is_table(table: Any) -> bool:
    return isinstance(table, dict) and "columns" in table


def _rows(table: dict[str, Any]) -> list[dict[str, Any]]:
    columns = {name: unpacked(column) for name, column in table["columns"].items()}
    return [{name: values[row] for name, values in columns.items()} for row in range(table["length"])]


def _only(row: Row, columns: tuple[str, ...]) -> Row:
    return {name: _plain(row[name]) for name in columns}


def _plain(cell: Any) -> Any:
    return list(map(_plain, cell)) if isinstance(cell, tuple | list) else cell


def _in_any_order(rows: Iterator[Row] | list[Row]) -> list[str]:
    return sorted(repr({name: _plain(cell) for name, cell in sorted(row.items())}) for row in rows)


@pytest.mark.parametrize("backend", SHARED)
@pytest.mark.parametrize("sample", [estate, estate_with_gaps, small_estate])
def test_every_list_has_the_rows_of_the_html_report(
    backend: Backend, sample: Callable[[], ScanResult], tmp_path: Path
) -> None:
    """Of a scan after another one, on every database."""
    store, second = empty_store(backend), sample()
    first = replace(second, scan=_named("first", second), identities=second.identities[1:], findings=())
    store.save(first)
    store.save(second)

    build(store, IndexPlan(path=tmp_path / "i.index"))

    index = ScanIndex(tmp_path / "i.index")
    expected = shown(with_since(store, store.load()))
    for name in LIST_NAMES:
        assert _in_any_order(index.rows(IndexQuestion(list=name))) == _in_any_order(expected[name]), name
    assert (index.scan, index.started_at) == (second.scan.id, second.scan.started_at)
    keys = [row["key"] for row in expected["identities"]]
    assert [row["key"] for row in index.rows(IndexQuestion(list="identities"))] == keys


def _named(scan_id: str, result: ScanResult) -> ScanInfo:
    return replace(result.scan, id=scan_id)


def test_services_that_logs_saw_lead_to_an_identity(tmp_path: Path) -> None:
    """As ``service:Action``, of what was read by the start of the scan."""
    store, bot = empty_store(sqlite_file), make_identity("svc-billing", key=BOT)
    write(store, unit(ago(1)))
    store.save(make_result(make_assessment(bot), make_assessment("svc-other")))

    build(store, IndexPlan(path=tmp_path / "i.index"))

    index = ScanIndex(tmp_path / "i.index")
    asked = {
        text: [*index.keys(IndexQuestion(list="identities", text=text))] for text in ("s3", "s3:listbuckets", "ec2:")
    }
    assert asked == {"s3": [BOT], "s3:listbuckets": [BOT], "ec2:": []}
