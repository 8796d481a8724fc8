"""Metadata of an index file."""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import datetime

import msgspec
from msgspec import Struct

from reports.states import STATES
from scanner import __version__
from scanner.serve.index.lists import LISTS

APPLICATION = 0x4D757374
"""The application id of these SQLite files: https://www.sqlite.org/fileformat2.html#application_id."""


class IndexInfo(Struct, frozen=True, kw_only=True):
    """The scan of an index file, and when the file was built. ``format``: see :func:`current_format`."""

    scan: str
    started_at: datetime
    built_at: datetime
    format: str


def current_format() -> str:
    """The format of the files of this version of Muster; a file of another format is rebuilt."""
    states = {axis: list(known) for axis, known in STATES.items()}
    return hashlib.sha256(msgspec.json.encode((__version__, LISTS, states))).hexdigest()[:16]


def write_about(connection: sqlite3.Connection, about: IndexInfo) -> None:
    """Write the metadata last, which marks the file as complete."""
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute("INSERT INTO about VALUES ('about', ?)", (msgspec.json.encode(about).decode(),))


def read_about(connection: sqlite3.Connection) -> IndexInfo | None:
    """The metadata; None for a file of another program or format. Raises ``sqlite3.DatabaseError``."""
    if connection.execute("PRAGMA application_id").fetchone() != (APPLICATION,):
        return None
    row = connection.execute("SELECT value FROM about WHERE name = 'about'").fetchone()
    try:
        about = msgspec.json.decode(row[0] if row else b"", type=IndexInfo)
    except msgspec.DecodeError:
        return None
    return about if about.format == current_format() else None
