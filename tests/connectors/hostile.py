"""What every connector owes its reader, whatever it was reported."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import msgspec
from hypothesis import settings

from connectors.core.contract import Connector, DiscoveredRecord
from connectors.testing import read_unmasked
from reports.base import Screen
from reports.catalog import report_catalog
from scanner.discovery.inventory import ScopeReading, join
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.pipeline import Declared, judge
from scanner.model import Assignment, Coverage, Identity, ScanInfo, ScanResult, StoredSecret, Workload, with_uncertain
from scanner.store.store import open_store
from tests.factories import NOW, make_entry

_SORTS: dict[str, type[Any]] = {
    "identities": Identity,
    "secrets": StoredSecret,
    "workloads": Workload,
    "assignments": Assignment,
    "coverage": Coverage,
}
# A workbook takes as long as all the others together: it is for anyone who looks deeper.
_FORMATS = set(report_catalog().names) - (set() if settings().max_examples > 100 else {"xlsx"})
_REPORTS = tuple(report_catalog().load(name)() for name in sorted(_FORMATS))


def read(connector: Connector) -> list[DiscoveredRecord]:
    """All of its records as it yields them, some coverage among them."""
    records = read_unmasked(connector)
    assert any(isinstance(one, Coverage) for one in records)
    return records


def reported(records: Iterable[DiscoveredRecord]) -> ScanResult:
    """What becomes of records: they can be judged, kept as they are, and reported in every format."""
    typed = [
        with_uncertain(one) if isinstance(one, Identity | Workload) else one for one in records
    ]  # as the engine does
    sorts: dict[str, Any] = {
        name: tuple(one for one in typed if isinstance(one, sort)) for name, sort in _SORTS.items()
    }
    inventory = join([ScopeReading(source="prod", scope="s", **sorts)], {"prod": 0})
    declared = Declared(entries=(make_entry("svc-*"),), tag_keys=("muster",))
    result = judge(inventory, declared, Remembered(), ScanInfo(id="1", started_at=NOW, finished_at=NOW, version="0"))
    with TemporaryDirectory() as folder, open_store(f"sqlite:///{Path(folder, 'store.db')}") as store:
        store.save(result)
        assert _written(store.load()) == _written(result)
    for report in _REPORTS:
        report.write(result, report.default_view, io.BytesIO(), Screen())
    return result


class Answers(Protocol):
    """What a server has answered, by request (``learnt``), and what it shall answer in place of some of it."""

    learnt: dict[str, Any]
    instead: dict[str, Any]


def _written(result: ScanResult) -> bytes:
    return msgspec.json.encode(result, order="sorted")
