"""Findings on the terminal's first page: new findings, the highest severities, and changes since the previous scan.

Findings of one rule and severity form one item: their number, a few subjects, and the next step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reports.summary import Digest
from reports.terminal_page import LABEL, TerminalPage
from scanner.model import SEVERITIES, SEVERITY_RANK, Assessment, Finding, ScanResult, Summary
from scanner.model.counts import EXAMPLES, FindingGroup, Subjects
from scanner.model.stored import findings_named, identities_named
from scanner.rules.next_step import step_of_group
from scanner.text import counted

GROUPS_SHOWN = 5
NEW_GROUPS_SHOWN = 3
LONGEST_NAME = 40


def groups_by_rule(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Findings by rule, highest severity first, then by number of findings."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.rule, []).append(finding)
    return sorted(groups.values(), key=lambda group: (min(SEVERITY_RANK[one.severity] for one in group), -len(group)))


def new_findings(page: TerminalPage, digest: Digest) -> None:
    """Findings that the previous scan did not have; writes nothing if there are none."""
    groups = [(group, group.new) for group in digest.groups if group.new.findings]
    if groups:
        new = sum(found.findings for _, found in groups)
        title = f"{counted(new, 'finding', 'findings')} new since {_before(digest)}"
        _list(page, digest, title, groups, most=NEW_GROUPS_SHOWN)


def worse_findings(page: TerminalPage, digest: Digest) -> None:
    """Findings whose severity has risen since the previous scan; writes nothing if there are none."""
    groups = [(group, group.worse) for group in digest.groups if group.worse.findings]
    if groups:
        worse = sum(found.findings for _, found in groups)
        title = f"{counted(worse, 'finding', 'findings')} worse since {_before(digest)}"
        _list(page, digest, title, groups, most=NEW_GROUPS_SHOWN)


def highest_findings(page: TerminalPage, digest: Digest) -> None:
    """The findings with the highest severity among those that are neither new, worse nor acknowledged."""
    groups = [(group, group.standing) for group in digest.groups if group.standing.findings]
    if groups:
        others = any(group.new.findings or group.worse.findings for group in digest.groups)
        title = "Other findings by severity" if others else "Highest-severity findings"
        _list(page, digest, title, groups, most=GROUPS_SHOWN)


def moved(page: TerminalPage, digest: Digest) -> None:
    """What is new, worse and resolved, and how the counts changed since the previous scan."""
    *earlier, _ = digest.result.trend or (None,)
    if not earlier:
        return
    page.counts("News", news(digest.result.summary))
    summary = digest.result.summary
    steps = list(_steps(earlier[-1].counts, summary))
    if steps or not (summary.new_findings or summary.worsened or summary.resolved_findings):
        page.counts("Change", [*(steps or ["none"]), f"since {_before(digest)}"])


def news(summary: Summary) -> list[str]:
    """The numbers of findings that are new, worse and resolved, and of identities that appeared, if any."""
    counts = {"new": summary.new_findings, "worsened": summary.worsened, "resolved": summary.resolved_findings}
    appeared = [f"appeared {summary.appeared:,}"] if summary.appeared else []
    return [*(f"{what} {number:,}" for what, number in counts.items()), *appeared]


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


def _list(
    page: TerminalPage, digest: Digest, title: str, groups: Sequence[tuple[FindingGroup, Subjects]], *, most: int
) -> None:
    page.heading(title)
    shown = [fingerprint for _, found in groups[:most] for fingerprint in found.examples]
    findings = findings_named(digest.result.findings, frozenset(shown))
    identities = identities_named(digest.result.identities, {one.identity or "" for one in findings.values()})
    names = _names(digest.result, identities)
    for group, found in groups[:most]:
        about = [findings[fingerprint] for fingerprint in found.examples if fingerprint in findings]
        if not about:
            continue  # a repair of the store removed them
        examples = ", ".join(
            page.shortened(names.get(one.identity or one.assignment or "") or one.about, LONGEST_NAME) for one in about
        )
        more = found.subjects - EXAMPLES
        worse = about[0].was is not None
        was = f", was {about[0].was}" if worse else ""
        because = (f"Because of: {about[0].cause}",) if worse and about[0].cause else ()
        step = step_of_group(about[0], found.findings, identities.get(about[0].identity or ""))
        lines = (
            f"{about[0].title} ({found.findings:,}{was})",
            f"{examples} and {more:,} more" if more > 0 else examples,
            *because,
            f"Next: {step}",
        )
        page.item(group.severity, lines, axis="severity")
    if len(groups) > most:
        rest = counted(len(groups) - most, "more group", "more groups")
        page.hint(f"and {rest}", "muster report --view findings", indent=LABEL)


def _names(result: ScanResult, identities: Mapping[str, Assessment]) -> dict[str, str]:
    """Display names of the subjects by key: identities, and assignments whose holder was deleted."""
    about = (judged.identity for judged in identities.values())
    gone = (right for right in result.assignments if right.gone)
    return {
        **{identity.key: identity.shown_name for identity in about},
        **{right.key: f"{right.grant.name} of {right.holder_name or right.holder}" for right in gone},
    }
