"""Findings on the terminal's first page: new findings, the highest severities, and changes since the previous scan.

Findings of one rule and severity form one item: their number, a few subjects, and the next step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice

from reports.page import LABEL, Page
from reports.summary import Digest
from scanner.model import SEVERITIES, SEVERITY_RANK, Finding, ScanResult, Summary
from scanner.text import counted

GROUPS_SHOWN = 5
NEW_GROUPS_SHOWN = 3
EXAMPLES_SHOWN = 3
LONGEST_NAME = 40

_SENTENCE = re.compile(r".+?[.;](?=\s|$)", re.DOTALL)


def groups_by_rule(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Findings by rule, highest severity first, then by number of findings."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.rule, []).append(finding)
    return sorted(groups.values(), key=lambda group: (min(SEVERITY_RANK[one.severity] for one in group), -len(group)))


def new_findings(page: Page, digest: Digest) -> None:
    """Findings that the previous scan did not have; writes nothing if there are none."""
    new = [finding for finding in digest.result.findings if finding.new]
    if new:
        _list(
            page,
            digest,
            f"{counted(len(new), 'finding', 'findings')} new since {_before(digest)}",
            new,
            most=NEW_GROUPS_SHOWN,
        )


def highest_findings(page: Page, digest: Digest) -> None:
    """The findings with the highest severity among those that are neither new nor acknowledged."""
    standing = [finding for finding in digest.result.findings if not finding.new and finding.acknowledged is None]
    if standing:
        others = any(finding.new for finding in digest.result.findings)
        _list(
            page,
            digest,
            "Other findings by severity" if others else "Highest-severity findings",
            standing,
            most=GROUPS_SHOWN,
        )


def moved(page: Page, digest: Digest) -> None:
    """How the counts changed since the previous scan."""
    *earlier, _ = digest.result.trend or (None,)
    if not earlier:
        return
    steps = list(_steps(earlier[-1].counts, digest.result.summary))
    page.counts("Change", [*(steps or ["none"]), f"since {_before(digest)}"])


def _steps(before: Summary, now: Summary) -> Iterator[str]:
    differences = (
        (now.identities - before.identities, "identity", "identities"),
        (now.unregistered - before.unregistered, "unregistered", "unregistered"),
        (now.orphaned - before.orphaned, "orphaned", "orphaned"),
        (_findings(now) - _findings(before), "finding", "findings"),
    )
    for difference, one, many in differences:
        if difference:
            sign = "+" if difference > 0 else "-"
            yield f"{sign}{counted(abs(difference), one, many)}"


def _findings(counts: Summary) -> int:
    return sum(counts.findings.get(severity, 0) for severity in SEVERITIES)


def _before(digest: Digest) -> str:
    """The day of the previous scan; its time, too, if it was on the same day."""
    *_, before, now = (None, None, *(point.started_at for point in digest.result.trend))
    if before is None or now is None:
        return "the last scan"
    return f"{before:%Y-%m-%d %H:%M} UTC" if before.date() == now.date() else f"{before:%Y-%m-%d}"


def _list(page: Page, digest: Digest, title: str, findings: Sequence[Finding], *, most: int) -> None:
    page.heading(title)
    groups = [list(group) for _, group in groupby(findings, lambda finding: (finding.severity, finding.rule))]
    names = dict(_names(digest.result))
    for group in groups[:most]:
        first = group[0]
        about: dict[str | None, Finding] = {}
        for finding in group:
            about.setdefault(finding.subject, finding)
        examples = ", ".join(_subject(page, one, names) for one in islice(about.values(), EXAMPLES_SHOWN))
        more = len(about) - EXAMPLES_SHOWN
        lines = (
            f"{first.title} ({len(group):,})",
            f"{examples} and {more:,} more" if more > 0 else examples,
            f"Next: {_first_sentence(first.remediation)}",
        )
        page.item(first.severity, lines, axis="severity")
    if len(groups) > most:
        rules = counted(len(groups) - most, "more rule", "more rules")
        page.hint(rules, "muster report --view findings", indent=LABEL)


def _names(result: ScanResult) -> Iterator[tuple[str, str]]:
    """Display names by key, of identities and of assignments whose holder was deleted."""
    for judged in result.identities:
        yield judged.identity.key, judged.identity.display_name or judged.identity.name
    for right in result.assignments:
        if right.gone:
            yield right.key, f"{right.grant.name} of {right.holder_name or right.holder}"


def _subject(page: Page, finding: Finding, names: dict[str, str]) -> str:
    return page.shortened(names.get(finding.identity or finding.assignment or "") or finding.about, LONGEST_NAME)


def _first_sentence(text: str) -> str:
    """The first step of a remediation; the findings view shows all of it."""
    found = _SENTENCE.match(text)
    return f"{found[0][:-1]}." if found else text
