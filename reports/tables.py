"""Tables of the spreadsheet formats and their rows; tables of any columns and rows as CSV and Markdown."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, BinaryIO, Generic, Literal, TypeAlias, TypeVar

from msgspec import Struct

from reports.judged import with_identities
from reports.states import Axis
from scanner.model import Credential, Finding, Identity, ScanResult, StoredSecret
from scanner.rules.next_step import step_of
from scanner.rules.wording import plain
from scanner.text import markdown_sentence, markdown_text, printable

Known: TypeAlias = str | int | bool | date | datetime
Cell: TypeAlias = Known | None
"""The value of a cell. None is unknown, an empty cell in every format."""

Row = TypeVar("Row")


class Column(Struct, Generic[Row], frozen=True):
    """A column: its heading, how to get its cell from a row, and an explanation. ``width`` is in characters.

    With the type ``lines``, its cells are texts of several printable lines. With an ``axis``, its cells are states of
    that axis.
    ``fill_in``: for people to fill in, with ``choices``; ``others`` allows any other value; ``people``: choices from
    the roster. ``title``: shown in a workbook instead of the name, which stays the heading for programs. ``folded``:
    hidden in a workbook to fill in until it is expanded; ``frozen``: always visible. ``suggestion``: formatted as one.
    """

    name: str
    get: Callable[[Row], Cell]
    help: str
    width: int = 16
    type: Literal["text", "lines", "date", "datetime", "bool", "int"] = "text"
    axis: Axis | None = None
    fill_in: bool = False
    choices: tuple[str, ...] = ()
    others: bool = False
    people: bool = False
    title: str = ""
    folded: bool = False
    frozen: bool = False
    suggestion: bool = False

    @property
    def shown_as(self) -> str:
        """The heading for people."""
        return self.title or self.name.replace("_", " ").capitalize()


class Table(Struct, Generic[Row], frozen=True):
    """A view as a table; ``rows`` lists what each column's ``get`` takes, from a whole result."""

    title: str
    rows: Callable[[ScanResult], Iterator[Row]]
    columns: tuple[Column[Row], ...]


class FindingRow(Struct, frozen=True, gc=False):
    """A finding with its identity, if it has one, and the next step."""

    finding: Finding
    identity: Identity | None
    next_step: str


class CredentialRow(Struct, frozen=True, gc=False):
    """A credential with its holder, or a stored secret. The fields are the columns."""

    kind: str
    id: str
    key: str
    provider: str
    scope: str
    identity: str | None = None
    name: str | None = None
    owner: str | None = None
    enabled: bool | None = None
    created_at: datetime | None = None
    rotated_at: datetime | None = None
    expires_at: datetime | None = None
    never_expires: bool | None = None
    last_used_at: datetime | None = None


# --- cells --------------------------------------------------------------------

# Spreadsheets treat these as a formula at the start of a cell, also after blanks and quotes, and in full width. If a
# spreadsheet splits at semicolons, the middle of a cell may become a start, too.
_COULD_BE_FORMULA = re.compile(r"""(^|;)(?=[\s'"]*[=+\-@\uff1d\uff0b\uff0d\uff20])""")


@lru_cache(maxsize=1_000)  # nearly all cells except key and name occur in many rows: saves a fifth of a CSV's time
def harmless(text: str) -> str:
    """Untrusted text for a spreadsheet: on one line, with a ``'`` before a formula so that it stays text.

    Removing a ``'`` before a formula restores the text: a text that already began with ``'`` and continues as a formula
    gets a second one.
    """
    if text.isascii() and text.isprintable() and text[:1].isalnum() and ";" not in text:
        return text  # nearly every cell, at a fraction of the cost
    return _COULD_BE_FORMULA.sub(r"\1'", printable(text))


def harmless_lines(text: str) -> str:
    """Like :func:`harmless`, for several lines of a workbook's cell."""
    return "\n".join(map(harmless, text.split("\n")))


# --- any columns and rows as CSV and Markdown ----------------------------------

_SENTENCES = frozenset({"next_step", "remediation"})
"""Columns of sentences that may have commands in backticks; all others have names from outside."""


def write_csv(columns: Sequence[Column[Any]], rows: Sequence[Any], out: BinaryIO) -> None:
    """Write heading and rows as RFC 4180 in UTF-8. Unknown values are empty, and no cell is a formula."""
    writer = csv.writer(codecs.getwriter("utf-8")(out))
    writer.writerow(column.name for column in columns)
    writer.writerows((_in_spreadsheet(column, row) for column in columns) for row in rows)


def markdown_table(columns: Sequence[Column[Any]], rows: Sequence[Any]) -> str:
    """The table in GitHub's Markdown, with headings as words."""
    lines = [[markdown_text(column.name.replace("_", " ")) for column in columns], ["---"] * len(columns)]
    lines += [[_markdown_cell(column, row) for column in columns] for row in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _markdown_cell(column: Column[Any], row: Any) -> str:
    escape = markdown_sentence if column.name in _SENTENCES else markdown_text
    return escape(plain(column.get(row)))


def _in_spreadsheet(column: Column[Any], row: Any) -> str:
    cell = column.get(row)
    if not isinstance(cell, str):
        return plain(cell)
    return harmless(cell.replace("\n", " | ") if column.type == "lines" else cell)


# --- rows ---------------------------------------------------------------------


def finding_rows(result: ScanResult) -> Iterator[FindingRow]:
    """All findings in the result's order: highest severity first."""
    for finding, judged in with_identities(result, result.findings):
        yield FindingRow(finding, judged.identity if judged else None, step_of(finding, judged))


def credential_rows(result: ScanResult) -> Iterator[CredentialRow]:
    """The credentials of all identities, then the stored secrets."""
    for judged in result.identities:
        for credential in judged.identity.credentials:
            yield _held(credential, judged.identity, judged.ownership.owner)
    yield from map(_stored, result.secrets)


def _held(credential: Credential, holder: Identity, owner: str | None) -> CredentialRow:
    return CredentialRow(
        kind=credential.kind,
        id=credential.id,
        key=credential.key,
        provider=holder.provider,
        scope=holder.scope,
        identity=holder.key,
        name=holder.name,
        owner=owner,
        enabled=credential.enabled,
        created_at=credential.created_at,
        expires_at=credential.expires_at,
        never_expires=credential.never_expires,
        last_used_at=credential.last_used_at,
    )


def _stored(secret: StoredSecret) -> CredentialRow:
    return CredentialRow(
        kind="secret",
        id=secret.name,
        key=secret.key,
        provider=secret.provider,
        scope=secret.scope,
        created_at=secret.created_at,
        rotated_at=secret.rotated_at,
        expires_at=secret.expires_at,
        last_used_at=secret.last_used_at,
    )
