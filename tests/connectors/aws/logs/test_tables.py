"""Events in Parquet, as Athena and Security Lake write them, and damaged."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from scanner.model.activity import LogDay
from tests.connectors.aws.logs.trail import ACCOUNT, DAY, ROLE, USER, event, log_of, put, read_all, role

LAKE = f"aws/CLOUD_TRAIL_MGMT/2.0/region=eu-west-1/accountId={ACCOUNT}/eventDay=20261120/0a1b.gz.parquet"
REQUEST = {"roleArn": ROLE, "roleSessionName": "s"}
EVENTS = [
    event(at="10:00:00"),
    event("sts:AssumeRole", USER, requestParameters=REQUEST,
          responseElements={"assumedRoleUser": {"assumedRoleId": "AROAEXAMPLELEDGER:s"}}),
    event("s3:GetObject", errorCode="AccessDenied", at="11:00:00"),
    event(who={"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}),
]  # fmt: skip


def athena(one: dict[str, Any]) -> dict[str, Any]:
    """A row of the table that Athena's guide defines: lower case, parameters as text."""

    def lowered(held: Any) -> Any:
        return {name.lower(): lowered(value) for name, value in held.items()} if isinstance(held, dict) else held

    row: dict[str, Any] = lowered({name: value for name, value in one.items() if not name.endswith(("ters", "ments"))})
    texts = {
        name.lower(): None if one[name] is None else json.dumps(one[name])
        for name in ("requestParameters", "responseElements")
    }
    return {"errorcode": None, **row, **texts, "readonly": str(one["readOnly"]).lower()}


def lake(one: dict[str, Any]) -> dict[str, Any]:
    """A row of Security Lake, in OCSF 1.1."""
    who = one["userIdentity"]
    issuer = who.get("sessionContext", {}).get("sessionIssuer", {})
    return {
        "time": int(datetime.fromisoformat(one["eventTime"]).timestamp() * 1000),
        "metadata": {"uid": one["eventID"], "version": "1.1.0", "event_code": one["eventType"]},
        "cloud": {"region": one["awsRegion"], "account": {"uid": ACCOUNT}},
        "api": {
            "operation": one["eventName"],
            "service": {"name": one["eventSource"]},
            "request": {"data": json.dumps(one["requestParameters"]) if one["requestParameters"] else None},
            "response": {
                "error": one.get("errorCode"),
                "data": json.dumps(one["responseElements"]) if one["responseElements"] else None,
            },
        },
        "actor": {
            "user": {
                "type": who.get("type"), "uid": who.get("arn"), "uid_alt": who.get("principalId"),
                "account": {"uid": who.get("accountId")}, "credential_uid": who.get("accessKeyId"),
                "name": who.get("userName"),
            },
            "session": {"issuer": issuer.get("arn")},
            "invoked_by": who.get("invokedBy"),
        },
        "src_endpoint": {"ip": one["sourceIPAddress"]},
        "http_request": {"user_agent": one["userAgent"]},
        "unmapped": [("recipientAccountId", ACCOUNT), ("readOnly", str(one["readOnly"]).lower())],
    }  # fmt: skip


def table(rows: list[dict[str, Any]], *, schema: Any = None) -> bytes:
    """A Parquet file of these rows."""
    sink = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows, schema=schema), sink)
    return sink.getvalue()


def lake_table(rows: list[dict[str, Any]]) -> bytes:
    """With ``unmapped`` as the map that it is."""
    inferred = pa.Table.from_pylist([{**row, "unmapped": None} for row in rows]).schema
    at = inferred.get_field_index("unmapped")
    return table(rows, schema=inferred.set(at, pa.field("unmapped", pa.map_(pa.string(), pa.string()))))


@pytest.mark.parametrize(("content", "name"), [(table(list(map(athena, EVENTS))), "exported.parquet"),
                                               (lake_table(list(map(lake, EVENTS))), LAKE)])  # fmt: skip
def test_a_table_says_what_the_trail_itself_says(content: bytes, name: str, tmp_path: Path) -> None:
    """The same profiles, from another file."""
    put(tmp_path / "trail", json.dumps({"Records": EVENTS}).encode(), "a.json")
    put(tmp_path / "table", content, name)
    (trail,), _ = read_all(log_of(tmp_path / "trail"))
    (found,), _ = read_all(log_of(tmp_path / "table"))

    assert found.coverage == trail.coverage == (LogDay(scope=ACCOUNT, day=DAY),)
    assert found.callers == trail.callers
    assert (found.events, found.by_provider) == (trail.events, trail.by_provider) == (4, 1)


def test_security_lake_is_reported_by_its_folders(tmp_path: Path) -> None:
    """Account and day."""
    put(tmp_path, lake_table([lake(EVENTS[0])]), LAKE)
    (reading,), _ = read_all(log_of(tmp_path))

    assert reading.unit.name == f"{ACCOUNT}/2026-11-20"


def test_times_may_be_timestamps(tmp_path: Path) -> None:
    """As a query writes them, without a zone."""
    row = {**athena(event(who=role())), "eventtime": datetime(2026, 11, 20, 10, tzinfo=UTC).replace(tzinfo=None)}
    put(tmp_path, table([row]), "a.parquet")
    (reading,), _ = read_all(log_of(tmp_path))

    assert [(one.caller, one.first_at.hour) for one in reading.callers] == [(ROLE, 10)]


GOOD = table([athena(event())])


@pytest.mark.parametrize(
    "content",
    [
        GOOD[:-20],
        GOOD[:50],
        b"PAR1",
        b"PAR1" + bytes(200) + b"PAR1",
        table([{"x": 1}]),
        table([{"api": {"operation": 1}}]),
    ],
    ids=["cut short", "cut shorter", "nothing", "no table", "another table", "no event"],
)
def test_a_wrong_table_is_a_gap(content: bytes, tmp_path: Path) -> None:
    """As with any other file."""
    put(tmp_path, content, LAKE)
    (reading,), _ = read_all(log_of(tmp_path))

    assert [(one.scope, one.day, one.status) for one in reading.coverage] == [(ACCOUNT, DAY, "failed")]


def test_without_the_library_the_message_names_the_extra(tmp_path: Path) -> None:
    """The unit is tried again once it is there."""
    put(tmp_path, GOOD, LAKE)
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from tests.connectors.aws.logs.trail import log_of, read_all\n"
        f"try: read_all(log_of({str(tmp_path)!r}))\n"
        "except Exception as error: print(type(error).__name__, error, error.hint)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.startswith("SourceError a log in Parquet needs the extra 'parquet' install it: pip install")
