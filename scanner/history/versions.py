"""Every version of one identity, with the times between which it held."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sqlalchemy import Connection, and_, or_

from scanner.history import scans, schema, wordings
from scanner.history.intervals import restore, restored_rows
from scanner.history.record_kinds import IDENTITIES
from scanner.model import Assessment


class IdentityVersion(Struct, frozen=True, kw_only=True):
    """What was known of an identity from one scan to another, as the last of them had it.

    ``since``: start of the first scan that had it so. ``until``: start of the first that had it otherwise, or not at
    all; None while it holds.
    """

    since: datetime
    until: datetime | None
    assessment: Assessment


def versions_of(connection: Connection, key: str) -> tuple[IdentityVersion, ...]:
    """All versions of the identity, oldest first; empty for a key that was never seen."""
    version, sighting = schema.identity.c, schema.identity_sighting.c
    seen_last = and_(
        or_(version.until_scan.is_(None), sighting.first_scan < version.until_scan),
        or_(sighting.until_scan.is_(None), sighting.until_scan >= version.until_scan),
    )
    rows = restored_rows(IDENTITIES, seen_last).where(version.key == key).order_by(version.first_scan)
    started = scans.start_times(connection)
    known_wordings = wordings.all_wordings(connection)
    return tuple(
        IdentityVersion(
            since=started[row.first_scan],
            until=None if row.until_scan is None else started[row.until_scan],
            assessment=restore(IDENTITIES, row, known_wordings),
        )
        for row in connection.execute(rows)
    )
