"""The terminal report: what matters first, in 80 columns, readable without colour."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import BinaryIO, ClassVar, TypeAlias

from reports.base import Screen, View
from reports.listing import LISTINGS, place
from reports.page import Page, words
from reports.rows import (
    ORPHANED_MEANS,
    credentials_text,
    facts_text,
    findings_by_fingerprint,
    findings_of,
    gravest_first,
    joined,
    next_step,
    owner_candidates_text,
    plain,
    severity_of,
    urgency,
)
from reports.summary import caveats, count_states, counted, gaps_of, headline
from reports.views import is_orphan, is_unregistered
from scanner.model import SEVERITIES, Assessment, Coverage, Finding, Identity, ScanResult

GAPS_NAMED = 5
GROUPS_SHOWN = 5
EXAMPLES_SHOWN = 3
ORPHANS_SHOWN = 10
LONGEST_EVIDENCE = 150
NOTICES_SHOWN = 4
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)")

Section: TypeAlias = Callable[[Page, ScanResult], None]


class TerminalReport:
    """One page: the headline, what is not known, counts, the gravest findings, orphans, where to go next."""

    name: ClassVar[str] = "table"
    title: ClassVar[str] = "the report for a terminal"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the page as UTF-8; what it leaves out it says itself, so there are no notices."""
        page = Page(screen)
        for section in (_headline, *_SECTIONS[view]):
            section(page, result)
        out.write(page.text.encode())
        return ()


# --- sections -----------------------------------------------------------------


def _headline(page: Page, result: ScanResult) -> None:
    page.line(headline(result), "bold")
    for caveat in caveats(result):
        page.line(caveat, "yellow")


def _gaps(page: Page, result: ScanResult) -> None:
    _list_gaps(page, gaps_of(result), GAPS_NAMED)


def _all_gaps(page: Page, result: ScanResult) -> None:
    _list_gaps(page, gaps_of(result), len(result.coverage))


def _list_gaps(page: Page, gaps: list[Coverage], most: int) -> None:
    if gaps:
        page.line()
    for gap in gaps[:most]:
        missing = f"needs {gap.permission}" if gap.permission else None
        why = joined(fact for fact in (missing, gap.detail) if fact)
        place = f"{gap.provider} {gap.scope} {gap.section}"
        page.item(gap.status, [f"{place}: {why}" if why else place], first="")
    if len(gaps) > most:
        page.item("", [f"and {len(gaps) - most} more: muster report --view coverage"], first="")


def _counts(page: Page, result: ScanResult) -> None:
    if not result.identities:
        return
    summary = result.summary
    page.line()
    for axis, states in count_states(result).items():
        page.counts(axis.capitalize(), (f"{count} {words(state)}" for state, count in states.items() if count))
    severities = ((severity, summary.findings.get(severity, 0)) for severity in SEVERITIES)
    page.counts("Findings", (f"{count} {severity}" for severity, count in severities if count))
    of_note = (
        (summary.new_findings, "new finding", "new findings"),
        (summary.admins, "admin", "admins"),
        (summary.agents, "AI agent", "AI agents"),
        (summary.abandoned, "abandoned", "abandoned"),
        (summary.disabled, "disabled", "disabled"),
        (summary.not_found, "entry not found", "entries not found"),
    )
    page.counts("Of note", (counted(*noted) for noted in of_note if noted[0]))
    page.line()
    page.line(f"{ORPHANED_MEANS} Abandoned: orphaned, and dormant or never used.")


def _gravest_findings(page: Page, result: ScanResult) -> None:
    if not result.findings:
        return
    page.heading("Gravest findings")
    groups = [list(group) for _, group in groupby(gravest_first(result.findings), lambda f: (f.severity, f.rule))]
    identities = {judged.identity.key: judged.identity for judged in result.identities}
    for group in groups[:GROUPS_SHOWN]:
        examples = [_finding_line(page, finding, identities) for finding in group[:EXAMPLES_SHOWN]]
        if len(group) > len(examples):
            examples.append(f"and {len(group) - len(examples)} more")
        gravest = group[0]
        page.item(gravest.severity, [f"{gravest.title} ({len(group)})", *examples, _next(gravest.remediation)])
    if len(groups) > GROUPS_SHOWN:
        more = counted(len(groups) - GROUPS_SHOWN, "more rule fired", "more rules fired")
        page.item("", [f"{more}: muster report --view findings"], first="")


def _all_findings(page: Page, result: ScanResult) -> None:
    page.heading(counted(len(result.findings), "finding", "findings"))
    identities = {judged.identity.key: judged.identity for judged in result.identities}
    for finding in gravest_first(result.findings):
        subject = _finding_line(page, finding, identities)
        page.item(finding.severity, [finding.title, subject, _next(finding.remediation)])


