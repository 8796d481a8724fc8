"""What is within reach of identities beyond what their entries declare. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from scanner.access.declared_reach import Statement, beyond, declared_by
from scanner.access.reach import Radii
from scanner.model import Assessment, Drift, Entry, ScanResult


def with_reach(
    fresh: Sequence[Assessment], estate: ScanResult, entry_of: Callable[[Assessment], Entry | None]
) -> list[Assessment]:
    """Return the assessments with the drift of their reach. ``estate``: everything that they may reach.

    Where no entry declares it in words that can be compared, nothing is computed.
    """
    declared: dict[str, Statement] = {}
    for one in fresh:
        entry = entry_of(one)
        if entry is not None and (statement := declared_by(entry)):
            declared[one.identity.key] = statement
    if not declared:
        return list(fresh)
    radii = Radii(estate)
    return [_with_drift(one, declared.get(one.identity.key), radii) for one in fresh]


def _with_drift(one: Assessment, statement: Statement | None, radii: Radii) -> Assessment:
    radius = None if statement is None else radii.of(one.identity.key)
    found = None if statement is None or radius is None else beyond(statement, radius)
    if found is None:
        return one
    return replace(one, drift=(*one.drift, Drift(aspect="reach", declared=found.declared, found=found.found)))
