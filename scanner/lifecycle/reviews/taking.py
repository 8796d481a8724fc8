"""Imports filled-in workbooks: decisions, and the reasons why rows are refused. A workbook is untrusted.

Its rows name items by random ids that only its reviewer received, and the key in the row must be that of the item. A
row that does not fit is refused with its cell; all others are imported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from scanner.errors import Problem, RegistryError, UsageError, did_you_mean, with_fix
from scanner.lifecycle.reviews.campaign import ItemState, states
from scanner.lifecycle.reviews.reviewers import People
from scanner.model.reviews import DECISIONS, UNASSIGNED, Campaign, Decision, DecisionName, Reassignment, ReviewRecord
from scanner.redaction.redact import redact
from scanner.registry.tables import Table, read_table
from scanner.registry.tables.cells import CellError, shown
from scanner.registry.tables.headings import Columns, Fields
from scanner.text import printable

_NEEDED = frozenset({"item", "reviewer", "key", "decision"})
_COLUMNS = Columns(dict.fromkeys(("item", "reviewer", "key", "decision", "reason", "new_owner"), ()))
_LONGEST_REASON = 2_000
"""Maximum characters of a reason, which is printed and exported."""
_FORMULA_STARTS = ("=", "+", "@", "\t", "\r")


class Refusal(Struct, frozen=True, kw_only=True):
    """A cell that was refused, and why. ``sheet``: None in a text file."""

    file: str
    sheet: str | None
    row: int | None
    column: str | None
    message: str
    fix: str | None = None

    def __str__(self) -> str:
        parts = (
            f"sheet {self.sheet}" if self.sheet else None,
            f"row {self.row}" if self.row is not None else None,
            f"column {self.column}" if self.column else None,
        )
        place = ", ".join(filter(None, parts))
        return with_fix(": ".join(filter(None, (self.file, place, self.message))), self.fix)


class Taken(Struct, frozen=True, kw_only=True):
    """The content of the workbooks. ``records``: to append. ``unchanged``: rows whose decision is known already.

    ``empty``: rows without a decision.
    """

    records: tuple[ReviewRecord, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    unchanged: int = 0
    empty: int = 0

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """The new decisions."""
        return tuple(record for record in self.records if isinstance(record, Decision))


class Book(Struct, frozen=True, kw_only=True):
    """A filled-in file that belongs to the campaign: its rows, and the rows that cannot be read."""

    file: str
    sheet: str | None
    rows: tuple[_Row, ...]
    refusals: tuple[Refusal, ...]


class _Row(Struct, frozen=True, kw_only=True):
    """The cells of a row that are read, with their headings."""

    line: int
    cells: Mapping[str, str | None]
    headings: Mapping[str, str]


def read_book(path: Path, campaign: Campaign) -> Book:
    """Read a workbook or CSV.

    Raises UsageError if it does not belong to this campaign, RegistryError if it cannot be read.
    """
    known = {item.id for item in campaign.items}
    rows: list[_Row] = []
    refusals: list[Refusal] = []
    table = read_table(path, lambda headings: _COLUMNS.likeness(headings, _NEEDED), typed=_COLUMNS.means)
    with closing(table):
        if table.headings is not None and not {_COLUMNS.means(heading) for heading in table.headings} >= _NEEDED:
            raise _not_of(path, campaign, f"it needs the columns {', '.join(sorted(_NEEDED))}")
        for row in table.rows:
            if isinstance(row, Problem):
                refusals.append(_refused(table, row.line, row.field, row.message, row.fix))
                continue
            fields = Fields(row, _COLUMNS)
            cells = {column: fields.exact(column) for column in ("item", "key", "reviewer")}
            cells |= {column: fields.text(column) for column in ("decision", "reason", "new_owner")}
            if fields.errors:
                refusals += [_refused(table, row.line, one.heading, str(one), one.fix) for one in fields.errors]
                continue
            headings = {column: fields.heading(column) or column for column in cells}
            rows.append(_Row(line=row.line, cells=cells, headings=headings))
    if not any(row.cells["item"] in known for row in rows) and not (refusals and not rows):
        raise _not_of(path, campaign, "none of its items is one of the review's")
    return Book(file=table.file, sheet=table.sheet, rows=tuple(rows), refusals=tuple(refusals))


def _not_of(path: Path, campaign: Campaign, why: str) -> UsageError:
    name = campaign.review.name
    return UsageError(
        f"{path} is not a workbook of the review {printable(name)}: {why}",
        hint=f"`muster review open` wrote them; `muster review remind {quote(name)} -o xlsx:DIR` writes them again",
    )


def take(books: Sequence[Book], campaign: Campaign, people: People, now: datetime, by: str | None = None) -> Taken:
    """Return the decisions in the books. ``by``: who decided, as ``--by``; None: each book's own reviewer.

    Raises UsageError if a book has no reviewer who could have decided.
    """
    state = {one.item.id: one for one in states(campaign)}
    decider = None if by is None else people.decider(by)
    taken = _Taking(state, people, now)
    for book in books:
        reviewer = _reviewer_of(book, state)
        taken.book(book, reviewer, decider or _decider(book, reviewer, people))
    return taken.result()


def _reviewer_of(book: Book, state: Mapping[str, ItemState]) -> str:
    """The reviewer of a book: that of most of its items, since any of its cells may have been changed."""
    reviewers = [state[item].reviewer for row in book.rows if (item := row.cells["item"] or "") in state]
    returned = {state[item].returned_by for row in book.rows if (item := row.cells["item"] or "") in state} - {None}
    named = [row.cells["reviewer"] for row in book.rows if row.cells["reviewer"] in returned.union(reviewers)]
    counts = Counter(named or reviewers)
    return str(counts.most_common(1)[0][0]) if counts else UNASSIGNED


def _decider(book: Book, reviewer: str, people: People) -> str:
    if reviewer == UNASSIGNED:
        raise UsageError(f"{book.file} has no reviewer: say who decided", hint="--by PERSON")
    found = people.reviewer(reviewer)
    if found is None:
        raise UsageError(
            f"{book.file} is the workbook of {printable(reviewer)}, who has left or is not on the roster",
            hint="say who decided: --by PERSON",
        )
    return found


class _Taking:
    """Collects decisions over several books. A later row about an item replaces that of an earlier book."""

    def __init__(self, state: Mapping[str, ItemState], people: People, now: datetime) -> None:
        self._state = state
        self._people = people
        self._now = now
        self._decisions: dict[str, Decision] = {}
        self._refusals: list[Refusal] = []
        self._unchanged = self._empty = 0

    def result(self) -> Taken:
        return Taken(
            records=tuple(record for decision in self._decisions.values() for record in recorded(decision)),
            refusals=tuple(self._refusals),
            unchanged=self._unchanged,
            empty=self._empty,
        )

    def book(self, book: Book, reviewer: str, by: str) -> None:
        """Take the rows of a book. Its refusals are in the order of its rows, whatever is wrong with them."""
        refusals = list(book.refusals)
        twice = _contradicting(book.rows)
        for row in book.rows:
            try:
                if self._is_returned(row, reviewer):
                    self._unchanged += 1
                    continue
                decision = self._decision(row, reviewer, by, twice)
            except CellError as error:
                heading = None if error.heading is None else row.headings[error.heading]
                refusals.append(_refused(book, row.line, heading, str(error), error.fix))
                continue
            if decision is None:
                self._empty += 1
            elif _says_the_same(self._state[decision.item].decision, decision):
                self._unchanged += 1
            else:
                self._decisions[decision.item] = decision
        self._refusals += sorted(refusals, key=lambda one: one.row or 0)

    def _is_returned(self, row: _Row, reviewer: str) -> bool:
        """Whether the row says ``not_mine`` again, and the item has gone to another reviewer since."""
        cells, state = row.cells, self._state.get(row.cells["item"] or "")
        if state is None or not cells["decision"] or cells["key"] != printable(state.item.key):
            return False
        is_former = state.returned_by == cells["reviewer"] == reviewer != state.reviewer
        return is_former and _named(cells["decision"]) == "not_mine"

    def _decision(self, row: _Row, reviewer: str, by: str, twice: frozenset[str]) -> Decision | None:
        """The decision in a row; None if it is left empty. Raises CellError with the column as its heading."""
        cells = row.cells
        filled = next((column for column in ("decision", "reason", "new_owner") if cells[column]), None)
        if filled is None:
            return None
        state = self._state.get(cells["item"] or "")
        if state is None:
            raise _wrong("item", "is not an item of this review", "leave item as it was written")
        if cells["key"] != printable(state.item.key):
            raise _wrong("key", "is not the key of this item", "leave item and key as they were written")
        if state.reviewer != reviewer or cells["reviewer"] != reviewer:
            raise _wrong("reviewer", f"{shown(state.reviewer)} reviews this item", "send it back in that workbook")
        if not cells["decision"]:
            raise _wrong("decision", f"is empty beside a {filled}", f"write one of {', '.join(DECISIONS)}")
        if state.item.id in twice:
            raise _wrong("decision", "is decided in two ways in this file", "leave one row of the item")
        answer = ReviewAnswer(decision=cells["decision"], reason=cells["reason"], new_owner=cells["new_owner"])
        return decide(state, answer, self._people, by=by, now=self._now)


class ReviewAnswer(Struct, frozen=True, kw_only=True):
    """What a reviewer wrote about an item."""

    decision: str
    reason: str | None = None
    new_owner: str | None = None


def decide(state: ItemState, answer: ReviewAnswer, people: People, *, by: str, now: datetime) -> Decision:
    """Return the decision about an item. Raises CellError with the field as its heading."""
    decision = _named(answer.decision)
    return Decision(
        item=state.item.id,
        decision=decision,
        at=now,
        by=by,
        facts_hash=state.item.facts_hash,
        reason=_reason(answer.reason),
        new_owner=_new_owner(answer.new_owner, decision, state, people),
        self_review=decision != "not_mine" and by == state.item.sole_beneficiary,
    )


def recorded(decision: Decision) -> tuple[Decision | Reassignment, ...]:
    """Return the record of a decision. An item that is not the reviewer's has no reviewer afterwards."""
    if decision.decision != "not_mine":
        return (decision,)
    unassigned = Reassignment(item=decision.item, reviewer=UNASSIGNED, because="unassigned", at=decision.at)
    return decision, unassigned


