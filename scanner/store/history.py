"""History in the store: first sightings, the trend, and the versions of identities and entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from msgspec import Struct
from sqlalchemy import Connection, and_, delete, exists, func, insert, or_, select

from scanner.errors import StoreError
from scanner.model import Assessment, ScanPoint
from scanner.store import scans, schema
from scanner.store.database import Values
from scanner.store.engine import plain_rows
from scanner.store.intervals import holds, restore, restored_rows, unmoved_rows
from scanner.store.kinds import ENTRIES, IDENTITIES, Shared

# --- First seen: from keys alone; a table keeps it only for pruned versions ---

_LOOKED_UP = 1_000
"""Up to this many keys are looked up one by one; for more, the whole index is read."""

_version, _since = schema.identity, schema.identity_since


def first_seen(connection: Connection, keys: Collection[str]) -> dict[str, datetime]:
    """By key, the start of the first scan that had the identity. Identities that no scan had are left out."""
    versions = select(_version.c.key, func.min(_version.c.first_scan)).group_by(_version.c.key)
    pruned = select(_since.c.key, _since.c.first_scan)
    if len(keys) <= _LOOKED_UP:
        versions, pruned = versions.where(_version.c.key.in_(keys)), pruned.where(_since.c.key.in_(keys))
    known: dict[str, int] = dict(plain_rows(connection, versions))
    known.update(plain_rows(connection, pruned))
    started = scans.start_times(connection)
    return {key: started[known[key]] for key in keys if key in known}


def first_seen_in(connection: Connection, seq: int) -> dict[str, datetime]:
    """Like :func:`first_seen`, for all identities of scan ``seq``."""
    keys = select(_version.c.key).where(holds(_version, seq))
    return first_seen(connection, [key for (key,) in plain_rows(connection, keys)])


def keep_from_pruning(connection: Connection, oldest: int) -> None:
    """Keep the results of :func:`first_seen` when versions are deleted that no scan from ``oldest`` on has."""
    is_kept = exists().where(_since.c.key == _version.c.key)
    going = select(_version.c.key, func.min(_version.c.first_scan)).where(_version.c.until_scan <= oldest, ~is_kept)
    connection.execute(insert(_since).from_select(["key", "first_scan"], going.group_by(_version.c.key)))
    stays = exists().where(
        _version.c.key == _since.c.key, or_(_version.c.until_scan.is_(None), _version.c.until_scan > oldest)
    )
    connection.execute(delete(_since).where(~stays))


# --- The trend: a scan and its predecessors, each with the findings that it resolved ---

SCANS = 366
"""The number of scans in a trend: a year of daily scans."""


def trend(connection: Connection, seq: int) -> tuple[ScanPoint, ...]:
    """The scan with that number and its predecessors, oldest first."""
    stored = scans.scans_up_to(connection, seq, SCANS)
    started = scans.start_times(connection)
    resolved = _resolved(connection, started)
    return tuple(
        ScanPoint(id=scan.id, started_at=scan.started_at, counts=scan.counts, resolved=resolved.get(number, {}))
        for number, scan in stored.items()
    )


def _resolved(connection: Connection, started: dict[int, datetime]) -> dict[int, Counter[int]]:
    """By number of the scan that resolved findings: the sum of days they were open, and their number."""
    finding = schema.finding.c
    ended = select(finding.key).where(finding.until_scan.is_not(None))
    rows = select(finding.key, finding.first_scan, finding.until_scan).where(finding.key.in_(ended))
    forgettings = scans.forgettings(connection)
    resolved: dict[int, Counter[int]] = {}
    for first, until in _stood(plain_rows(connection, rows.order_by(finding.key, finding.first_scan))):
        if until not in forgettings:
            resolved.setdefault(until, Counter())[max((started[until] - started[first]).days, 0)] += 1
    return resolved


def _stood(versions: list[Values]) -> Iterator[tuple[int, int]]:
    """First and last scan of each period in which a resolved finding was open; versions come by key and scan."""
    for _, of_one in groupby(versions, itemgetter(0)):
        since = last = None
        for _, first, until in of_one:
            if since is None or first != last:
                if since is not None and last is not None:
                    yield since, last
                since = first
            last = until
        if since is not None and last is not None:
            yield since, last


# --- Versions of identities and entries ---


class IdentityVersion(Struct, frozen=True, kw_only=True):
    """A version of an identity, as the last scan that had it.

    ``since``: start of the first scan with this version. ``until``: start of the first scan with another version or
    without the identity; None while the version is current.
    """

    since: datetime
    until: datetime | None
    assessment: Assessment


def versions_of(connection: Connection, key: str) -> tuple[IdentityVersion, ...]:
    """All versions of the identity, oldest first; empty for an unknown key."""
    return tuple(version for _, version in _versions(connection, [key]))


def sound_versions(connection: Connection, keys: Collection[str]) -> Iterator[tuple[str, IdentityVersion]]:
    """All versions of the identities, by key, oldest first. Damaged ones are left out."""
    wanted = sorted(keys)
    for start in range(0, len(wanted), _LOOKED_UP):
        yield from _versions(connection, wanted[start : start + _LOOKED_UP], despite_damage=True)


def _versions(
    connection: Connection, keys: Collection[str], *, despite_damage: bool = False
) -> Iterator[tuple[str, IdentityVersion]]:
    version, sighting = schema.identity.c, schema.identity_sighting.c
    seen_last = and_(
        or_(version.until_scan.is_(None), sighting.first_scan < version.until_scan),
        or_(sighting.until_scan.is_(None), sighting.until_scan >= version.until_scan),
    )
    rows = restored_rows(IDENTITIES, seen_last).where(version.key.in_(keys)).order_by(version.key, version.first_scan)
    started = scans.start_times(connection)
    shared = Shared(connection)
    for row in connection.execute(rows):
        try:
            assessment = restore(IDENTITIES, row, shared)
        except StoreError:
            if not despite_damage:
                raise
            continue
        yield (
            row.key,
            IdentityVersion(
                since=started[row.first_scan],
                until=None if row.until_scan is None else started[row.until_scan],
                assessment=assessment,
            ),
        )


def retired_since(connection: Connection, entries: Collection[str]) -> dict[str, datetime]:
    """By id, the start of the first of the last scans that all saw the entry retired. Damaged versions are left out."""
    version, found, started = schema.entry.c, dict[str, datetime](), scans.start_times(connection)
    wanted, shared = sorted(entries), Shared(connection)
    for start in range(0, len(wanted), _LOOKED_UP):
        some = version.key.in_(wanted[start : start + _LOOKED_UP])
        for row in connection.execute(unmoved_rows(ENTRIES).where(some).order_by(version.key, version.first_scan)):
            try:
                entry = restore(ENTRIES, row, shared).entry
            except StoreError:
                continue
            if entry.status == "retired":
                found.setdefault(row.key, started[row.first_scan])
            else:
                found.pop(row.key, None)
    return found
