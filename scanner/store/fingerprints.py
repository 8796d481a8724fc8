"""Findings and recreated identities in earlier scans."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from itertools import islice

from sqlalchemy import ColumnElement, Connection, literal_column, select

from scanner.model import Earlier, Finding, KnownFinding, Severity
from scanner.store import scans, schema
from scanner.store.bodies import moment_of
from scanner.store.database import Values
from scanner.store.engine import plain_rows
from scanner.store.intervals import BATCH, read_open
from scanner.store.kinds import ACKNOWLEDGED, FINDINGS, HELD_BACK
from scanner.text import without_surrogates

# --- Which findings there were, and since when: every scan asks this, so an index or the key alone answers ---

_NOTHING = Earlier(first_seen=None, announced=False)


def known(connection: Connection) -> dict[str, KnownFinding]:
    """Open findings that were announced, by fingerprint."""
    finding = schema.finding.c
    rows = select(finding.key, finding.first_seen, finding.severity)
    announced = rows.where(finding.until_scan.is_(None), finding.held_back.is_(None))
    with connection.execute(announced) as result:
        # Rows are read one at a time: a list of a million of them would take more memory than the result, whose few
        # different records are shared.
        return {key: _known(since, severity) for key, since, severity in iter(result.cursor.fetchone, None)}


def held_back(connection: Connection) -> dict[str, Severity]:
    """Severities of the open findings that a gap keeps from being announced, by fingerprint."""
    finding = schema.finding.c
    rows = select(finding.key, finding.severity).where(finding.until_scan.is_(None), finding.held_back == HELD_BACK)
    with connection.execute(rows) as result:
        return dict(iter(result.cursor.fetchone, None))


@lru_cache(maxsize=10_000)
def _known(since: str | None, severity: Severity) -> KnownFinding:
    return KnownFinding(None if since is None else moment_of(since), severity)


def earlier(connection: Connection, wanted: Collection[str]) -> dict[str, Earlier]:
    """The history of these findings, by fingerprint. A forgotten finding counts as never announced."""
    finding = schema.finding.c
    rows = select(finding.key, finding.first_seen, finding.until_scan, finding.held_back)
    rows = rows.order_by(finding.first_scan.desc())
    asked, found = iter(sorted(wanted)), dict[str, Earlier]()
    forgettings, forgotten = scans.forgettings(connection), set[str]()
    while batch := list(islice(asked, BATCH)):
        for key, since, until, unannounced in plain_rows(connection, rows.where(finding.key.in_(batch))):
            if key not in found and until in forgettings:
                forgotten.add(key)
            later = found.get(key, _NOTHING)
            found[key] = Earlier(
                first_seen=None if since is None else moment_of(since),
                announced=later.announced or (unannounced is None and key not in forgotten),
                acknowledged=later.acknowledged or (until is None and unannounced == ACKNOWLEDGED),
            )
    return found


# --- Unique ids and keys over time, by which judging recognizes recreated and renamed identities ---


def last_issued(connection: Connection, keys: Iterable[str]) -> dict[str, tuple[str, str, str]]:
    """Key, provider, scope and the last known unique id of every identity, including identities that left."""
    identity = schema.identity.c
    rows = _last(connection, keys, identity.provider, identity.scope, identity.unique_id)
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def last_unique_ids(connection: Connection, keys: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Key, source and the last known unique id of every identity, including identities that left."""
    rows = _last(connection, keys, schema.identity.c.source, schema.identity.c.unique_id)
    return {row[0]: (row[1], row[2]) for row in rows}


def _last(connection: Connection, keys: Iterable[str], *facts: ColumnElement[str | None]) -> Iterator[Values]:
    """Key and facts of every version with a unique id; the last version of each key comes last."""
    identity = schema.identity.c
    known = select(identity.key, *facts).where(identity.unique_id.is_not(None))
    stored = iter(sorted({without_surrogates(key) for key in keys}))
    while batch := list(islice(stored, BATCH)):
        yield from plain_rows(connection, known.where(identity.key.in_(batch)).order_by(identity.first_scan))


def open_recreations(connection: Connection) -> Iterator[Finding]:
    """The latest scan's findings of the rule ``recreated``."""
    # Written out: SQLite does not use a partial index for a condition that is a parameter.
    recreations = schema.finding.c.rule == literal_column("'recreated'")
    yield from read_open(connection, FINDINGS, recreations, despite_damage=True)