def _few_orphans(page: Page, result: ScanResult) -> None:
    orphans = _most_urgent(result, is_orphan)
    if not orphans:
        return
    page.heading("Nobody answers for")
    page.table(
        (("Severity", 8), ("Identity", 0), ("Where", 16), ("Why", 16), ("Use", 10)),
        (
            (
                severity_of(findings) or "",
                judged.identity.display_name or judged.identity.name,
                place(judged.identity),
                words(judged.ownership.reason or ""),
                words(judged.usage.state),
            )
            for judged, findings in orphans[:ORPHANS_SHOWN]
        ),
    )
    if len(orphans) > ORPHANS_SHOWN:
        page.line(f"and {len(orphans) - ORPHANS_SHOWN} more: muster orphans -o csv:orphans.csv")


def _work_list(title: str, keeps: Callable[[Assessment], bool]) -> Section:
    def section(page: Page, result: ScanResult) -> None:
        listed = _most_urgent(result, keeps)
        page.heading(f"{title}: {len(listed)}")
        for judged, findings in listed:
            page.item(severity_of(findings) or "", _in_full(judged, findings))

    return section


def _listing(view: View) -> Section:
    listing = LISTINGS[view]

    def section(page: Page, result: ScanResult) -> None:
        lines = list(listing.lines(result))
        page.heading(counted(len(lines), listing.one, listing.many))
        page.table(listing.headings, lines)

    return section


def _notices(page: Page, result: ScanResult) -> None:
    if not result.notices:
        return
    page.heading("Worth knowing")
    for notice in result.notices[:NOTICES_SHOWN]:
        page.line(notice)
    if len(result.notices) > NOTICES_SHOWN:
        page.line(f"and {len(result.notices) - NOTICES_SHOWN} more: muster report -o json:-")


def _where_next(page: Page, result: ScanResult) -> None:
    if not result.identities:
        page.line()
        page.line("What each source would need: muster doctor")
        return
    page.heading("Next")
    for command, why in _COMMANDS:
        page.line(f"  {command:<37}{why}")


# --- phrases ------------------------------------------------------------------


def _most_urgent(result: ScanResult, keeps: Callable[[Assessment], bool]) -> list[tuple[Assessment, list[Finding]]]:
    known = findings_by_fingerprint(result)
    kept = ((judged, findings_of(judged, known)) for judged in result.identities if keeps(judged))
    return sorted(kept, key=lambda pair: urgency(*pair))


def _in_full(judged: Assessment, findings: list[Finding]) -> Iterator[str]:
    identity, registry, ownership = judged.identity, judged.registry, judged.ownership
    reason = f" ({words(ownership.reason)})" if ownership.reason else ""
    yield identity.name
    yield identity.key
    yield (
        f"{identity.kind} in {place(identity)}; {registry.state}{', provisional' if registry.provisional else ''}; "
        f"{words(ownership.state)}{reason}; privilege {judged.privilege.level}"
    )
    yield f"{words(judged.usage.state)}: {judged.usage.evidence}"
    if held := credentials_text(identity):
        yield held
    if people := owner_candidates_text(ownership):
        yield f"likely owners: {people}"
    if step := next_step(judged, findings):
        yield _next(step)


def _finding_line(page: Page, finding: Finding, identities: Mapping[str, Identity]) -> str:
    identity = identities.get(finding.identity or "")
    credential = (finding.credential or "").rpartition("#")[2]
    named: Iterable[str | None] = (
        f"{page.shortened(identity.display_name or identity.name, 48)} ({place(identity)})"
        if identity
        else finding.identity,
        credential,
        f"entry {finding.entry}" if finding.entry else None,
    )
    subject = ", ".join(name for name in named if name)
    evidence = facts_text(_telling(finding))
    return f"{subject}: {page.shortened(evidence, LONGEST_EVIDENCE)}" if evidence else subject


def _telling(finding: Finding) -> dict[str, str]:
    """The evidence without what the line says already; of moments, the day."""
    said = ("kind", "id") if finding.credential else ()
    facts = {name: plain(fact) for name, fact in finding.evidence.items() if name not in said and fact is not False}
    return {name: fact[:10] if _MOMENT.fullmatch(fact) else fact for name, fact in facts.items()}


def _next(step: str) -> str:
    return f"Next: {step}"


_COMMANDS = (
    ("muster orphans -o xlsx:orphans.xlsx", "the list for owners to fill in"),
    ("muster show IDENTITY", "all that is known of one of them"),
    ("muster report -o html:report.html", "everything, to explore"),
)

_SECTIONS: Mapping[View, tuple[Section, ...]] = {
    "all": (_gaps, _counts, _gravest_findings, _few_orphans, _notices, _where_next),
    "orphans": (_gaps, _work_list("Orphans", is_orphan)),
    "unregistered": (_gaps, _work_list("Unregistered", is_unregistered)),
    "findings": (_gaps, _all_findings),
    "inventory": (_gaps, _listing("inventory")),
    "registry": (_gaps, _listing("registry")),
    "credentials": (_gaps, _listing("credentials")),
    "coverage": (_all_gaps, _listing("coverage")),
}
