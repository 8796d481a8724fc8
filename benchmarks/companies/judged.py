"""What Muster makes of a company's files, read and judged as a scan does, beside what is so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.companies.company import Company, Row, Truth
from benchmarks.companies.people import Member
from benchmarks.companies.sheets import plain, write
from connectors.file.connector import FileConnector, FileSettings
from scanner.app.lists import load_lists
from scanner.config.load import Config, load_config
from scanner.discovery.inventory import Inventory
from scanner.errors import RegistryError
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.pipeline import Declared, judge
from scanner.model import Assessment, Coverage, Entry, EntryAssessment, Identity, Person, Policy, ScanInfo, ScanResult
from scanner.registry.editing.lint import lint_lists

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
_PLACE = r"(?:\[[^\]]*\])?:(\d+(?:, ?\d+)*)"
_SHORTEST = 6
"""The fewest characters of a cell by which a warning quotes it."""


class Case(Struct, frozen=True, kw_only=True):
    """An identity. ``claimed``: the number of the row that it is registered to; -1 for what is no row of the list.

    ``suggested``: rows of its candidates, best first, with their scores. ``warned``: a warning names the row's line
    and says something of this cell.
    """

    truth: Truth
    said: Assessment
    claimed: int | None
    suggested: tuple[tuple[int, float], ...]
    warned: bool

    @property
    def falsely_registered(self) -> bool:
        """The costly mistake."""
        return self.claimed is not None and not self.rightly_registered

    @property
    def rightly_registered(self) -> bool:
        """To the row that declares it."""
        return self.claimed is not None and self.truth.verdict == "registered" and self.claimed == self.truth.row


class Outcome(Struct, frozen=True, kw_only=True):
    """A company, judged. ``refused``: why its registry or its roster was not read.

    ``entries``: the entry of each row, by number. ``no_rows``: entries that were made of something else. ``asked``:
    of each unmatched entry, the keys suggested for it. ``people``: by e-mail. ``texts``: all messages about a row;
    ``warned``: rows with a warning about their names.
    """

    company: Company
    cases: tuple[Case, ...]
    entries: Mapping[int, Entry]
    no_rows: tuple[Entry, ...]
    asked: Mapping[int, tuple[str, ...]]
    people: Mapping[str, Person]
    warned: frozenset[int]
    texts: Mapping[int, Sequence[str]]
    refused: tuple[str, ...]


def judged(company: Company, *, explained: bool = False) -> Outcome:
    """The company through the real program: files, config, lists, pipeline, lint.

    ``explained``: statuses and dates are plain, and the config says what each heading means.
    """
    if explained:
        company = plain(company)
    with TemporaryDirectory() as folder:
        number_of = write(company, Path(folder), explained=explained)
        config = load_config(Path(folder, "config.toml"))
        declared, warnings, refused = _lists(config)
        result = judge(
            _inventory(Path(folder)),
            declared,
            Remembered(),
            ScanInfo(id="companies", started_at=NOW, finished_at=NOW, version="0"),
        )
        texts = [*warnings, *result.notices, *_lint(config)]
    return _compared(company, declared, result, number_of, texts, refused)


def _lists(config: Config) -> tuple[Declared, Sequence[str], tuple[str, ...]]:
    """What the lists declare; one that is refused is left out, so that the other is measured."""
    parts: list[Declared] = []
    warnings: list[str] = []
    refused: list[str] = []
    whole = Declared()
    for part in (replace(config, people=()), replace(config, registry=())):
        try:
            loaded = load_lists(part, (), strict=False)
        except RegistryError as error:
            refused.append(str(error.problems[0]))
            continue
        parts.append(loaded.declared)
        warnings += loaded.warnings
    for one in parts:
        whole = replace(whole, sources=one.sources)
        if one.entries is not None:
            whole = replace(whole, entries=one.entries, unread=one.unread)
        if one.people is not None:
            whole = replace(whole, people=one.people)
    return whole, warnings, tuple(refused)


def _inventory(folder: Path) -> Inventory:
    connector = FileConnector("lists", FileSettings(path=folder / "inventory.csv"))
    records = [record for scope in connector.scopes() for record in connector.discover(scope)]
    return Inventory(
        identities=tuple(one for one in records if isinstance(one, Identity)),
        coverage=tuple(one for one in records if isinstance(one, Coverage)),
    )


def _lint(config: Config) -> list[str]:
    try:
        found = lint_lists(config.registry, config.people, policy=Policy(), providers=None, today=NOW.date())
    except RegistryError as error:
        return list(map(str, error.problems))
    return [str(one) for one in (*found.problems, *found.warnings)]


def _compared(
    company: Company,
    declared: Declared,
    result: ScanResult,
    number_of: Mapping[int, int],
    texts: Sequence[str],
    refused: tuple[str, ...],
) -> Outcome:
    entries = {one.id: one for one in declared.entries or ()}
    row_of = {key: number_of.get(one.origin.row or 0, -1) for key, one in entries.items()}
    said_of = _said_of(company, texts, number_of)
    warned = frozenset(
        number for number, row in enumerate(company.rows) if _about_names(company, row, said_of.get(number, ()))
    )
    return Outcome(
        company=company,
        cases=tuple(_case(company.truth[one.identity.key], one, row_of, warned) for one in result.identities),
        entries={row_of[key]: one for key, one in entries.items() if row_of[key] >= 0},
        no_rows=tuple(one for key, one in entries.items() if row_of[key] < 0),
        asked={
            row_of[one.entry.id]: _keys(one)
            for one in result.entries
            if row_of.get(one.entry.id, -1) >= 0 and one.candidates
        },
        people={one.email.lower(): one for one in declared.people or ()},
        warned=warned,
        texts=said_of,
        refused=refused,
    )


def _keys(entry: EntryAssessment) -> tuple[str, ...]:
    return tuple(one.identity for one in entry.candidates)


def _case(truth: Truth, said: Assessment, row_of: Mapping[str, int], warned: frozenset[int]) -> Case:
    entry = said.registry.entry
    return Case(
        truth=truth,
        said=said,
        claimed=None if entry is None or said.registry.state != "registered" else row_of.get(entry, -1),
        suggested=tuple((row_of.get(one.entry, -1), one.score) for one in said.registry.candidates),
        warned=truth.row in warned,
    )


def _said_of(company: Company, texts: Iterable[str], number_of: Mapping[int, int]) -> Mapping[int, list[str]]:
    """All messages that name the line of a row, by its number."""
    place = re.compile(re.escape(company.words.registry.file) + _PLACE)
    found: dict[int, list[str]] = {}
    for text in texts:
        for lines in place.findall(text):
            for line in lines.split(","):
                if int(line) in number_of:
                    found.setdefault(number_of[int(line)], []).append(text)
    return found


def _about_names(company: Company, row: Row, texts: Iterable[str]) -> bool:
    """Whether one of them is about what the row names: it has the heading, or quotes the cell or a piece of it."""
    headings = company.words.registry.headings
    cells = {column: str(row.cells[column]) for column in ("identity", "provider", "scope")}
    pieces = [piece for cell in cells.values() for piece in re.split(r"[\s,;|/&]+", cell) if len(piece) >= _SHORTEST]
    wholes = [mark for cell in cells.values() if cell for mark in (f'"{cell}"', f" {cell} ")]
    marks = (*(f" {headings[column]}:" for column in cells), *pieces, *wholes)
    return any(mark in text for text in texts for mark in marks)


def person_of(outcome: Outcome, one: Member) -> Person | None:
    """Somebody as Muster has read them."""
    return outcome.people.get(one.mail.lower())