def _new_owner(written: str | None, decision: DecisionName, state: ItemState, people: People) -> str | None:
    if decision != "reassign":
        if written:
            raise _wrong("new_owner", f"is for reassign, and this is {decision}", "empty it, or write reassign")
        return None
    if not written:
        raise _wrong("new_owner", "is empty", "name the new owner, by e-mail")
    _refuse_formula("new_owner", written)
    found = people.reviewer(written)
    if found is None:
        raise _wrong("new_owner", f"{shown(written)} is not an active person or group on the roster", "name one")
    if found == state.item.facts.owner:
        raise _wrong("new_owner", f"{shown(written)} is the owner already", "name another, or write keep")
    return found


def _contradicting(rows: Sequence[_Row]) -> frozenset[str]:
    """Items that several rows decide in different ways."""
    said: dict[str, set[tuple[Any, ...]]] = {}
    for row in rows:
        if row.cells["item"] and row.cells["decision"]:
            answer = tuple(row.cells[column] for column in ("decision", "reason", "new_owner"))
            said.setdefault(row.cells["item"], set()).add(answer)
    return frozenset(item for item, answers in said.items() if len(answers) > 1)


def _named(written: str) -> DecisionName:
    _refuse_formula("decision", written)
    plain = "_".join(written.casefold().replace("-", " ").replace("_", " ").split())
    for decision in DECISIONS:
        if plain == decision:
            return decision
    fix = did_you_mean(plain, DECISIONS) or f"write one of {', '.join(DECISIONS)}"
    raise _wrong("decision", f"{shown(written)} is not a decision", fix)


