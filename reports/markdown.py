"""The Markdown report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO, ClassVar, Literal, TypeAlias

from reports.base import Screen, View
from reports.finding_groups import news
from reports.judged import Judged, how_many, work_list
from reports.listing import LISTINGS
from reports.phrases import ORPHANED_MEANS, credential_text, evidence_line, fingerprint_digits, next_step, place
from reports.summary import Digest, by_reason, gap_text
from scanner.model import SEVERITIES, SEVERITY_RANK, Assessment, Finding, ScanResult
from scanner.model.counts import FindingGroup
from scanner.model.stored import findings_named, identities_named
from scanner.rules.next_step import step_of_group
from scanner.rules.wording import iso, words
from scanner.text import counted, cut, markdown_code, markdown_sentence

# --- A page with the maximum length of a comment: tables are cut, and show how many rows are missing ---

LENGTH_TAKEN = 65_536
"""Characters in a comment on GitHub; the summary of a job takes more."""
_KEPT_FREE = 8_000
"""Space for headings and for the text after the tables."""


class MarkdownPage:
    """A page of lines and tables. All texts are Markdown already."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._lines: list[str] = []
        self._left = LENGTH_TAKEN - _KEPT_FREE
        self._is_cut = False

    @property
    def text(self) -> str:
        """The page so far."""
        return "".join(f"{line}\n" for line in self._lines)

    @property
    def notices(self) -> tuple[str, ...]:
        """A notice if a table was cut; the page itself shows how many rows are missing."""
        return (f"it is cut to {LENGTH_TAKEN:,} characters, the most that a comment holds",) if self._is_cut else ()

    def line(self, text: str) -> None:
        """Add a few short lines, without checking the length."""
        self._lines.append(text)
        self._left -= _length(text)

    def table(
        self, title: str | None, headings: Sequence[str], rows: Iterable[Iterable[str]], *, total: int, rest: str = ""
    ) -> None:
        """Add a table with the rows that fit. ``total``: number of all rows; ``rest``: how to see all."""
        self.line(f"\n### {title}\n" if title else "")
        self.line(_row(headings))
        self.line(_row(["---"] * len(headings)))
        shown = 0
        for row in map(_row, rows):
            if _length(row) > self._left:
                self._is_cut = True
                break
            self.line(row)
            shown += 1
        if shown < total:
            self.line(f"\nand {total - shown:,} more: {self.command(rest)}")

    def command(self, text: str) -> str:
        """A command to run, as code."""
        return markdown_code(self._screen.command(text))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _length(line: str) -> int:
    """The length with its newline, in UTF-16 units, as GitHub counts."""
    return len(line.encode("utf-16-le", "replace")) // 2 + 1


# --- The Markdown report, for a comment on a pull request or the summary of a job ---

GAPS_NAMED = 10
NOTICES_SHOWN = 5
LONGEST_NAME = 100
LONGEST_TEXT = 300

Section: TypeAlias = Callable[[MarkdownPage, Digest], None]


