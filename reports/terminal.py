"""The terminal report: the most important first, in 80 columns, readable without color."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import BinaryIO, ClassVar, Literal, TypeAlias

from reports.base import Screen, View
from reports.finding_groups import groups_by_rule, highest_findings, moved, new_findings, worse_findings
from reports.judged import how_many, work_list
from reports.listing import LISTINGS
from reports.phrases import (
    ACKNOWLEDGE,
    ORPHANED_MEANS,
    acknowledged_text,
    asked_text,
    evidence_line,
    fingerprint_digits,
    in_full,
    place,
)
from reports.summary import Digest, by_reason, gap_text
from reports.terminal_page import LABEL, Heading, TerminalPage
from scanner.model import SEVERITIES, Finding, Identity, ScanResult
from scanner.model.stored import identities_named
from scanner.rules.next_step import step_of_group
from scanner.rules.wording import ABOUT_A_DAY, words
from scanner.text import counted

GAPS_NAMED = 5
ORPHANS_SHOWN = 10
LONGEST_EVIDENCE = 150
LONGEST_DAY = 400
"""Maximum characters of the evidence of a finding about a day."""
LISTED_OF_A_RULE = 10
"""Findings shown for each rule if there are more than a terminal lists."""
NOTICES_SHOWN = 4

Section: TypeAlias = Callable[[TerminalPage, Digest], None]


class TerminalReport:
    """One page: headline, gaps, counts, new findings, highest severities, orphaned identities, next commands."""

    name: ClassVar[str] = "table"
    title: ClassVar[str] = "the report for a terminal"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None
    streams: ClassVar[bool] = True

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the page as UTF-8. The page names what it leaves out, so there are no notices."""
        page, digest = TerminalPage(screen, out), Digest(result)
        for section in (_headline, *_SECTIONS[view]):
            section(page, digest)
        page.close()
        return ()


# --- sections -----------------------------------------------------------------


def _headline(page: TerminalPage, digest: Digest) -> None:
    page.line(digest.headline, "bold")
    for caveat in digest.caveats:
        page.line(caveat, "yellow")


def _gaps(page: TerminalPage, digest: Digest) -> None:
    _list_gaps(page, digest, GAPS_NAMED)


def _all_gaps(page: TerminalPage, digest: Digest) -> None:
    _list_gaps(page, digest, len(digest.gaps))


def _logs(page: TerminalPage, digest: Digest) -> None:
    """The coverage of audit logs, for which the table has no room."""
    read = [one for one in digest.result.coverage if one.status == "complete" and one.detail]
    if read:
        page.heading("Read, with remarks")
    for one in page.shown(read):
        page.item(one.status, [f"{one.source} {one.scope} {one.section}: {one.detail}"], axis="coverage", first="")


def _list_gaps(page: TerminalPage, digest: Digest, most: int) -> None:
    gaps = by_reason(digest.gaps)
    if gaps:
        page.line()
    for gap in gaps[:most]:
        page.item(gap.status, [gap_text(gap)], axis="coverage", first="")
    if len(gaps) > most:
        page.hint(f"and {len(gaps) - most:,} more", "muster report --view coverage", indent=LABEL)


def _counts(page: TerminalPage, digest: Digest) -> None:
    if not digest.result.identities:
        return
    summary = digest.result.summary
    page.line()
    for axis, states in digest.states.items():
        page.counts(axis.capitalize(), (f"{count:,} {words(state)}" for state, count in states.items() if count))
    severities = ((severity, summary.findings.get(severity, 0)) for severity in SEVERITIES)
    page.counts("Findings", (f"{count:,} {severity}" for severity, count in severities if count))
    notable = (
        (summary.new_findings, "new finding", "new findings"),
        (summary.worsened, "worse finding", "worse findings"),
        (summary.reopened_findings, "of these reopened", "of these reopened"),
        (summary.resolved_findings, "resolved finding", "resolved findings"),
        (summary.acknowledged, "acknowledged", "acknowledged"),
        (summary.admins, "admin", "admins"),
        (summary.agents, "AI agent", "AI agents"),
        (summary.abandoned, "abandoned", "abandoned"),
        (summary.not_found, "entry not found", "entries not found"),
        (summary.drifted, "drifted", "drifted"),
        (summary.unexplained_findings or 0, "unexplained by a change", "unexplained by a change"),
    )
    page.counts("Notable", (counted(*noted) for noted in notable if noted[0]))


