"""How right Muster is about the companies, as tables: a row a company, a shape, a trap, a form or a change."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from benchmarks.companies.changes import CHANGES
from benchmarks.companies.company import NO_PARTNER, PATTERN
from benchmarks.companies.counting import (
    Dating,
    Owning,
    date_readings,
    ownings,
    pairs,
    standing_readings,
    status_readings,
)
from benchmarks.companies.judged import Case, Outcome
from benchmarks.companies.people import OTHERS, UNDERSTOOD
from benchmarks.companies.shapes import BEYOND, SHAPES
from benchmarks.companies.traps import TRAPS
from scanner.model.judged import LIKELY

Line: TypeAlias = tuple[object, ...]


def table(heads: Line, lines: Iterable[Line]) -> str:
    """A Markdown table, numbers to the right."""
    rows = (heads, ("---", *("---:" for _ in heads[1:])), *lines)
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows)


def share(part: int, whole: int) -> str:
    """Three decimals, rounded down: what is not quite 1 never looks like it."""
    return f"{math.floor(1000 * part / whole) / 1000:.3f}" if whole else "-"


def tables(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Everything there is to say about them, as Markdown."""
    cases = [case for outcome in outcomes for case in outcome.cases]
    rows = sum(len(outcome.company.rows) for outcome in outcomes)
    yield f"{len(outcomes)} companies, {len(cases):,} identities, {rows:,} rows."
    yield "### Companies"
    yield summary(outcomes)
    yield "### Registered, by the way it is written"
    yield table(
        ("written as", "identities", "registered", "share", "warned about", "suggested first", "nothing said"),
        _shapes(cases),
    )
    yield "### Traps"
    yield table(("trap", "identities", "falsely registered", "to warn about", "warned about"), _traps(outcomes))
    yield "### Owner cells"
    yield table(
        (
            "written as",
            "cells",
            "named for certain",
            "wrongly",
            "precision",
            "the right one, for certain or first",
            "recall",
        ),
        _owners(outcomes),
    )
    yield "### Statuses and dates"
    yield table(("cell", "cells", "read rightly", "taken as unknown", "not read", "misread"), _readings(outcomes))
    yield "### Suggestions"
    yield table(
        ("for", "planted", "first right", "share", "in the first five", "share", "from the entry's side", "share"),
        _suggestions(outcomes),
    )
    yield table(("pairs", "count", "on the other side, too", "share"), _sides(outcomes))
    yield table(
        ("identities that no row means", "count", f"with a suggestion of {LIKELY} or more", "share"),
        _without_partner(cases),
    )


def summary(outcomes: Sequence[Outcome]) -> str:
    """A row a company: what was read, and what came of it."""
    heads = (
        "company",
        "rows",
        "read",
        "of no row",
        "people",
        "read",
        "falsely registered",
        "to register",
        "registered",
        "share",
        "rest warned about",
    )
    return table(heads, _companies(outcomes))


def _companies(outcomes: Sequence[Outcome]) -> Iterator[Line]:
    lines = [_company(outcome) for outcome in outcomes]
    for outcome, counts in zip(outcomes, lines, strict=True):
        yield outcome.company.language, *_with_shares(counts)
    yield "all", *_with_shares([sum(column) for column in zip(*lines, strict=True)])


def _company(outcome: Outcome) -> list[int]:
    wanted = [case for case in outcome.cases if case.truth.is_due]
    missed = [case for case in wanted if not case.rightly_registered]
    return [
        len(outcome.company.rows),
        len(outcome.entries),
        len(outcome.no_rows),
        len(outcome.company.staff),
        len(outcome.people),
        sum(case.falsely_registered for case in outcome.cases),
        len(wanted),
        len(wanted) - len(missed),
        len(missed),
        sum(case.warned for case in missed),
    ]


def _with_shares(counts: Sequence[int]) -> Line:
    *numbers, wanted, right, missed, warned = counts
    return *numbers, wanted, right, share(right, wanted), f"{warned} of {missed}"


