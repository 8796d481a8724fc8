"""What fails, cell by cell: a few examples of each shape, trap, form and reading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from benchmarks.companies.company import Company
from benchmarks.companies.counting import date_readings, ownings, standing_readings, status_readings
from benchmarks.companies.judged import Case, Outcome
from benchmarks.companies.shapes import BEYOND
from scanner.model.judged import LIKELY
from scanner.text import printable

_COLUMNS = ("identity", "provider", "scope")


def examples(outcomes: Sequence[Outcome], count: int) -> Iterator[str]:
    """So many lines of each group, after its name and its number."""
    groups: dict[str, list[str]] = {}
    for outcome in outcomes:
        for group, line in _failures(outcome):
            groups.setdefault(group, []).append(f"  {outcome.company.language}: {printable(line)}")
    for group, lines in groups.items():
        yield f"{group}: {len(lines)}"
        yield from lines[:count]


def _failures(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """The name of a group, and what fails there."""
    yield from (("refused", why) for why in outcome.refused)
    yield from (("made of no row", f"{one.origin}: {one.identities}") for one in outcome.no_rows)
    for case in outcome.cases:
        shape = f"{'beyond ' * (case.truth.shape in BEYOND)}{case.truth.shape}"
        yield from ((f"{group}: {shape}", line) for group, line in _of_case(outcome.company, case))
    for owning in ownings(outcome):
        meant = ", ".join(owning.row.owners) or "no one"
        text = f"{owning.row.cells['owner']!r}: {owning.named or f'perhaps {owning.first}'}, meant {meant}"
        if owning.wrongly:
            yield f"WRONG OWNER: {owning.form}", text
        elif owning.row.owners and not owning.right:
            yield f"owner not found: {owning.form}", text
    for reading in chain(status_readings(outcome), date_readings(outcome), standing_readings(outcome)):
        if reading.came_to in ("misread", "unknown"):
            yield f"{reading.came_to}: {reading.kind}", f"{reading.cell!r} as {reading.read}"


def _of_case(company: Company, case: Case) -> Iterator[tuple[str, str]]:
    truth, line = case.truth, _line(company, case)
    strong = [row for row, score in case.suggested if score >= LIKELY]
    if case.falsely_registered:
        yield "FALSELY REGISTERED", line
    elif truth.verdict == "registered" and not case.rightly_registered:
        yield "not registered, with a warning" if case.warned else "not registered, nothing said", line
    elif truth.change and case.suggested[:1] and case.suggested[0][0] != truth.row:
        yield "another suggested first", line
    elif truth.change and not case.suggested:
        yield "not suggested", line
    elif truth.verdict == "nothing" and strong:
        yield "suggested without a partner", f"{company.rows[strong[0]].cells['identity']!r} {line}"
    if truth.row is not None and company.rows[truth.row].warns and not case.warned:
        yield "not warned about", line


def _line(company: Company, case: Case) -> str:
    row = None if case.truth.row is None else company.rows[case.truth.row]
    cells = "no row" if row is None else " · ".join(repr(row.cells[column]) for column in _COLUMNS if row.cells[column])
    said = case.said.registry
    shown = "; ".join(f"{one.score} {one.evidence}" for one in said.candidates[:2])
    return f"{cells} — {case.said.identity.key}: {said.state} {said.evidence or ''} [{shown}]"