def _all_findings(page: TerminalPage, digest: Digest) -> None:
    """The findings of each rule with the start of their fingerprints, highest severity first."""
    findings = digest.result.findings
    digits = fingerprint_digits(findings)
    page.heading(counted(len(findings), "finding", "findings"))
    if findings:
        suppress = f"muster acknowledge {findings[0].fingerprint[:digits]} {ACKNOWLEDGE}"
        page.hint("Suppress a finding by the start of its fingerprint", suppress)
    identities = {judged.identity.key: judged.identity for judged in digest.result.identities}
    room = len(page.shown(findings))
    most = LISTED_OF_A_RULE if room < len(findings) else room
    groups = groups_by_rule(findings)
    about = identities_named(digest.result.identities, {group[0].identity for group in groups if group[0].identity})
    for group in groups:
        first = group[0]
        page.line()
        step = step_of_group(first, len(group), about.get(first.identity or ""))
        lines = (f"{first.title} ({len(group):,})", first.rule, f"Next: {step}")
        page.item(first.severity, lines, axis="severity")
        listed = group[: min(most, room)]
        room -= len(listed)
        for finding in listed:
            named = finding.fingerprint[:digits]
            label, lead = (named, "") if digits < LABEL else ("", f"{named}  ")
            page.item(label, (lead + line for line in _finding_lines(page, finding, identities, first)), first="")
        if len(group) > len(listed):
            page.hint(f"and {len(group) - len(listed):,} more", _as_csv("findings"), indent=LABEL)


def _few_orphans(page: TerminalPage, digest: Digest) -> None:
    orphans = how_many(digest.result, "orphans")
    if not orphans:
        return
    page.heading("Orphaned identities")
    page.table(
        _ORPHAN_HEADINGS,
        (
            (
                orphan.severity or "",
                orphan.identity.shown_name,
                place(orphan.identity),
                words(orphan.verdicts.ownership.reason or ""),
                orphan.verdicts.usage.state,
            )
            for orphan in islice(work_list(digest.result, "orphans"), ORPHANS_SHOWN)
        ),
    )
    if orphans > ORPHANS_SHOWN:
        page.hint(f"and {orphans - ORPHANS_SHOWN:,} more", "muster orphans -o csv:orphans.csv")


def _meanings(page: TerminalPage, digest: Digest) -> None:
    if digest.result.identities:
        page.line()
        page.line(f"{ORPHANED_MEANS} Abandoned: orphaned, and dormant or never used.")


def _work_list(view: Literal["orphans", "unregistered"]) -> Section:
    def section(page: TerminalPage, digest: Digest) -> None:
        listed = how_many(digest.result, view)
        page.heading(f"{view.capitalize()}: {listed:,}")
        for judged in page.first(work_list(digest.result, view)):
            page.item(judged.severity or "", in_full(judged), axis="severity")
        page.more(listed, _as_csv(view))

    return section


def _listing(view: View) -> Section:
    listing = LISTINGS[view]

    def section(page: TerminalPage, digest: Digest) -> None:
        lines = list(listing.lines(digest.result))
        page.heading(counted(len(lines), listing.one, listing.many))
        page.table(listing.headings, page.shown(lines))
        page.more(len(lines), _as_csv(view))

    return section


def _notices(page: TerminalPage, digest: Digest) -> None:
    notices = digest.result.notices
    if not notices:
        return
    page.heading("Notices")
    for notice in notices[:NOTICES_SHOWN]:
        page.line(notice)
    if len(notices) > NOTICES_SHOWN:
        page.hint(f"and {len(notices) - NOTICES_SHOWN:,} more", "muster report -o json:-")