def _shapes(cases: Sequence[Case]) -> Iterator[Line]:
    wanted = [case for case in cases if case.truth.verdict == "registered"]
    for shape in (*SHAPES, PATTERN, *TRAPS, None, *BEYOND):
        those = [case for case in wanted if (case.truth.is_due if shape is None else case.truth.shape == shape)]
        if not those:
            continue
        missed = [case for case in those if not case.rightly_registered]
        warned = sum(case.warned for case in missed)
        silent = [case for case in missed if not case.warned]
        suggested = sum(bool(case.suggested) and case.suggested[0][0] == case.truth.row for case in silent)
        right = len(those) - len(missed)
        name = f"beyond: {shape}" if shape in BEYOND else shape or "all"
        yield name, len(those), right, share(right, len(those)), warned, suggested, len(silent) - suggested


def _traps(outcomes: Sequence[Outcome]) -> Iterator[Line]:
    for trap in (*TRAPS, *CHANGES, NO_PARTNER, None):
        found = [(outcome, case) for outcome in outcomes for case in outcome.cases if trap in (None, case.truth.shape)]
        found = [
            (outcome, case) for outcome, case in found if trap is not None or case.truth.shape not in (*SHAPES, *BEYOND)
        ]
        if not found:
            continue
        rows = {(id(outcome), case.truth.row): outcome for outcome, case in found if case.truth.row is not None}
        warns = [row in outcome.warned for (_, row), outcome in rows.items() if outcome.company.rows[row].warns]
        false = sum(case.falsely_registered for _, case in found)
        yield trap or "all", len(found), false, len(warns), sum(warns)


def _owners(outcomes: Sequence[Outcome]) -> Iterator[Line]:
    every = [one for outcome in outcomes for one in ownings(outcome)]
    yield from (_owned(form, [one for one in every if one.form == form]) for form in UNDERSTOOD)
    yield _owned("all of these", [one for one in every if one.form in UNDERSTOOD])
    yield from (_owned(f"not to be named: {form}", [one for one in every if one.form == form]) for form in OTHERS)


def _owned(name: str, those: Sequence[Owning]) -> Line:
    certain = [one for one in those if one.named is not None]
    wrong = sum(one.wrongly for one in certain)
    right = sum(one.right for one in those)
    understood = any(one.row.owners for one in those)
    counts = (len(those), len(certain), wrong, share(len(certain) - wrong, len(certain)))
    return (name, *counts, right, share(right, len(those))) if understood else (name, *counts, "-", "-")


def _readings(outcomes: Sequence[Outcome]) -> Iterator[Line]:
    sorts: tuple[Callable[[Outcome], Iterable[Dating]], ...] = (status_readings, date_readings, standing_readings)
    for readings in sorts:
        found = [one for outcome in outcomes for one in readings(outcome)]
        for kind in dict.fromkeys(sorted(one.kind for one in found)):
            counts = [
                sum(one.kind == kind and one.came_to == result for one in found)
                for result in ("right", "unknown", "not read", "misread")
            ]
            yield kind, sum(counts), *counts


def _suggestions(outcomes: Sequence[Outcome]) -> Iterator[Line]:
    planted = [(outcome, case) for outcome in outcomes for case in outcome.cases if case.truth.change]
    for change in (*CHANGES, None):
        those = [(outcome, case) for outcome, case in planted if change in (None, case.truth.change)]
        rows = [[row for row, _ in case.suggested[:5]] for _, case in those]
        first = sum(shown[:1] == [case.truth.row] for shown, (_, case) in zip(rows, those, strict=True))
        among = sum(case.truth.row in shown for shown, (_, case) in zip(rows, those, strict=True))
        asked = sum(
            outcome.asked.get(case.truth.row or 0, ())[:1] == (case.said.identity.key,) for outcome, case in those
        )
        counts = (first, share(first, len(those)), among, share(among, len(those)), asked, share(asked, len(those)))
        yield change or "all", len(those), *counts


def _sides(outcomes: Sequence[Outcome]) -> Iterator[Line]:
    from_entries = from_identities = both = 0
    for outcome in outcomes:
        entries, identities = pairs(outcome)
        from_entries += len(entries)
        from_identities += len(identities)
        both += len(entries & identities)
    yield "from the entry's side", from_entries, both, share(both, from_entries)
    yield "from the identity's side, of entries that ask", from_identities, both, share(both, from_identities)


def _without_partner(cases: Sequence[Case]) -> Iterator[Line]:
    for shape in (NO_PARTNER, "deleted and recreated", "called as a heading"):
        those = [case for case in cases if case.truth.shape == shape and case.truth.verdict == "nothing"]
        strong = sum(any(score >= LIKELY for _, score in case.suggested) for case in those)
        yield shape, len(those), strong, share(strong, len(those))
