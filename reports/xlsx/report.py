"""The XLSX report: a summary with charts, then a sheet for each view."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import BinaryIO, ClassVar

from reports.base import Screen, View
from reports.columns import TABLES
from reports.phrases import ORPHANED_MEANS
from reports.summary import Digest, gap_text
from reports.xlsx.workbook import ROWS_PER_SHEET, WorkbookCounts, new_workbook
from scanner.model import SEVERITIES, ScanResult
from scanner.rules.wording import iso

GAPS_NAMED = 20


class XlsxReport:
    """A workbook to keep, and to send to owners, who fill in the yellow columns."""

    name: ClassVar[str] = "xlsx"
    title: ClassVar[str] = "a workbook with a summary and a sheet a view"
    default_view: ClassVar[View] = "orphans"
    extra: ClassVar[str | None] = "xlsx"

    def __init__(
        self,
        *,
        rows_per_sheet: int = ROWS_PER_SHEET,
        people: Sequence[tuple[str, str, str]] = (),
        page: str | None = None,
    ) -> None:
        """``people``: owners to choose from, each as e-mail, name and team. ``page``: the served page's address."""
        self._rows_per_sheet = rows_per_sheet
        self._people = people
        self._page = page

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the workbook; returns notices about cut cells and split tables."""
        del screen
        digest = Digest(result)
        tables = TABLES.values() if view == "all" else (TABLES[view],)
        people = self._people if any(column.people for table in tables for column in table.columns) else ()
        finished = result.scan.finished_at
        with new_workbook(out, title="Non-human identities", created=finished, people=people) as workbook:
            workbook.add_summary(list(_lines(digest)), list(_counts(digest)), link=self._page)
            for table in tables:
                workbook.add_table(table.title, table.columns, partial(table.rows, result), self._rows_per_sheet)
        return workbook.notices


def _lines(digest: Digest) -> Iterator[tuple[str, str]]:
    """Headline and caveats of the result."""
    result = digest.result
    yield "Non-human identities", "title"
    yield digest.headline, "lead"
    for caveat in digest.caveats:
        yield caveat, "lead"
    for gap in digest.gaps[:GAPS_NAMED]:
        yield f"    {gap.status}: {gap_text(gap)}", "plain"
    if len(digest.gaps) > GAPS_NAMED:
        yield f"    and {len(digest.gaps) - GAPS_NAMED:,} more: see the coverage view", "plain"
    for notice in result.notices:
        yield notice, "plain"
    yield ORPHANED_MEANS, "plain"
    yield f"Scan {result.scan.id}, finished {iso(result.scan.finished_at)}, Muster {result.scan.version}", "plain"


def _counts(digest: Digest) -> Iterator[WorkbookCounts]:
    yield WorkbookCounts(
        "Identities by state",
        ("axis", "state", "identities"),
        [(axis, state, count) for axis, counts in digest.states.items() for state, count in counts.items()],
    )
    found = digest.result.summary.findings
    yield WorkbookCounts(
        "Findings by severity",
        ("", "severity", "findings"),
        [("findings", severity, found.get(severity, 0)) for severity in SEVERITIES],
    )