def _where_next(page: TerminalPage, digest: Digest) -> None:
    if not digest.result.identities:
        if digest.result.only:
            return
        page.line()
        page.hint("Check access to each source", "muster doctor")
        return
    page.heading("Next")
    declare = digest.states["registry"]["unchecked"]
    for why, command in (_DECLARE if declare else _FILL_IN, (_SHOW, f"muster show {_example(digest)}"), _EXPLORE):
        page.hint(why, command, apart=True)


# --- parts of sections --------------------------------------------------------


def _finding_lines(
    page: TerminalPage, finding: Finding, identities: Mapping[str, Identity], first: Finding
) -> Iterator[str]:
    """The subject and evidence of a finding; its severity where it differs from the group's first."""
    identity = identities.get(finding.identity or "")
    credential = (finding.credential or "").rpartition("#")[2]
    named: Iterable[str | None] = (
        f"{page.shortened(identity.shown_name, 48)} ({place(identity)})" if identity else finding.identity,
        credential,
        f"entry {finding.entry}" if finding.entry else None,
        page.shortened(finding.assignment or "", 100),
        finding.about if finding.subject is None else None,
    )
    marks = (
        finding.severity if finding.severity != first.severity else "",
        "new" if finding.new else "",
        f"was {finding.was}" if finding.worsened else "",
    )
    subject = "".join(f"[{mark}] " for mark in marks if mark) + ", ".join(name for name in named if name)
    evidence = evidence_line(finding)
    longest = LONGEST_DAY if finding.rule in ABOUT_A_DAY else LONGEST_EVIDENCE
    yield f"{subject}: {page.shortened(evidence, longest)}" if evidence else subject
    if acknowledged := acknowledged_text(finding):
        yield f"Acknowledged: {acknowledged}"
    if asked := asked_text(finding):
        yield f"Asked for, waits for a reviewer: {asked}"


def _as_csv(view: View) -> str:
    return f"muster report --view {view} -o csv:{view}.csv"


def _example(digest: Digest) -> str:
    """The name or key of the most urgent identity, if it needs no quoting in a shell."""
    urgent = work_list(digest.result, "orphans" if how_many(digest.result, "orphans") else "all")
    names = (name for one in urgent for name in (one.identity.name, one.identity.key))
    return next(filter(_PLAIN.fullmatch, names), "IDENTITY")


_ORPHAN_HEADINGS = (
    Heading("Severity", 8, "severity"),
    Heading("Identity", 0),
    Heading("Scope", 16),
    Heading("Reason", 16),
    Heading("Usage", 10, "usage"),
)

_FILL_IN = ("Workbook for owners to fill in", "muster orphans -o xlsx:orphans.xlsx")
_DECLARE = ("Draft a registry from this scan", "muster registry adopt --registry new.csv")
_SHOW = "Details of one identity"
_EXPLORE = ("Interactive report", "muster report -o html:report.html")
_PLAIN = re.compile(r"[A-Za-z0-9][\w.:/@+=-]{0,99}", re.ASCII)

_SECTIONS: Mapping[View, tuple[Section, ...]] = {
    "all": (
        _gaps,
        _counts,
        moved,
        worse_findings,
        new_findings,
        highest_findings,
        _few_orphans,
        _meanings,
        _notices,
        _where_next,
    ),
    "orphans": (_gaps, _work_list("orphans")),
    "unregistered": (_gaps, _work_list("unregistered")),
    "agents": (_gaps, _listing("agents")),
    "findings": (_gaps, _all_findings),
    "inventory": (_gaps, _listing("inventory")),
    "registry": (_gaps, _listing("registry")),
    "credentials": (_gaps, _listing("credentials")),
    "exposed": (_gaps, _listing("exposed"), _notices),
    "coverage": (_all_gaps, _listing("coverage"), _logs),
}
