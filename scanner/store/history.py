"""History in the store: first sightings, versions of identities, the trend, and pruning."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import groupby
from operator import itemgetter

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Table, and_, delete, exists, func, insert, or_, select, update

from scanner.errors import StoreError
from scanner.model import Assessment, Identity, ScanPoint
from scanner.store import bodies, scans, schema
from scanner.store.bodies import decode
from scanner.store.database import Values
from scanner.store.engine import plain_rows
from scanner.store.integrity import checksum
from scanner.store.intervals import BATCH, holds, read_open, restore, restored_rows, unmoved_rows
from scanner.store.kinds import ENTRIES, IDENTITIES
from scanner.text import without_surrogates

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


# --- The versions of one identity ---


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
    known_wordings = bodies.all_wordings(connection)
    for row in connection.execute(rows):
        try:
            assessment = restore(IDENTITIES, row, known_wordings)
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
    wanted = sorted(entries)
    for start in range(0, len(wanted), _LOOKED_UP):
        some = version.key.in_(wanted[start : start + _LOOKED_UP])
        for row in connection.execute(unmoved_rows(ENTRIES).where(some).order_by(version.key, version.first_scan)):
            try:
                entry = restore(ENTRIES, row, {}).entry
            except StoreError:
                continue
            if entry.status == "retired":
                found.setdefault(row.key, started[row.first_scan])
            else:
                found.pop(row.key, None)
    return found


# --- Search by key, name, alias or id, without an index of names that every scan would have to write ---

_NEAR = 3
_LIKE = 60
"""How similar a name must be to be suggested, from 0 to 100."""
_ASCII = re.compile(r"[\x20-\x7e]*")


def find_by_name(connection: Connection, text: str) -> tuple[Assessment, ...]:
    """The latest scan's identities with this key, name, alias or id, ordered by key.

    A key is looked up. Otherwise the database searches all bodies for a piece of the text, which takes about a second
    for a million identities, and only the bodies it finds are decoded.
    """
    identity, text = schema.identity.c, without_surrogates(text)
    by_key = tuple(read_open(connection, IDENTITIES, identity.key == text))
    if by_key:
        return by_key
    mentions = or_(identity.unique_id == text, identity.body.icontains(_piece(text), autoescape=True))
    mentioning = read_open(connection, IDENTITIES, mentions)
    found = (assessment for assessment in mentioning if _answers_to(assessment.identity, text))
    return tuple(sorted(found, key=IDENTITIES.key))


def similar_names(connection: Connection, text: str) -> tuple[str, ...]:
    """A few similar names among the latest scan's identities: names that contain the text first, then by similarity.

    Only the names of each body are decoded: about two seconds for a million identities.
    """
    from rapidfuzz import fuzz, process  # only a mistyped name needs it

    identity = schema.identity.c
    bodies = connection.execute(
        select(identity.body).where(identity.until_scan.is_(None)), execution_options={"yield_per": BATCH}
    )
    records = (decode(_named, body, "identity").identity for (body,) in bodies)
    names = dict.fromkeys(name for record in records for name in (record.name, record.display_name) if name)
    folded = without_surrogates(text).casefold().strip()
    holding = sorted((name for name in names if folded and folded in name.casefold()), key=len)
    like = process.extract(
        folded, names.keys(), scorer=fuzz.ratio, processor=str.casefold, limit=_NEAR, score_cutoff=_LIKE
    )
    return tuple(dict.fromkeys([*holding[:_NEAR], *(name for name, _, _ in like)]))[:_NEAR]


class _Names(Struct, frozen=True):
    name: str
    display_name: str | None = None


class _Named(Struct, frozen=True):
    """The names of an assessment's identity."""

    identity: _Names


_named = msgspec.json.Decoder(_Named)


def _piece(text: str) -> str:
    """The longest piece of the text that JSON does not escape. Databases ignore case in ASCII alone."""
    written = msgspec.json.encode(text)[1:-1].decode()
    return max((found[0] for found in _ASCII.finditer(written)), key=len)


def _answers_to(identity: Identity, name: str) -> bool:
    ids = (identity.key, identity.unique_id, *identity.aliases, *(credential.id for credential in identity.credentials))
    names = (identity.name, identity.display_name)
    return name in ids or name.casefold() in (known.casefold() for known in names if known)


# --- Pruning: rows of old scans are deleted, open rows stay, and the other scans load as before ---
# A row of the table of scans is emptied, not deleted: open versions may have begun with it, and their history needs its
# start.

_INTERVALS: tuple[Table, ...] = tuple(table for table in schema.metadata.sorted_tables if "until_scan" in table.c)
_EMPTY = {"summary": "{}", "policy": "{}", "notices": "[]"}


class Pruning(Struct, frozen=True, kw_only=True):
    """What pruning deletes: scans, and versions and sightings that no other scan has."""

    scans: int
    rows: int
    kept: int


def plan(connection: Connection, before: datetime) -> Pruning:
    """What :func:`prune` would delete."""
    oldest = _oldest_kept(connection, before)
    scan = schema.scan.c
    kept = select(func.count()).where(scans.is_kept(), scan.seq >= oldest)
    going = select(func.count()).where(scans.is_kept(), scan.seq < oldest)
    rows = [select(func.count()).where(table.c.until_scan <= oldest) for table in _INTERVALS]
    return Pruning(
        scans=connection.execute(going).scalar_one(),
        rows=sum(connection.execute(count).scalar_one() for count in rows),
        kept=connection.execute(kept).scalar_one(),
    )


def prune(connection: Connection, before: datetime, now: datetime) -> Pruning:
    """Delete the scans that started before ``before``, except the latest, and versions that only they had."""
    planned, oldest = plan(connection, before), _oldest_kept(connection, before)
    if planned.scans:
        keep_from_pruning(connection, oldest)
        for table in _INTERVALS:
            connection.execute(delete(table).where(table.c.until_scan <= oldest))
        connection.execute(delete(schema.coverage).where(schema.coverage.c.scan < oldest))
        going = select(schema.scan).where(scans.is_kept(), schema.scan.c.seq < oldest)
        for row in connection.execute(going).all():
            names = (column.name for column in schema.scan.c)
            emptied = dict(zip(names, row, strict=True)) | _EMPTY | {"pruned_at": now.isoformat()}
            emptied["checksum"] = checksum(schema.scan, tuple(emptied.values()))
            connection.execute(update(schema.scan).where(schema.scan.c.seq == row.seq).values(emptied))
    return planned


def _oldest_kept(connection: Connection, before: datetime) -> int:
    """The number of the first scan that is not too old. All scans stored after it are kept, too."""
    scan = schema.scan.c
    recent = select(func.min(scan.seq)).where(scans.is_kept(), scan.started_at >= before.isoformat())
    oldest: int | None = connection.execute(recent).scalar_one()
    return (scans.latest(connection) or 0) if oldest is None else oldest
