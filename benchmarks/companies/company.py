"""One company: its inventory, its registry and its roster, and what is so about each of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from random import Random
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.companies import dates
from benchmarks.companies.changes import CHANGES
from benchmarks.companies.estate import BARE, PLATFORMS, Estate, Principal
from benchmarks.companies.people import EITHER, OTHERS, UNDERSTOOD, Cell, Member, Staff
from benchmarks.companies.shapes import BEYOND, SHAPES, Cells, placed
from benchmarks.companies.traps import CLOUDS, TRAPS, Verdict, undeclared
from benchmarks.companies.words import Words, words
from scanner.model import EntryStatus

NO_PARTNER = "no partner"
PATTERN = "a pattern"


class Truth(Struct, frozen=True, kw_only=True):
    """What a colleague makes of an identity. ``row``: the row that is about it, by number; None without one.

    ``shape``: how that row is written, or the trap's name.
    """

    verdict: Verdict
    shape: str
    row: int | None = None

    @property
    def is_due(self) -> bool:
        """Whether Muster should register it by what it promises."""
        return self.verdict == "registered" and self.shape not in BEYOND

    @property
    def change(self) -> str | None:
        """How its name in the row was changed, where a suggestion should find it."""
        return self.shape if self.shape in CHANGES else None


class Row(Struct, frozen=True, kw_only=True):
    """A row of the registry, by column, and what its cells mean. ``owners``: e-mails of those who may be named.

    ``warns``: a warning has to name its line. ``owner_form``: None where owners are not measured.
    """

    cells: Mapping[str, object]
    status: EntryStatus
    end: dates.Dated
    owners: frozenset[str] = frozenset()
    owner_form: str | None = None
    warns: bool = False


class Company(Struct, frozen=True, kw_only=True):
    """``truth``: by the key of the identity. ``roster``: rows by column, in the order of ``staff``."""

    language: str
    words: Words
    principals: tuple[Principal, ...]
    truth: Mapping[str, Truth]
    rows: tuple[Row, ...]
    staff: tuple[Member, ...]
    roster: tuple[Mapping[str, object], ...]


def make_company(language: str, seed: int, rounds: int = 3) -> Company:
    """The company of that language; each shape, trap, change and form ``rounds`` times."""
    draft = _Draft(words(language), Random(f"{language} {seed}"))
    for _ in range(rounds):
        draft.shapes()
        draft.traps()
        draft.changes()
        draft.owners()
        draft.statuses()
    draft.undeclared(rounds * 16)
    return draft.done(language)


class _Draft:
    def __init__(self, tables: Words, rng: Random) -> None:
        self._words = tables
        self._rng = rng
        self._estate = Estate(tables, rng)
        self._staff = Staff(tables, rng)
        self._typed = tables.registry.file.endswith(".xlsx")
        self._found: dict[str, tuple[Principal, Truth]] = {}
        self._rows: list[Row] = []

    def shapes(self) -> None:
        for name, shape in (*SHAPES.items(), *BEYOND.items()):
            platform = self._rng.choice(shape.platforms)
            first = self._estate.new(platform)
            found = [first]
            found += (self._estate.new(platform) for _ in range(self._rng.randint(shape.fewest, shape.most) - 1))
            # All of a cell are of one place.
            found = [
                one if one.scope == first.scope else self._estate.called(platform, one.name, one.words, first.scope)
                for one in found
            ]
            row = self._row(shape.write(found, self._words, self._rng))
            for one in found:
                self._add(one, Truth(verdict="registered", shape=name, row=row))
        self._pattern()

    def _pattern(self) -> None:
        platform, pair = self._rng.choice(CLOUDS), self._estate.pair()
        found = [
            self._estate.new(platform, name=f"{pair[0]}-{pair[1]}-{number:02}", pair=pair) for number in range(1, 4)
        ]
        row = self._row(Cells(f"{pair[0]}-{pair[1]}-*", PLATFORMS[platform].plain))
        for one in found:
            self._add(one, Truth(verdict="registered", shape=PATTERN, row=row))

    def traps(self) -> None:
        for name, make in TRAPS.items():
            trap = make(self._estate, self._words, self._rng)
            row = None if trap.cells is None else self._row(trap.cells, status=trap.status, warns=trap.warns)
            for one, verdict in trap.found:
                self._add(one, Truth(verdict=verdict, shape=name, row=row))

    def changes(self) -> None:
        for name, change in CHANGES.items():
            for _ in range(2):
                one, cells = change(self._estate, self._words, self._rng)
                self._add(one, Truth(verdict="candidate", shape=name, row=self._row(cells)))

    def owners(self) -> None:
        for name, form in (*UNDERSTOOD.items(), *OTHERS.items()):
            owner, other = self._rng.sample(self._staff.here, 2)
            one = self._estate.new("aws user")
            right = {owner.mail, other.mail} if name == EITHER else {owner.mail}
            row = self._row(
                Cells(one.key),
                owner=form(Cell(self._staff, owner, other, self._words, self._rng)),
                owners=frozenset(right if name in UNDERSTOOD else ()),
                owner_form=name,
            )
            self._add(one, Truth(verdict="registered", shape="key", row=row))

    def statuses(self) -> None:
        """Rows of what is long gone, in every status and with an end in the past."""
        for status, written in self._words.registry.statuses.items():
            for word in written:
                gone = self._estate.called(self._rng.choice(BARE), "-".join(pair := self._estate.pair()), pair)
                self._row(placed(gone.name, gone), status=status, word=word, years=(2016, 2023))

    def undeclared(self, size: int) -> None:
        for one in undeclared(self._estate, self._rng, size):
            self._add(one, Truth(verdict="nothing", shape=NO_PARTNER))

    def _add(self, one: Principal, truth: Truth) -> None:
        if one.key in self._found:  # called as a heading, in another round
            return
        self._found[one.key] = one, truth

    def _row(
        self,
        cells: Cells,
        *,
        status: EntryStatus = "active",
        word: str | None = None,
        years: tuple[int, int] = (2031, 2036),
        owner: str | None = None,
        **facts: Any,
    ) -> int:
        """Add a row; its number."""
        rng, tables = self._rng, self._words
        end = dates.end(tables, rng, typed=self._typed, years=years)
        subject, task = rng.choice(tables.subjects), rng.choice(tables.tasks)
        self._rows.append(
            Row(
                cells={
                    "id": len(self._rows) + 1,
                    "identity": cells.identity,
                    "provider": cells.provider,
                    "scope": cells.scope,
                    "purpose": f"{subject.capitalize()} {task}",
                    "owner": rng.choice(self._staff.here).mail if owner is None else owner,
                    "status": word or rng.choice(tables.registry.statuses[status]),
                    "reviewed": dates.day(
                        date(2024, rng.randint(1, 9), rng.randint(13, 28)), tables, rng, typed=self._typed
                    ),
                    "expires": end.cell,
                },
                status=status,
                end=end,
                **facts,
            )
        )
        return len(self._rows) - 1

    def done(self, language: str) -> Company:
        """The company, its rows and identities in random order."""
        order = self._rng.sample(range(len(self._rows)), len(self._rows))
        at = {number: place for place, number in enumerate(order)}
        found = self._rng.sample(list(self._found.values()), len(self._found))
        typed = self._words.roster.file.endswith(".xlsx")
        return Company(
            language=language,
            words=self._words,
            principals=tuple(one for one, _ in found),
            truth={one.key: truth if truth.row is None else replace(truth, row=at[truth.row]) for one, truth in found},
            rows=tuple(
                replace(self._rows[number], cells={**self._rows[number].cells, "id": place + 1})
                for place, number in enumerate(order)
            ),
            staff=tuple(self._staff.everybody),
            roster=tuple(self._staff.rows(typed=typed)),
        )
