"""The rows of lists: records from the store, in the format of reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import fields, replace

from reports.agents import agent_rows
from reports.columns import TABLES
from reports.diff_table import COLUMNS as CHANGES
from reports.exposed import ExposedRow, exposed_rows
from reports.json import encoded, entry_record, finding_record, identity_record, plain_record
from reports.judged import judged_identities
from reports.tables import Column, credential_rows, finding_rows
from scanner.app.activity import add_activity
from scanner.model import Change, ScanResult
from scanner.model.activity import ActivityPast
from scanner.serve.index.questions import ListName
from scanner.serve.standing import acknowledged, handling
from scanner.serve.visible import Visible
from scanner.store.records import Records
from scanner.store.store import Store
from scanner.suppressions.acknowledgements import with_later
from scanner.suppressions.handling import with_handling

IndexRow: TypeAlias = tuple[str, Mapping[str, Any]]
"""A row of the index: its key and cells."""
Read: TypeAlias = tuple[ScanResult, Sequence[Any]]
"""A scan with the records behind some rows, and the rows, in the order of the index."""


class Shown(Struct, frozen=True, kw_only=True):
    """A list. ``key``: of its records in ``muster.scan/1``. ``part``: reads the records for its rows.

    ``rows``: one for each row of the index. ``json``: writes a row, with the schema of ``record``. ``columns``: of its
    spreadsheets.
    """

    title: str
    key: str
    record: str
    part: Callable[[_RowReading, Sequence[IndexRow]], ScanResult]
    rows: Callable[[ScanResult, Sequence[IndexRow]], Sequence[Any]]
    json: Callable[[ScanResult, Any], bytes]
    columns: Sequence[Column[Any]]


def read(visible: Visible, name: ListName, scan: str, found: Sequence[IndexRow], *, for_file: bool = False) -> Read:
    """Read the records of these rows, with later acknowledgements and activity.

    ``for_file``: also with the records that columns of spreadsheets refer to.
    """
    serving = visible.serving
    frame, joined = frame_of(serving.store, scan), for_file or (name == "findings" and bool(acknowledged(serving)))
    with serving.store.records(scan) as records:
        part = SHOWN[name].part(_RowReading(records, frame, joined), found)
    part = with_facts(visible, part)
    return part, SHOWN[name].rows(part, found)


class _RowReading(Struct, frozen=True):
    """Reads parts of a scan. ``joined``: with records that rows refer to."""

    records: Records
    frame: ScanResult
    joined: bool


@lru_cache(maxsize=8)
def frame_of(store: Store, scan: str) -> ScanResult:
    """A scan without its records, which never changes."""
    with store.records(scan) as records:
        return records.frame


def with_facts(visible: Visible, part: ScanResult) -> ScanResult:
    """A part of a scan as the viewer may see it, with later acknowledgements and the activity of its identities."""
    serving, part = visible.serving, visible.part(part)
    if part.findings:
        part = with_later(part, acknowledged(serving), serving.clock().date())
        part = with_handling(part, handling(serving))
    if part.identities:
        part = add_activity(_past(serving.store, part.scan.started_at), part, serving.lists.config.activity)
    return part


@lru_cache(maxsize=4)
def _past(store: Store, as_of: datetime) -> ActivityPast:
    return store.activity.past(as_of=as_of)


def _identities(reading: _RowReading, found: Sequence[IndexRow]) -> ScanResult:
    keys, records = [key for key, _ in found], reading.records
    identities = records.identities(keys)
    fingerprints = [one for judged in identities for one in judged.findings]
    first_seen = records.first_seen(keys)
    findings = records.findings(fingerprints)
    return replace(reading.frame, identities=identities, findings=findings, first_seen=first_seen)


def _agents(reading: _RowReading, found: Sequence[IndexRow]) -> ScanResult:
    part = _identities(reading, found)
    entries = dict.fromkeys(one.registry.entry for one in part.identities if one.registry.entry)
    return replace(part, entries=reading.records.entries(list(entries)), only="Some agents.")


def _findings(reading: _RowReading, found: Sequence[IndexRow]) -> ScanResult:
    findings = reading.records.findings([key for key, _ in found])
    holders = list(dict.fromkeys(one.identity for one in findings if one.identity)) if reading.joined else []
    return replace(reading.frame, findings=findings, identities=reading.records.identities(holders))


def _entries(reading: _RowReading, found: Sequence[IndexRow]) -> ScanResult:
    return replace(reading.frame, entries=reading.records.entries([key for key, _ in found]))


def _credentials(reading: _RowReading, found: Sequence[IndexRow]) -> ScanResult:
    holders = list(dict.fromkeys(cells["holder"] for _, cells in found if cells["holder"]))
    secrets = reading.records.secrets([key for key, cells in found if not cells["holder"]])
    return replace(reading.frame, identities=reading.records.identities(holders), secrets=secrets)


def _leaking(reading: _RowReading, found: Sequence[IndexRow]) -> ScanResult:
    holders = list(dict.fromkeys(cells["identity"] for _, cells in found if cells["identity"]))
    records = reading.records
    return replace(reading.frame, identities=records.identities(holders), exposures=records.exposures())


def _leaked(part: ScanResult, found: Sequence[IndexRow]) -> list[ExposedRow]:
    """The rows with their ranks among all of the scan."""
    rows = {row.key: row for row in exposed_rows(part)}
    return [replace(rows[key], rank=cells["rank"]) for key, cells in found if key in rows]


def _in_order(rows: Mapping[str, Any], found: Sequence[IndexRow]) -> list[Any]:
    """The rows of the index, without those that the store has lost."""
    return [rows[key] for key, _ in found if key in rows]


def _changed(_part: ScanResult, found: Sequence[IndexRow]) -> list[Change]:
    names = [field.name for field in fields(Change)]
    return [Change(**{name: cells[name] for name in names if name in cells}) for _, cells in found]


def _sections(part: ScanResult, found: Sequence[IndexRow]) -> list[Any]:
    return _in_order({f"{one.source} {one.scope} {one.section}": one for one in part.coverage}, found)


SHOWN: Mapping[ListName, Shown] = {
    "identities": Shown(
        title="Identities",
        key="identities",
        record="IdentityRecord",
        part=_identities,
        rows=lambda part, _: tuple(judged_identities(part)),
        json=lambda part, row: identity_record(row, part.first_seen, None),
        columns=TABLES["inventory"].columns,
    ),
    "agents": Shown(
        title="AI agents",
        key="identities",
        record="IdentityRecord",
        part=_agents,
        rows=lambda part, found: _in_order({row.identity.key: row for row in agent_rows(part)}, found),
        json=lambda part, row: identity_record(row.judged, part.first_seen, None),
        columns=[one for one in TABLES["agents"].columns if one.name != "blast_radius"],  # needs the whole scan
    ),
    "findings": Shown(
        title="Findings",
        key="findings",
        record="Finding",
        part=_findings,
        rows=lambda part, _: tuple(finding_rows(part)),
        json=lambda _, row: finding_record(row.finding),
        columns=TABLES["findings"].columns,
    ),
    "entries": Shown(
        title="Registry",
        key="registry",
        record="EntryRecord",
        part=_entries,
        rows=lambda part, _: part.entries,
        json=lambda _, row: entry_record(row),
        columns=TABLES["registry"].columns,
    ),
    "credentials": Shown(
        title="Credentials",
        key="credentials",
        record="CredentialRow",
        part=_credentials,
        rows=lambda part, found: _in_order({row.key: row for row in credential_rows(part)}, found),
        json=lambda _, row: encoded(row),
        columns=TABLES["credentials"].columns,
    ),
    "exposed": Shown(
        title="Leaked keys",
        key="exposed",
        record="ExposedRow",
        part=_leaking,
        rows=_leaked,
        json=lambda _, row: encoded(row),
        columns=TABLES["exposed"].columns,
    ),
    "changes": Shown(
        title="Changes",
        key="changes",
        record="Change",
        part=lambda reading, _: reading.frame,
        rows=_changed,
        json=lambda _, row: encoded(row),
        columns=CHANGES,
    ),
    "coverage": Shown(
        title="Coverage",
        key="coverage",
        record="Coverage",
        part=lambda reading, _: reading.frame,
        rows=_sections,
        json=lambda _, row: plain_record(row),
        columns=TABLES["coverage"].columns,
    ),
}
