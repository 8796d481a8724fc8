"""One malformed record costs that record, in every log: the others count, and its day is not covered."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.anthropic.activity import AnthropicActivityLog
from connectors.aws.logs.cloudtrail import CloudTrailLog
from connectors.azure.logs.activity import AzureActivityLog
from connectors.azure.logs.signins import EntraLog
from connectors.gcp.logs.audit import GcpAuditLog
from connectors.github.logs.audit import GithubAuditLog
from connectors.kubernetes.logs.audit import KubernetesAuditLog
from connectors.ldap.logs.windows import WindowsSecurityLog
from connectors.logs import log_catalog
from connectors.logs.files import FileLog
from connectors.logs.spoilt import days_of
from connectors.openai.audit import OpenaiAuditLog
from connectors.postgresql.logs.server import PostgresqlLog
from connectors.vault.audit import VaultAuditLog
from scanner.model.activity import BY_PROVIDER, MALFORMED, UnitReading
from tests.connectors.ai_vendors import test_audit_logs as vendors
from tests.connectors.aws.logs import trail
from tests.connectors.azure.logs import test_activity as azure
from tests.connectors.azure.logs import test_signins as entra
from tests.connectors.gcp.logs import test_audit as google
from tests.connectors.github.logs import test_audit as github
from tests.connectors.kubernetes.logs import test_audit as kubernetes
from tests.connectors.ldap.logs import test_windows as windows
from tests.connectors.logs.audit_files import DAY, log_of, read_all
from tests.connectors.postgresql.logs import test_server_log as postgresql
from tests.connectors.vault import test_audit_log as vault
from tests.examples import examples
from tests.hostile_json import JSON

Make = Callable[[], Mapping[str, Any]]
LOGS: Mapping[str, tuple[type[FileLog], Make, str]] = {
    # By type: the reader, a record of DAY, and the member that a document has its records in.
    "cloudtrail": (CloudTrailLog, trail.event, "Records"),
    "entra": (EntraLog, entra.sign_in, "value"),
    "azure_activity": (AzureActivityLog, azure.operation, "value"),
    "gcp_audit": (GcpAuditLog, google.entry, "entries"),
    "github_audit": (GithubAuditLog, github.event, "entries"),
    "kubernetes_audit": (KubernetesAuditLog, kubernetes.event, "items"),
    "openai_audit": (OpenaiAuditLog, vendors.event, "data"),
    "anthropic_activity": (AnthropicActivityLog, vendors.activity_of, "data"),
    "postgresql_log": (PostgresqlLog, postgresql.line, ""),
    "vault_audit": (VaultAuditLog, lambda: vault.lines()[1], ""),
    "windows_security": (WindowsSecurityLog, windows.winlogbeat, "Events"),
}
TIMES = ("eventTime", "createdDateTime", "eventTimestamp", "timestamp", "@timestamp", "created_at", "effective_at",
         "requestReceivedTimestamp", "time")  # fmt: skip


def test_every_log_is_here() -> None:
    """A new one has to be."""
    assert set(LOGS) == set(log_catalog().names)


def wrong(record: Mapping[str, Any], at: object) -> Mapping[str, Any]:
    """The record with another time."""
    return {**record, **dict.fromkeys(set(TIMES) & set(record), at)}


def as_lines(records: list[Any], member: str) -> str:
    """A record a line."""
    del member
    return "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in records)


def as_list(records: list[Any], member: str) -> str:
    """One list."""
    del member
    return json.dumps(records)


def as_document(records: list[Any], member: str) -> str:
    """A document that wraps them."""
    return json.dumps({member: records, "other": 1})


def read(reader: type[FileLog], root: Path, text: str, name: str = "audit.json") -> UnitReading:
    """The reading of one file."""
    (root / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    (reading,), _ = read_all(log_of(reader, root))
    return reading


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (kind, form)
        for kind in LOGS
        for form in (as_lines, as_list, as_document)
        if form is not as_document or LOGS[kind][2]
    ],
)
def test_the_others_count(kind: str, written: Callable[[list[Any], str], str], tmp_path: Path) -> None:
    """Of each day no more is lost than the record; its place is named, never its content."""
    reader, make, member = LOGS[kind]
    records = [make(), wrong(make(), ["crown-jewels"]), make(), wrong(make(), "crown-jewels"), make(), 5, [], "x"]
    if written is as_lines:
        records = [*records[:5], '{"half": ', "crown-jewels", "{", make()]
    reading = read(reader, tmp_path, written(records, member), "audit.json.gz")

    events = 4 if written is as_lines else 3
    assert (reading.events, reading.is_unread) == (events, False)
    (lost,) = reading.left_out
    assert (lost.what, lost.records, lost.example) == (MALFORMED, 5, "record 2 of audit.json.gz")
    assert [(one.day, one.status) for one in reading.coverage] == [(DAY, "partial")]
    assert f"5 records that could not be read, such as {lost.example}" in (reading.coverage[0].detail or "")
    assert "crown" not in repr(reading).replace("crown-jewels/objects", "")


@pytest.mark.parametrize("kind", LOGS)
def test_a_file_without_any_record_is_a_gap_as_before(kind: str, tmp_path: Path) -> None:
    """It may be another log."""
    reader, make, _ = LOGS[kind]
    reading = read(reader, tmp_path, as_lines([wrong(make(), None), "x"], ""))

    assert (reading.events, reading.left_out, reading.is_unread) == (0, (), True)
    assert "audit.json" in (reading.coverage[0].detail or "")


@pytest.mark.parametrize("first", ["no JSON", '{"half": '])
def test_a_malformed_first_line_does_not_hide_the_lines(first: str, tmp_path: Path) -> None:
    """Two objects without a comma between them are in no document."""
    reading = read(VaultAuditLog, tmp_path, as_lines([first, vault.lines()[1], vault.lines()[1]], ""))

    assert (reading.events, reading.left_out[0].example) == (2, "record 1 of audit.json")


def test_a_document_that_is_cut_short_is_not_taken_for_lines(tmp_path: Path) -> None:
    """Its records may stand in lines of their own."""
    rows = ",\n".join(json.dumps(trail.event()) for _ in range(5))
    reading = read(CloudTrailLog, tmp_path, f'{{"Records": [\n{rows}\n')

    assert (reading.events, reading.is_unread) == (0, True)


def test_days_that_it_cannot_be_of_are_covered(tmp_path: Path) -> None:
    """A wrong record that says its time costs its day alone; of another, the days of its file are partial."""
    days = [f"2026-11-{day}T10:00:00Z" for day in (17, 18, 19, 20)]
    good = [trail.event(at=day) for day in days]
    told = {**trail.event(at=days[1]), "userIdentity": "x"}
    (tmp_path / "b").mkdir()
    one = read(CloudTrailLog, tmp_path, as_document([*good, told], "Records"))
    (tmp_path / "audit.json").unlink()
    read(CloudTrailLog, tmp_path, as_document([*good[2:], 5], "Records"), "a.json")
    (tmp_path / "c.json").write_text(as_document(good[:2], "Records"))
    (other,), _ = read_all(log_of(CloudTrailLog, tmp_path))

    assert [day.status for day in one.coverage] == ["complete", "partial", "complete", "complete"]
    assert [day.status for day in other.coverage] == ["complete", "complete", "partial", "partial"]


def test_classes_that_are_no_calls_of_identities_are_counted(tmp_path: Path) -> None:
    """By class, beside what is counted."""
    cases: list[tuple[str, Any, str]] = [
        ("entra", entra.sign_in(servicePrincipalId="", userId=entra.PRINCIPAL), "of people"),
        ("gcp_audit", {**google.entry(), "operation": {"last": True}}, "at the end of a long operation"),
        ("gcp_audit", {"logName": "projects/p/logs/syslog"}, "of no audit log"),
        ("kubernetes_audit", {**kubernetes.event(), "stage": "RequestReceived"}, "at the stage RequestReceived"),
        ("kubernetes_audit", {"message": "I1120 ok", "timestamp": 1}, "of other logs of the control plane"),
        ("github_audit", github.event(actor=None), BY_PROVIDER),
        ("vault_audit", {**vault.lines()[1], "type": "other"}, "neither request nor response"),
    ]
    for number, (kind, record, what) in enumerate(cases):
        reader, make, _ = LOGS[kind]
        (root := tmp_path / str(number)).mkdir()
        reading = read(reader, root, as_lines([make(), record], ""))

        assert sum(reading.counted.values()) == 1
        assert [(one.what, one.records) for one in reading.left_out] == [(what, 1)], kind
        assert {one.status for one in reading.coverage} == {"complete"}


def test_the_start_of_an_operation_is_not_lost_with_its_end(tmp_path: Path) -> None:
    """It is counted as if nothing had been said of the end."""
    start = azure.operation(status="Started")
    end = {**start, "status": {"value": "Succeeded"}, "eventTimestamp": "soon"}
    reading = read(AzureActivityLog, tmp_path, as_lines([start, end], ""))

    assert (reading.events, reading.left_out[0].records) == (1, 1)


@examples(60)
@given(record=JSON, kind=st.sampled_from(sorted(LOGS)))
def test_no_record_ends_a_reading(record: Any, kind: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever stands between two that are as expected, these count."""
    reader, make, _ = LOGS[kind]
    reading = read(reader, tmp_path_factory.mktemp("log"), as_lines([make(), json.dumps(record), make()], ""))

    assert reading.events >= 2
    assert sum(reading.counted.values()) + sum(one.records for one in reading.left_out) >= 2


@given(st.one_of(JSON, st.fixed_dictionaries({"eventTime": JSON, "time": st.floats(), "created_at": st.text()})))
def test_days_of_a_wrong_record_are_days_or_none(record: Any) -> None:
    """No time ends it."""
    found = days_of(json.dumps(record).encode())

    assert list(found) == sorted(found)
    assert all(len(day) == len("2026-11-20") for day in found)
