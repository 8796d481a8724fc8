"""Which findings there were, and since when: asked for by every scan, so answered from an index or by key alone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, select

from scanner.history import scans, schema
from scanner.history.engine import plain_rows
from scanner.history.finding_kind import ACKNOWLEDGED
from scanner.history.intervals import BATCH
from scanner.history.moments import moment_of
from scanner.model import Earlier

_NOTHING = Earlier(first_seen=None, announced=False)


def known(connection: Connection) -> dict[str, datetime | None]:
    """By fingerprint of the open findings but those held back, when they were first seen."""
    finding = schema.finding.c
    rows = select(finding.key, finding.first_seen).where(finding.until_scan.is_(None), finding.held_back.is_(None))
    with connection.execute(rows) as result:
        # The driver's own rows, one by one: a list of a million pairs would take more than the answer.
        return {key: None if since is None else moment_of(since) for key, since in iter(result.cursor.fetchone, None)}


def earlier(connection: Connection, wanted: Collection[str]) -> dict[str, Earlier]:
    """What any scan knew of these findings, by fingerprint. One that was last forgotten counts as never announced."""
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
                let_be=later.let_be or (until is None and unannounced == ACKNOWLEDGED),
            )
    return found
