"""Identities that joined under a gap: what was partly read may name what does not exist, such as half a name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from itertools import islice
from typing import TypeAlias

from sqlalchemy import Connection, func, select

from scanner.model import EVERY_SCOPE, GAPS
from scanner.store import schema
from scanner.store.engine import plain_rows
from scanner.store.intervals import BATCH

Place: TypeAlias = tuple[str, str, str]
"""Source, scope and kind."""


def unconfirmed(connection: Connection, sources: Collection[str]) -> dict[str, Place]:
    """The latest scan's identities of these sources whose place was a gap in every scan since they joined, by key.

    For sources whose sections list identities of all kinds, as lists do. Identities that joined in a scan that was
    pruned are left out: what it read is not known any more.
    """
    if not sources:
        return {}
    scans, whole = _readings(connection, sources)
    found: dict[str, Place] = {}
    for key, source, scope, kind, first in _joined(connection, sources):
        if first in scans[source] and whole.get((source, scope), -1) < first:
            found[key] = source, scope, kind
    pruned = _pruned(connection, found)
    return {key: place for key, place in found.items() if key not in pruned}


def _readings(
    connection: Connection, sources: Collection[str]
) -> tuple[defaultdict[str, set[int]], dict[tuple[str, str], int]]:
    """The scans that read each source, and the last scan in which each of its scopes had no gap."""
    coverage = schema.coverage.c
    rows = select(coverage.scan, coverage.source, coverage.scope, coverage.status)
    scans: defaultdict[str, set[int]] = defaultdict(set)
    read: list[tuple[int, str, str]] = []
    gaps: set[tuple[int, str, str]] = set()
    for scan, source, scope, status in plain_rows(connection, rows.where(coverage.source.in_(sources))):
        scans[source].add(scan)
        if status in GAPS:
            gaps.add((scan, source, scope))
        elif status == "complete":
            read.append((scan, source, scope))
    whole: dict[tuple[str, str], int] = {}
    for scan, source, scope in read:
        if gaps.isdisjoint(((scan, source, scope), (scan, source, EVERY_SCOPE))):
            whole[source, scope] = max(scan, whole.get((source, scope), scan))
    return scans, whole


def _joined(connection: Connection, sources: Collection[str]) -> Iterator[tuple[str, str, str, str, int]]:
    """Yield key, source, scope and kind of the sources' identities, and the first kept scan that had them."""
    now, every = schema.identity.alias().c, schema.identity.alias().c
    columns = (now.key, now.source, now.scope, now.kind)
    rows = select(*columns, func.min(every.first_scan)).where(every.key == now.key)
    yield from plain_rows(connection, rows.where(now.until_scan.is_(None), now.source.in_(sources)).group_by(*columns))


def _pruned(connection: Connection, keys: Collection[str]) -> frozenset[str]:
    """Those of these keys that a pruned scan had."""
    since, wanted = schema.identity_since.c, iter(sorted(keys))
    known: set[str] = set()
    while batch := list(islice(wanted, BATCH)):
        known.update(key for (key,) in plain_rows(connection, select(since.key).where(since.key.in_(batch))))
    return frozenset(known)
