"""A store of the version that knew logs by their newest day goes on: nothing counted twice, nothing lost.

``store_by_newest_day.sql`` is what that version made of the first files below, at 8 o'clock on 2026-11-13.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.aws.logs.cloudtrail import CloudTrailLog
from connectors.logs import LogSettings
from connectors.vault.audit import VaultAuditLog
from scanner.discovery.log_coverage import coverage_of
from scanner.discovery.logs import Log, LogsRead, read_logs
from scanner.store.store import Store, open_store
from tests.scanner.discovery.test_interrupted_logs import Quiet

ACCOUNT, OTHER = "111122223333", "444455556666"
THEN = datetime(2026, 11, 13, 8, tzinfo=UTC)
NEXT = THEN + timedelta(days=1)
_WRITTEN = 1_790_000_000
"""When all files were written: a part of how a file is known."""


def trail(root: Path, day: int, events: int, *, number: int = 0, account: str = ACCOUNT) -> None:
    """A file of an account's day."""
    below = f"trail/AWSLogs/{account}/CloudTrail/eu-west-1/2026/11/{day}"
    file = root / below / f"{account}_CloudTrail_eu-west-1_202611{day}T{number:04}Z_x.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    who = {"type": "IAMUser", "principalId": "AIDAEXAMPLEUSER", "arn": f"arn:aws:iam::{account}:user/ci",
           "accountId": account}  # fmt: skip
    records: list[dict[str, Any]] = [
        {"eventTime": f"2026-11-{day}T10:00:{one:02}Z", "eventSource": "iam.amazonaws.com", "readOnly": False,
         "eventName": "PutRolePolicy", "eventID": f"{account}-{day}-{number}-{one}", "userIdentity": who,
         "awsRegion": "eu-west-1", "sourceIPAddress": "203.0.113.7", "userAgent": "Boto3/1.35.0",
         "eventType": "AwsApiCall", "recipientAccountId": account}
        for one in range(events)
    ]  # fmt: skip
    file.write_text(json.dumps({"Records": records}))
    os.utime(file, (_WRITTEN, _WRITTEN))


def vault(root: Path, days: range) -> None:
    """A file that grows."""
    file = root / "vault/audit.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    made = (
        {"time": f"2026-11-{day}T10:00:00Z", "type": "response",
         "auth": {"entity_id": "11111111-2222-3333-4444-555555555555"},
         "request": {"id": f"r-{day}", "operation": "read", "path": "kv/data/app/one", "mount_point": "kv/",
                     "mount_type": "kv", "remote_address": "203.0.113.7"}}
        for day in days
    )  # fmt: skip
    file.write_text("".join(f"{json.dumps(one)}\n" for one in made))
    os.utime(file, (_WRITTEN, _WRITTEN))


def first_files(root: Path) -> None:
    """What the earlier version read."""
    for day in (10, 11, 12):
        trail(root, day, 2)
    vault(root, range(10, 13))


def night(store: Store, root: Path, now: datetime) -> LogsRead:
    """One reading of both."""
    settings = {"trail": CloudTrailLog, "vault": VaultAuditLog}
    logs = [
        Log(name=name, type=kind.spec.name, source=None, since=90,
            reader=kind(LogSettings(log=name, path=str(root / name)), None))
        for name, kind in settings.items()
    ]  # fmt: skip
    return read_logs(logs, store.activity, Quiet(), now, keep_days=90)


def counted(store: Store) -> dict[tuple[str, str, int], int]:
    """By log, scope and day of November, how many events are counted."""
    past, found = store.activity.past(), Counter[tuple[str, str, int]]()
    for one in past.read([caller.number for caller in past.callers]):
        for day, counts in one.days:
            found[one.caller.log, one.caller.scope, datetime.fromordinal(day).day] += counts.events
    return dict(found)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store that the earlier version wrote, and today's opens."""
    file = tmp_path / "muster.db"
    with sqlite3.connect(file) as connection:
        connection.executescript((Path(__file__).parent / "store_by_newest_day.sql").read_text())
    return open_store(f"sqlite:///{file}")


def test_it_goes_on(store: Store, tmp_path: Path) -> None:
    """A new day, a late file, an account that joined, a file that grew, and one that the bucket has removed."""
    root = tmp_path / "logs"
    first_files(root)
    before = counted(store)
    days = (10, 11, 12)
    assert before == {("trail", ACCOUNT, day): 2 for day in days} | {("vault", "root", day): 1 for day in days}
    assert night(store, root, THEN).events == 0

    trail(root, 13, 2)
    trail(root, 11, 1, number=5)
    for day in days:
        trail(root, day, 1, account=OTHER)
    vault(root, range(10, 14))
    shutil.rmtree(root / f"trail/AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/2026/11/12")
    night(store, root, NEXT)

    after = before | {("trail", ACCOUNT, 11): 3, ("trail", ACCOUNT, 13): 2, ("vault", "root", 13): 1}
    assert counted(store) == after | {("trail", OTHER, day): 1 for day in days}
    gaps = [one for one in coverage_of(store.activity.past().logs, NEXT.date(), 90) if one.status != "complete"]
    assert gaps == []
    assert night(store, root, NEXT).events == 0
    assert counted(store) == after | {("trail", OTHER, day): 1 for day in days}
