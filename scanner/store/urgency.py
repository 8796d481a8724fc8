"""The order of work lists, found from columns: the first identities at once, then those of the whole scan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, select, true

from scanner.model import PRIVILEGES, SEVERITIES, SEVERITY_RANK, Severity
from scanner.model.stored import WorkList
from scanner.store import schema
from scanner.store.engine import plain_batches, plain_rows
from scanner.store.intervals import holds
from scanner.store.records import Records

_FEW = 20_000
_FIRST = 200
"""Number of identities that a terminal shows."""
_CANDIDATES = 1_000
"""Maximum number of identities to search for the first ones."""
_LOOKED_UP = 500
"""The keys in one query."""

_identity, _finding = schema.identity.c, schema.finding.c
_orphaned = _identity.ownership_state == "orphaned"
_abandoned = case((and_(_orphaned, _identity.usage_state.in_(("dormant", "never_used"))), 0), else_=1)
_privilege = case({level: rank for rank, level in enumerate(PRIVILEGES)}, value=_identity.privilege_level)
_CHOSEN: Mapping[WorkList, ColumnElement[bool]] = {
    "all": true(),
    "orphans": _orphaned,
    "unregistered": _identity.registry_state == "unregistered",
}


def most_urgent(
    connection: Connection,
    seq: int,
    records: Records,
    which: WorkList,
    found: Mapping[Severity, int],
    few: int = _FEW,
) -> Iterator[str]:
    """Yield the keys in the order of ``reports.judged.most_urgent_first``. ``found``: findings by severity.

    Sorting a million takes seconds, so the first identities come from a targeted search. ``few``: up to this many
    findings of one severity are looked up one by one.
    """
    chosen = and_(holds(schema.identity, seq), _CHOSEN[which])
    first = _first(connection, seq, records, chosen, found, few)
    yield from first
    yield from islice(_all(connection, seq, chosen), len(first), None)


def _all(connection: Connection, seq: int, chosen: ColumnElement[bool]) -> Iterator[str]:
    """Counting sort: a list of keys for each severity, privilege and use. The database gives the keys in order."""
    worst: dict[str, int] = {}
    for severity in reversed(SEVERITIES):
        worst.update(dict.fromkeys(_holders(connection, seq, severity), SEVERITY_RANK[severity]))
    lists: defaultdict[tuple[int, int, int], list[str]] = defaultdict(list)
    without = len(SEVERITY_RANK)
    rows = select(_identity.key, _privilege, _abandoned).where(chosen).order_by(_identity.key)
    for batch in plain_batches(connection, rows):
        for key, privilege, abandoned in batch:
            lists[worst.get(key, without), privilege, abandoned].append(key)
    del worst
    for place in sorted(lists):
        yield from lists.pop(place)


def _first(
    connection: Connection,
    seq: int,
    records: Records,
    chosen: ColumnElement[bool],
    found: Mapping[Severity, int],
    few: int,
) -> list[str]:
    """The first identities, as far as they can be found without reading all: possibly none.

    Few findings of a severity name their identities directly. With many findings, a large share of identities has one,
    so some are among the first by privilege, use and key.
    """
    first: list[str] = []
    for severity in filter(found.get, SEVERITIES):
        if found[severity] <= few:
            others = set(_holders(connection, seq, severity)).difference(first)
            first += _sorted(connection, others, chosen)
        else:
            order = (_privilege, _abandoned, _identity.key)
            rows = plain_rows(connection, select(_identity.key).where(chosen).order_by(*order).limit(_CANDIDATES))
            keys = [key for (key,) in rows]
            having = _with(severity, records, keys).difference(first)
            return [*first, *(key for key in keys if key in having)]
        if len(first) >= _FIRST:
            break
    return first


def _holders(connection: Connection, seq: int, severity: Severity) -> Iterator[str]:
    """The identities with findings of that severity."""
    rows = select(_finding.identity).where(
        holds(schema.finding, seq), _finding.severity == severity, _finding.identity.is_not(None)
    )
    return (key for batch in plain_batches(connection, rows) for (key,) in batch)


def _sorted(connection: Connection, keys: Collection[str], chosen: ColumnElement[bool]) -> list[str]:
    """Those of the keys that are chosen, in order."""
    rows: list[Any] = []
    for some in _portions(sorted(keys)):
        facts = select(_privilege, _abandoned, _identity.key).where(chosen, _identity.key.in_(some))
        rows += plain_rows(connection, facts)
    return [key for _, _, key in sorted(rows)]


def _with(severity: Severity, records: Records, keys: Sequence[str]) -> set[str]:
    """Those of the identities with a finding of that severity."""
    fingerprints = [fingerprint for one in records.identities(keys) for fingerprint in one.findings]
    return {one.identity for one in records.findings(fingerprints) if one.severity == severity and one.identity}


def _portions(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    return (keys[start : start + _LOOKED_UP] for start in range(0, len(keys), _LOOKED_UP))
