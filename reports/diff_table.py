"""Texts and columns of a comparison of two scans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from reports.tables import Column
from scanner.diff.records import Counts, Diff
from scanner.model import Aspect, Change, ScanInfo
from scanner.rules.wording import words
from scanner.text import counted

_Change: TypeAlias = Column[Change]


def totals(counts: Counts) -> str:
    """The totals of identities, on a line for scripts."""
    forgotten = f", forgotten {counts.forgotten}" if counts.forgotten else ""
    return (
        f"joined {counts.joined}, moved {counts.moved}, left {counts.left}, returned {counts.returned}, "
        f"not re-checked {counts.not_rechecked}{forgotten}"
    )


def headline(diff: Diff) -> str:
    """One sentence with the number of changes."""
    counts = diff.summary
    parts = (
        (counts.joined, "joined"),
        (counts.appeared, "of these without an entry"),
        (counts.returned, "came back"),
        (counts.moved, "moved"),
        (counts.replaced, "of these recreated under the same key"),
        (counts.reach_grew, "of these can do more than before"),
        (counts.left, "left"),
        (counts.forgotten, "forgotten"),
    )
    text = ", ".join(f"{number:,} {what}" for number, what in parts if number)
    worse = f"{counted(counts.worsened, 'finding is', 'findings are')} worse." if counts.worsened else ""
    if text or worse:
        return " ".join(filter(None, (f"Of the identities, {text}." if text else "", worse)))
    return "Nothing changed." if not diff.changes else "Of the identities, none joined, moved or left."


def span(diff: Diff) -> str:
    """Which scans are compared."""
    return f"From {_scan(diff.old)} to {_scan(diff.new)}."


def _scan(scan: ScanInfo) -> str:
    return f"{scan.started_at:%Y-%m-%d %H:%M} UTC ({scan.id})"


def caveats(diff: Diff) -> list[str]:
    """Limits of the comparison, as sentences."""
    number = diff.summary.not_rechecked
    unread = f"{counted(number, 'identity', 'identities')} could not be re-checked, so none of them counts as left."
    return [*([unread] if number else []), *diff.notices]


def finding_counts(counts: Counts) -> Iterator[str]:
    """Numbers of findings by change."""
    for number, what in (
        (counts.worsened, "worse"),
        (counts.new_findings, "new"),
        (counts.reopened_findings, "reopened"),
        (counts.resolved_findings, "resolved"),
        (counts.forgotten_findings, "forgotten"),
    ):
        if number:
            yield f"{number:,} {what}"


def became(change: Change) -> str:
    """The old and the new value as one phrase."""
    if change.change == "worsened":
        return f"{change.before} -> {change.after}: {change.cause}"
    if change.aspect is None:
        return "; ".join(filter(None, (change.before, change.after)))
    return difference_text(change.aspect, change.before, change.after)


def difference_text(aspect: Aspect, before: str | None, after: str | None) -> str:
    """A change of one aspect: the old and the new state, or removed and added items."""
    if aspect in _SEVERAL and not (aspect == "credentials" and before and after):
        text = "; ".join([*([f"+ {after}"] if after else []), *([f"- {before}"] if before else [])])
    else:
        text = f"{before or 'none'} -> {after or 'none'}"
    return f"{words(aspect)}: {text}"


_SEVERAL: frozenset[Aspect] = frozenset({"permissions", "links", "trust", "credentials"})
"""Aspects with several items. A rotated credential is one item."""


COLUMNS: tuple[_Change, ...] = (
    Column("subject", lambda r: r.subject, "Identity, finding or registry entry.", 10),
    Column("change", lambda r: r.change, "What happened to it.", 14),
    Column("key", lambda r: r.key, "The identity's key, the finding's fingerprint, the entry's id.", 52),
    Column("name", lambda r: r.name, "Display name; of a finding, its title.", 28),
    Column("provider", lambda r: r.provider, "The system it lives in.", 10),
    Column("source", lambda r: r.source, "The configured source that reported it.", 16),
    Column("scope", lambda r: r.scope, "Account, project, cluster or namespace."),
    Column("kind", lambda r: r.kind, "The provider's kind of identity.", 12),
    Column("aspect", lambda r: r.aspect, "The attribute that changed.", 14),
    Column("before", lambda r: r.before, "Old value; empty: none.", 40),
    Column("after", lambda r: r.after, "New value; empty: none.", 40),
    Column("reach_grew", lambda r: r.reach_grew, "It can do or become more than before.", 12, "bool"),
    Column("severity", lambda r: r.severity, "Of a finding.", 10, axis="severity"),
    Column("rule", lambda r: r.rule, "Of a finding.", 24),
    Column("identity", lambda r: r.identity, "Of a finding, the key of its identity.", 52),
    Column("ask", lambda r: r.ask, "Owner, or the most likely owner.", 26),
    Column("next_step", lambda r: r.next_step, "What to do first.", 60),
    Column("caveat", lambda r: r.caveat, "Why this may be incomplete.", 40),
    Column("appeared", lambda r: r.appeared, "Seen for the first time, without an entry.", 10, "bool"),
    Column("became_admin", lambda r: r.became_admin, "It is an admin, and was none.", 12, "bool"),
    Column("cause", lambda r: r.cause, "Why a finding is worse, or what made the reach grow.", 60),
)
SHORT_COLUMNS: tuple[_Change, ...] = (
    Column("change", lambda r: words(r.change), ""),
    Column("what", lambda r: r.name, ""),
    Column("where", lambda r: " ".join(filter(None, (r.provider, r.scope))) or r.identity, ""),
    Column("details", became, ""),
    Column("ask", lambda r: r.ask, ""),
    Column("next_step", lambda r: r.next_step, ""),
)
