"""The gate's page for a comment on a pull request, or the summary of a job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, ClassVar

from reports.base import Screen, View
from reports.finding_groups import groups_by_rule
from reports.gate.words import GateDigest, facts, gap_line, verdicts, where, worst
from reports.markdown import LONGEST_NAME, LONGEST_TEXT, MarkdownPage
from reports.phrases import fingerprint_digits
from scanner.model import Finding, ScanResult
from scanner.rules.wording import words
from scanner.text import cut, markdown_code, markdown_sentence

_ALL = "muster check FILE -o json:-"


class GateMarkdown:
    """Findings with file and resource first, then what is brought, then what is unknown until deployment."""

    name: ClassVar[str] = "markdown"
    title: ClassVar[str] = "what a change brings, for a pull request"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the page as UTF-8. A notice reports a cut, and the page shows how many rows are missing."""
        del view
        page, digest = MarkdownPage(screen), GateDigest(result)
        page.line(f"## {markdown_sentence(digest.headline)}\n")
        for caveat in digest.caveats:
            page.line(f"- **{markdown_sentence(caveat)}**")
        for section in (_findings, _next_steps, _identities, _unknown):
            section(page, digest)
        page.line(f"\nMuster {markdown_code(result.scan.version)} read {_prose(digest.files)}.")
        out.write(page.text.encode())
        return page.notices


def _findings(page: MarkdownPage, digest: GateDigest) -> None:
    findings = digest.result.findings
    if not findings:
        return
    digits = fingerprint_digits(findings)
    page.table(
        "Findings",
        ("Severity", "What", "Where", "Identity", "Evidence", "Fingerprint"),
        (_finding(finding, digest, digits) for finding in findings),
        total=len(findings),
        rest=_ALL,
    )


def _finding(finding: Finding, digest: GateDigest, digits: int) -> Iterator[str]:
    yield f"{finding.severity}, acknowledged" if finding.acknowledged else finding.severity
    yield f"{_prose(finding.title)} ({markdown_code(finding.rule)})"
    yield _name(where(finding.evidence))
    yield _name(digest.names.get(finding.identity or "", finding.identity or ""))
    evidence, sentence = markdown_code(cut(facts(finding) or "", LONGEST_TEXT)), _prose(worst(finding))
    yield f"{evidence} {sentence}".strip()
    yield markdown_code(finding.fingerprint[:digits])


def _next_steps(page: MarkdownPage, digest: GateDigest) -> None:
    if groups := groups_by_rule(digest.open):
        page.table(
            "What to do",
            ("What", "Next step"),
            ((_prose(group[0].title), _prose(group[0].remediation)) for group in groups),
            total=len(groups),
            rest=_ALL,
        )


def _identities(page: MarkdownPage, digest: GateDigest) -> None:
    identities = digest.result.identities
    if not identities:
        return
    page.table(
        "What the change brings",
        ("Effect", "Identity", "Where", "Registry", "Ownership", "Privilege"),
        (
            (brought.what, _name(one.identity.shown_name), _name(brought.where), *map(words, verdicts(one)))
            for one in identities
            for brought in (digest.brought[one.identity.key],)
        ),
        total=len(identities),
        rest=_ALL,
    )


def _unknown(page: MarkdownPage, digest: GateDigest) -> None:
    lines = (*digest.result.notices, *(f"not evaluated: {gap_line(gap)}" for gap in digest.gaps))
    if lines:
        page.table("Also", ("",), ((_prose(line),) for line in lines), total=len(lines), rest=_ALL)


def _name(text: str) -> str:
    return markdown_code(cut(text, LONGEST_NAME))


def _prose(text: str) -> str:
    return markdown_sentence(cut(text, LONGEST_TEXT))
