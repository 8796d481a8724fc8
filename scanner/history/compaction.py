"""Giving back what pruning freed: SQLite keeps the pages of deleted rows for later, and the file never shrinks."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress

from sqlalchemy import Engine
from sqlalchemy.engine.interfaces import DBAPICursor

MOST_FREE = 0.25
"""So much of the file may be free: scans to come fill it again."""
WORTH_IT = 16 * 1024 * 1024
"""Bytes; to write a whole file anew for less is more trouble than it saves."""


def compact(engine: Engine) -> int:
    """Rewrite the file without its free pages where they are many; returns the bytes that were free.

    Readers go on reading meanwhile, as all is written beside the file. Where somebody else is in the way, or there is
    no room for the copy, it is left for the next time.
    """
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        size, pages, free = (_asked(cursor, name) for name in ("page_size", "page_count", "freelist_count"))
        is_written_ahead = cursor.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        if not is_written_ahead or free * size < WORTH_IT or free < pages * MOST_FREE:
            return 0
        with suppress(sqlite3.OperationalError):
            cursor.execute("VACUUM")
            return free * size
    return 0


def _asked(cursor: DBAPICursor, name: str) -> int:
    return int(cursor.execute(f"PRAGMA {name}").fetchone()[0])