def _reason(written: str | None) -> str | None:
    if written is None:
        return None
    _refuse_formula("reason", written)
    if len(written) > _LONGEST_REASON:
        raise _wrong("reason", f"is longer than {_LONGEST_REASON:,} characters", "shorten it")
    return redact(printable(written))


def _refuse_formula(column: str, written: str) -> None:
    """Raise CellError for text that a spreadsheet would calculate: it is exported again."""
    if written.startswith(_FORMULA_STARTS) or (written.startswith("-") and written[1:2].strip()):
        raise _wrong(column, f"{shown(written)} is a formula", "write plain text")


def _says_the_same(known: Decision | None, decision: Decision) -> bool:
    return known is not None and replace(known, at=decision.at) == decision


def _wrong(column: str, message: str, fix: str | None = None) -> CellError:
    error = CellError(message, fix)
    error.heading = column
    return error


def _refused(of: Table | Book, line: int | None, column: str | None, message: str, fix: str | None) -> Refusal:
    return Refusal(
        file=of.file,
        sheet=of.sheet,
        row=line,
        column=None if column is None else shown(column),
        message=message,
        fix=fix,
    )


def read_books(paths: Sequence[Path], campaign: Campaign) -> Iterator[Book]:
    """Read every file before any is imported. Raises UsageError for the first invalid file."""
    for path in paths:
        try:
            yield read_book(path, campaign)
        except RegistryError as error:
            raise UsageError(str(error), hint=f"is it a workbook of the review {campaign.review.name}?") from error