class MarkdownReport:
    """New findings, other findings by severity, then the next step for each rule. The rest is counted."""

    name: ClassVar[str] = "markdown"
    title: ClassVar[str] = "a comment on a pull request, or the summary of a job"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None
    streams: ClassVar[bool] = True

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the page as UTF-8. A notice reports a cut, and the page shows how many rows are missing."""
        page, digest = MarkdownPage(screen), Digest(result)
        for section in (_headline, *_SECTIONS[view], _notices, _colophon):
            section(page, digest)
        out.write(page.text.encode())
        return page.notices


def _headline(page: MarkdownPage, digest: Digest) -> None:
    page.line(f"## {markdown_sentence(digest.headline)}\n")
    for caveat in digest.caveats:
        page.line(f"- **{markdown_sentence(caveat)}**")
    gaps = by_reason(digest.gaps)
    for gap in gaps[:GAPS_NAMED]:
        page.line(f"- {gap.status}: {markdown_code(cut(gap_text(gap), LONGEST_TEXT))}")
    if len(gaps) > GAPS_NAMED:
        page.line(f"- and {len(gaps) - GAPS_NAMED:,} more: {page.command('muster report --view coverage')}")


def _counts(page: MarkdownPage, digest: Digest) -> None:
    found = digest.result.summary.findings
    severe: dict[str, int] = {severity: found.get(severity, 0) for severity in SEVERITIES}
    axes = {**digest.states, "findings": severe}
    rows = [
        (axis.capitalize(), text)
        for axis, states in axes.items()
        if (text := " · ".join(f"{count:,} {words(state)}" for state, count in states.items() if count))
    ]
    if len(digest.result.trend) > 1:
        rows.append(("News", " · ".join(news(digest.result.summary))))
    if rows:
        page.table(None, ("Axis", "How many"), rows, total=len(rows))


def _new_findings(page: MarkdownPage, digest: Digest) -> None:
    total = sum(group.new.findings + group.worse.findings for group in digest.groups)
    what = "New or worse" if digest.result.summary.worsened else "New"
    _findings(page, digest, f"{what} since the last scan", _named_in(digest, digest.findings.first_new), total)


def _highest_findings(page: MarkdownPage, digest: Digest) -> None:
    total = sum(group.findings - group.new.findings - group.worse.findings for group in digest.groups)
    summary = digest.result.summary
    title = "Other findings" if summary.new_findings or summary.worsened else "Findings"
    _findings(page, digest, title, _named_in(digest, digest.findings.first_others), total)


def _named_in(digest: Digest, fingerprints: Sequence[str]) -> list[Finding]:
    found = findings_named(digest.result.findings, frozenset(fingerprints))
    return [found[fingerprint] for fingerprint in fingerprints if fingerprint in found]


def _all_findings(page: MarkdownPage, digest: Digest) -> None:
    newest_first = sorted(digest.result.findings, key=lambda finding: not (finding.new or finding.worsened))
    _findings(page, digest, "Findings", newest_first, len(newest_first))


def _next_steps(page: MarkdownPage, digest: Digest) -> None:
    """The next steps, once for each rule, because its findings share them."""
    of_rule: dict[str, list[FindingGroup]] = {}
    for group in digest.groups:
        of_rule.setdefault(group.rule, []).append(group)
    if of_rule:
        count = {rule: sum(group.findings for group in groups) for rule, groups in of_rule.items()}
        order = sorted(of_rule, key=lambda rule: (SEVERITY_RANK[of_rule[rule][0].severity], -count[rule]))
        first = _named_in(digest, [of_rule[rule][0].first for rule in order])
        of_key = identities_named(digest.result.identities, {one.identity for one in first if one.identity})
        page.table(
            "What to do",
            ("What", "How many", "Next step"),
            (
                (
                    _prose(one.title),
                    f"{count[one.rule]:,}",
                    _prose(step_of_group(one, count[one.rule], of_key.get(one.identity or ""))),
                )
                for one in first
            ),
            total=len(of_rule),
            rest="muster report --view findings -o csv:findings.csv",
        )


def _findings(page: MarkdownPage, digest: Digest, title: str, found: Sequence[Finding], total: int) -> None:
    """``found``: the first ones of ``total``."""
    if not found:
        return
    about = {finding.identity for finding in found if finding.identity}
    of_key = identities_named(digest.result.identities, about)
    digits = fingerprint_digits(digest.result.findings)
    page.table(
        f"{title}: {total:,}",
        ("Severity", "What", "About", "Evidence", "Fingerprint"),
        (_finding_row(finding, of_key.get(finding.identity or ""), digits) for finding in found),
        total=total,
        rest="muster report --view findings -o csv:findings.csv",
    )


def _finding_row(finding: Finding, about: Assessment | None, digits: int) -> Iterator[str]:
    mark = ", new" if finding.new else f", was {finding.was}" if finding.worsened else ""
    yield f"{finding.severity}{mark}"
    yield _prose(finding.title)
    yield " ".join(_named(finding, about))
    yield markdown_code(cut(evidence_line(finding) or "", LONGEST_TEXT))
    yield markdown_code(finding.fingerprint[:digits])


def _named(finding: Finding, about: Assessment | None) -> Iterator[str]:
    if about:
        yield f"{_name(about.identity.shown_name)} in {_name(place(about.identity))}"
    elif finding.identity:
        yield _name(finding.identity)
    if finding.credential:
        yield _name(finding.credential.rpartition("#")[2])
    if finding.entry:
        yield f"entry {_name(finding.entry)}"
    if finding.assignment:
        yield _name(finding.assignment)
    if finding.subject is None:
        yield _name(finding.about)


def _work_list(which: Literal["orphans", "unregistered"]) -> Section:
    def section(page: MarkdownPage, digest: Digest) -> None:
        total = how_many(digest.result, which)
        page.table(
            f"{which.capitalize()}: {total:,}",
            ("Severity", "Identity", "Where", "Why", "Use", "Holds", "Next step"),
            map(_work, work_list(digest.result, which)),
            total=total,
            rest=f"muster report --view {which} -o csv:{which}.csv",
        )
        page.line(f"\n{ORPHANED_MEANS}")

    return section


def _work(judged: Judged) -> Iterator[str]:
    verdicts = judged.verdicts
    yield judged.severity or ""
    yield _name(judged.identity.shown_name)
    yield _name(place(judged.identity))
    reason = words(verdicts.ownership.reason or verdicts.registry.state)
    yield f"{reason}, provisional" if verdicts.registry.provisional else reason
    yield words(verdicts.usage.state)
    yield markdown_code(cut("; ".join(map(credential_text, judged.identity.credentials)), LONGEST_TEXT))
    yield _prose(next_step(judged))


def _listing(view: View) -> Section:
    listing = LISTINGS[view]

    def section(page: MarkdownPage, digest: Digest) -> None:
        lines = list(listing.lines(digest.result))
        page.table(
            counted(len(lines), listing.one, listing.many),
            [heading.text for heading in listing.headings],
            (map(_name, line) for line in lines),
            total=len(lines),
            rest=f"muster report --view {view} -o csv:{view}.csv",
        )

    return section


def _notices(page: MarkdownPage, digest: Digest) -> None:
    notices = digest.result.notices
    if notices:
        page.line("")
    for notice in notices[:NOTICES_SHOWN]:
        page.line(f"- {_prose(notice)}")
    if len(notices) > NOTICES_SHOWN:
        page.line(f"- and {len(notices) - NOTICES_SHOWN:,} more: {page.command('muster report -o json:-')}")


def _colophon(page: MarkdownPage, digest: Digest) -> None:
    scan = digest.result.scan
    page.line(
        f"\nScan {markdown_code(scan.id)}, finished {iso(scan.finished_at)}, Muster {markdown_code(scan.version)}"
    )
    if (head := digest.result.summary.decisions) is not None and head.count:
        page.line(str(head))


def _name(text: str) -> str:
    return markdown_code(cut(text, LONGEST_NAME))


def _prose(text: str) -> str:
    return markdown_sentence(cut(text, LONGEST_TEXT))


_SECTIONS: Mapping[View, tuple[Section, ...]] = {
    "all": (_counts, _new_findings, _highest_findings, _next_steps),
    "orphans": (_work_list("orphans"),),
    "unregistered": (_work_list("unregistered"),),
    "agents": (_listing("agents"),),
    "findings": (_counts, _next_steps, _all_findings),
    "inventory": (_counts, _listing("inventory")),
    "registry": (_listing("registry"),),
    "credentials": (_listing("credentials"),),
    "exposed": (_listing("exposed"),),
    "coverage": (_listing("coverage"),),
}
