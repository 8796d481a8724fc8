"""The gate's page for a terminal, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO, ClassVar

from reports.base import Screen, View
from reports.finding_groups import groups_by_rule
from reports.gate.words import GateDigest, facts, gap_line, verdicts, where, worst
from reports.phrases import acknowledged_text
from reports.terminal_page import Heading, TerminalPage
from scanner.model import Finding, ScanResult
from scanner.rules.wording import words
from scanner.text import counted

LONGEST_EVIDENCE = 600
LONGEST_WORST = 500
LONGEST_NAME = 60
_HEADINGS = (
    Heading("Effect", 12),
    Heading("Identity", 0),
    Heading("Registry", 12, "registry"),
    Heading("Ownership", 14),
    Heading("Privilege", 10, "privilege"),
)


class GateTable:
    """What is brought with a verdict on each identity, the findings, then what is unknown until deployment."""

    name: ClassVar[str] = "table"
    title: ClassVar[str] = "what a change brings, for a terminal"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the page as UTF-8. The page names what it leaves out, so there are no notices."""
        del view
        page, digest = TerminalPage(screen), GateDigest(result)
        page.line(digest.headline, "bold")
        page.line(f"Read: {digest.files}.")
        for caveat in digest.caveats:
            page.line(caveat, "yellow")
        for section in (_identities, _findings, _unknown):
            section(page, digest)
        out.write(page.text.encode())
        return ()


def _identities(page: TerminalPage, digest: GateDigest) -> None:
    identities = digest.result.identities
    if not identities:
        return
    page.heading("What it brings")
    rows = [
        (digest.brought[one.identity.key].what, one.identity.shown_name, *map(_spaced, verdicts(one)))
        for one in page.shown(identities)
    ]
    page.table(tuple(_fitting(rows)), rows)
    page.more(len(identities), "muster check FILE -o json:-")


def _fitting(rows: Sequence[Sequence[str]]) -> Iterator[Heading]:
    """Yield the headings, no wider than their cells, so that names get the rest."""
    for number, heading in enumerate(_HEADINGS):
        longest = max(len(words(row[number])) for row in rows)
        yield heading._replace(width=min(heading.width, max(longest, len(heading.text))))


def _spaced(state: str) -> str:
    return state.replace("_", " ")


def _findings(page: TerminalPage, digest: GateDigest) -> None:
    findings = digest.result.findings
    if not findings:
        return
    page.heading(counted(len(findings), "finding", "findings"))
    for group in groups_by_rule(page.shown(findings)):
        first = group[0]
        page.line()
        page.item(first.severity, (first.title, first.rule), axis="severity")
        for finding in group:
            page.item("", _finding(page, finding, digest, first), first="")
        page.item("", (f"Next: {first.remediation}",), first="")
    page.more(len(findings), "muster check FILE -o json:-")


def _finding(page: TerminalPage, finding: Finding, digest: GateDigest, first: Finding) -> Iterator[str]:
    brought = digest.names.get(finding.identity or "", finding.identity or "")
    mark = f"[{finding.severity}] " if finding.severity != first.severity else ""
    yield f"{page.bullet} {mark}{page.shortened(brought, LONGEST_NAME)}: {where(finding.evidence)}"
    if evidence := facts(finding):
        yield page.shortened(evidence, LONGEST_EVIDENCE)
    if sentence := worst(finding):
        yield page.shortened(sentence, LONGEST_WORST)
    if acknowledged := acknowledged_text(finding):
        yield f"Acknowledged: {acknowledged}"


def _unknown(page: TerminalPage, digest: GateDigest) -> None:
    notices = digest.result.notices
    if notices:
        page.heading("Also")
        for notice in page.shown(notices):
            page.line(notice)
        page.more(len(notices), "muster check FILE -o json:-")
    if digest.gaps:
        page.heading("Not evaluated")
        for gap in page.shown(digest.gaps):
            page.line(gap_line(gap))
        page.more(len(digest.gaps), "muster check FILE -o json:-")
