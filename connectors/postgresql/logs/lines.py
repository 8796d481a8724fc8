"""The lines of PostgreSQL's server log, as ``jsonlog`` or ``csvlog`` writes them.

Source: PostgreSQL's manual, "Error Reporting and Logging", the columns of CSV and the keys of JSON.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from msgspec import Struct

from connectors.core.budget import MEBIBYTE
from connectors.core.offline import Unreadable
from connectors.logs.content import MOST_LINE, CutLine, Records, begun
from connectors.logs.spoilt import WRONG, Spoilt

_COLUMNS = 23
"""Those of version 12; newer ones have more, at the end."""
_ROWS = 2_000
_SPACE = b" \t\r\n\xef\xbb\xbf"


class PostgresqlLine(Struct, gc=False, frozen=True):
    """One line, as far as it is read. ``ps``: the command that the session is at."""

    timestamp: str
    error_severity: str
    user: str = ""
    dbname: str = ""
    remote_host: str = ""
    session_id: str = ""
    line_num: int = 0
    ps: str = ""
    state_code: str = ""
    message: str = ""
    application_name: str = ""


class PostgresqlRecords(Records[PostgresqlLine]):
    """Decodes both forms."""

    def __init__(self) -> None:
        super().__init__(PostgresqlLine, ())

    def of(self, pieces: Iterable[bytes], spoilt: Spoilt | None = None) -> Iterator[list[PostgresqlLine]]:
        """See ``Records``."""
        head, whole = begun(pieces, 1)
        if head.lstrip(_SPACE)[:1].isdigit():
            yield from _rows(whole, spoilt or Spoilt())
        else:
            yield from super().of(whole, spoilt)


def _rows(pieces: Iterable[bytes], spoilt: Spoilt) -> Iterator[list[PostgresqlLine]]:
    """The rows of CSV; messages may have line breaks. Raises Unreadable."""
    good: list[PostgresqlLine] = []
    for row in _texts(pieces):
        try:
            good.append(_line(row.decode()))
        except WRONG as error:
            yield spoilt.next(good)
            good = []
            spoilt.undecoded(b"", error)
        if len(good) >= _ROWS:
            yield spoilt.next(good)
            good = []
    yield spoilt.next(good)


def _texts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Rows end at a line break outside of quotes."""
    row, rest, quotes = bytearray(), b"", 0
    for piece in pieces:
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        for line in lines:
            row += line
            quotes += line.count(b'"')
            if quotes % 2 == 0:
                if row.strip():
                    yield bytes(row)
                row, quotes = bytearray(), 0
            else:
                row += b"\n"
        if len(row) + len(rest) > MOST_LINE:
            raise Unreadable(f"one of its rows is longer than {MOST_LINE // MEBIBYTE} MB")
    if row or rest.strip():
        raise CutLine("its last row is cut short")


def _line(row: str) -> PostgresqlLine:
    """A row by its columns. Raises Unreadable."""
    csv.field_size_limit(MOST_LINE)  # by default, 131,072: a statement may be longer
    try:
        fields = next(csv.reader([row], strict=True))
    except csv.Error as error:
        raise Unreadable("one of its rows is no CSV") from error
    if len(fields) < _COLUMNS:
        raise Unreadable("one of its rows is none of csvlog")
    return PostgresqlLine(
        timestamp=fields[0],
        user=fields[1],
        dbname=fields[2],
        remote_host=fields[4] if fields[4] == "[local]" else fields[4].rpartition(":")[0],
        session_id=fields[5],
        line_num=int(fields[6]),
        ps=fields[7],
        error_severity=fields[11],
        state_code=fields[12],
        message=fields[13],
        application_name=fields[22],
    )
