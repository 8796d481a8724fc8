"""Read a connector as the engine does, and state what its records must not have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from connectors.core.budget import Limits
from connectors.core.contract import Connector, DiscoveredRecord, Scope
from connectors.testing.estate import Estate
from connectors.testing.server import Server
from scanner.discovery.scopes import list_scopes, read_scope
from scanner.model import Coverage

LIMITS = Limits(answer_bytes=256 * 1024, answer_seconds=1.0)
"""Small limits, so that an endless answer ends soon."""
PATIENT = Limits(answer_bytes=LIMITS.answer_bytes)
"""For answers that end: a busy machine may take more than a second for one."""
DEADLINE = 10.0
"""Seconds for a scope."""


def read(
    connector: Connector, *, deadline: float = DEADLINE, limits: Limits = PATIENT, lists_in_peace: bool = False
) -> list[DiscoveredRecord]:
    """All records of a connector, with a gap for each failure, as the engine reads them.

    ``deadline``: seconds for each scope, and for listing them. ``lists_in_peace``: whether these limits are for the
    scopes alone. Raises AssertionError if the connector raises anything but a SourceError, or reports no coverage.
    """
    units = read_units(connector, deadline=deadline, limits=limits, lists_in_peace=lists_in_peace)
    return [record for unit in units for record in unit]


def read_units(
    connector: Connector, *, deadline: float, limits: Limits, lists_in_peace: bool = False
) -> list[list[DiscoveredRecord]]:
    """The records of listing the scopes, followed by those of each scope. Raises as :func:`read` does."""
    of_listing = (DEADLINE, PATIENT) if lists_in_peace else (deadline, limits)
    listed = list_scopes("prod", connector, deadline=of_listing[0], limits=of_listing[1])
    units: list[list[DiscoveredRecord]] = [[*listed.coverage]]
    for scope in listed.scopes:
        done = read_scope(connector, scope, deadline=deadline, limits=limits)
        units.append(
            [*done.identities, *done.secrets, *done.workloads, *done.assignments, *done.exposures, *done.coverage]
        )
    coverage = coverage_of(record for unit in units for record in unit)
    for gap in coverage:
        if "internal error" in (gap.detail or ""):
            raise AssertionError(f"the connector broke, section {gap.section}: {gap.detail} (its log has the place)")
    if not coverage:
        raise AssertionError(
            "no coverage was reported: every section that is tried yields one, and so does every failure"
        )
    return units


def read_unmasked(connector: Connector) -> list[DiscoveredRecord]:
    """All records as the connector yields them, before the engine masks and limits them. Its exceptions propagate."""
    records: list[DiscoveredRecord] = []
    for unit in connector.scopes():
        records += connector.discover(unit) if isinstance(unit, Scope) else [unit]
    return records


def read_healthy(estate: Estate) -> tuple[list[str], list[DiscoveredRecord]]:
    """The operations that the connector requests of the healthy provider, sorted, and its records."""
    with Server(estate.healthy) as server:
        records = read(estate.make(server.url))
        return sorted({estate.operation(request) for request in server.asked}), records


def coverage_of(records: Iterable[DiscoveredRecord]) -> list[Coverage]:
    """The coverage among records."""
    return [record for record in records if isinstance(record, Coverage)]


def gaps_of(records: Iterable[DiscoveredRecord]) -> list[Coverage]:
    """The gaps among records."""
    return [coverage for coverage in coverage_of(records) if coverage.is_gap]


def require_none(what: str, found: Sequence[Any]) -> None:
    """Raise AssertionError that lists ``found``, unless it is empty."""
    if found:
        raise AssertionError(f"{what}: {', '.join(map(str, found))}")


def require_absent(secret: str, records: Sequence[DiscoveredRecord], what: str) -> None:
    """Raise AssertionError if a record holds ``secret``, as text or as the store would keep it."""
    holding = {
        type(record).__name__
        for record in records
        if secret in repr(record) or secret.encode() in msgspec.json.encode(record)
    }
    require_none(f"records that hold {what}", sorted(holding))
