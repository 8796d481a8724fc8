"""Malformed records of a log, in the store and in the coverage: numbers that add up, and nothing lost beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from connectors.logs import LogSettings
from connectors.vault.audit import VaultAuditLog
from scanner.discovery.log_coverage import coverage_of
from scanner.discovery.logs import Log, LogsRead, read_logs
from scanner.store.store import Store
from tests.connectors.vault.test_audit_log import lines
from tests.databases import empty_store, sqlite_memory
from tests.factories import NOW
from tests.scanner.discovery.test_interrupted_logs import Quiet

TODAY = NOW.date()


def request(day: int, **more: Any) -> str:
    """The answer of a request, so many days ago."""
    at = f"{NOW.date().fromordinal(TODAY.toordinal() - day)}T10:00:00Z"
    return json.dumps({**lines()[1], "time": at, **more}) + "\n"


def night(store: Store, folder: Path) -> LogsRead:
    """One reading."""
    reader = VaultAuditLog(LogSettings(log="vault", path=str(folder)), None)
    log = Log(name="vault", type="vault_audit", source="vault", since=90, reader=reader)
    return read_logs([log], store.activity, Quiet(), NOW, keep_days=90)


def events(store: Store) -> int:
    """All that is counted."""
    past = store.activity.past()
    return sum(counts.events for one in past.read([caller.number for caller in past.callers]) for _, counts in one.days)


def rows(store: Store) -> dict[str, tuple[str, str]]:
    """The coverage by section."""
    found = coverage_of(store.activity.past().logs, TODAY, 90)
    return {one.section: (one.status, one.detail or "") for one in found}


def test_a_file_with_a_malformed_line_goes_on_to_be_counted(tmp_path: Path) -> None:
    """It grows, and is read again as a whole: what is new in it counts, although its days are not covered."""
    store = empty_store(sqlite_memory)
    file = tmp_path / "audit.log"
    file.write_text(request(9) + request(8))
    night(store, tmp_path)
    with file.open("a") as more:
        more.write("crown-jewels\n" + request(7) + request(6, type="other") + request(6))
    found = night(store, tmp_path)

    assert (events(store), found.units, found.failed) == (4, 1, 0)
    assert rows(store)["activity"] == (
        "complete",
        "5 events read: 4 counted, 1 neither request nor response",
    )
    assert rows(store)["activity:records"] == (
        "partial",
        "1 record could not be read, such as record 3 of audit.log",
    )
    assert {status for section, (status, _) in rows(store).items() if section.startswith("activity:2")} == {"partial"}

    again = night(store, tmp_path)
    assert (events(store), again.events, again.failed) == (4, 0, 0)
    assert (len(again.new_gaps), "crown" in repr(store.activity.past())) == (0, False)


def test_a_log_without_any_says_what_it_read(tmp_path: Path) -> None:
    """Days and events."""
    store = empty_store(sqlite_memory)
    (tmp_path / "audit.log").write_text(request(9) + request(8))
    night(store, tmp_path)

    ((status, detail),) = rows(store).values()
    assert status == "complete"
    assert detail.startswith("2 days read in full, ")
    assert detail.endswith("; 2 events read")
