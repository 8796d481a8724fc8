"""Headline, caveats and counts of a result."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from msgspec.structs import replace

from reports.exposed import exposed_rows
from reports.limits import (
    EVERY,
    WORDS,
    Number,
    hides_leaks,
    is_day,
    limited_numbers,
    limits_of,
    places,
    touched_by,
)
from reports.phrases import joined
from scanner.model import Coverage, ScanResult
from scanner.model.counts import FindingCounts, FindingGroup, IdentityCounts
from scanner.model.coverage import PEOPLE, REGISTRY
from scanner.model.stored import finding_counts, identity_counts
from scanner.text import counted, either

NO_REGISTRY = "No registry was given, so registration was not checked. Give one with --registry FILE."
NO_ROSTER = "No roster was given, so owners could not be verified. Give one with --people FILE."


HEADLINE: frozenset[Number] = frozenset({"identities", "registry", "ownership"})
"""The numbers of the headline."""


class Digest:
    """A result with derived texts and counts, each computed on first use and cached."""

    def __init__(self, result: ScanResult) -> None:
        self.result = result

    @cached_property
    def counts(self) -> IdentityCounts:
        """The counts of the identities."""
        return identity_counts(self.result.identities)

    @cached_property
    def findings(self) -> FindingCounts:
        """The counts of the findings."""
        return finding_counts(self.result.findings)

    @property
    def groups(self) -> Sequence[FindingGroup]:
        """The findings by severity and rule, highest severity first."""
        return self.findings.groups

    @property
    def states(self) -> Mapping[str, Mapping[str, int]]:
        """Number of identities by axis and state; unused states count 0."""
        return self.counts.states

    @cached_property
    def gaps(self) -> list[Coverage]:
        """Sections that were not read completely, in the result's order."""
        return [coverage for coverage in self.result.coverage if coverage.is_gap]

    @cached_property
    def limits(self) -> list[Coverage]:
        """Gaps that may hide identities or entries: all but days of audit logs."""
        return limits_of(self.gaps)

    @cached_property
    def limited(self) -> Mapping[Number, str]:
        """By number that a gap can change: the gaps, as text."""
        return limited_numbers(self.gaps)

    @cached_property
    def headline(self) -> str:
        """One sentence with the totals; it says so where gaps limit them."""
        identities = len(self.result.identities)
        if not identities and self.result.only:
            return "No identity or finding matches the filters."
        if not identities and not self.limits and (leaked := len(list(exposed_rows(self.result)))):
            return f"{counted(leaked, 'leaked key was', 'leaked keys were')} read, and no identities."
        if not identities:
            return "No identities could be read." if self.limits else "No identities were found."
        registry, ownership = self.states["registry"], self.states["ownership"]
        return totals(
            identities=identities,
            unregistered=registry["unregistered"],
            orphaned=ownership["orphaned"],
            unchecked=registry["unchecked"] == identities,
            limited=not HEADLINE.isdisjoint(self.limited),
        )

    @cached_property
    def caveats(self) -> list[str]:
        """Limits of the numbers, as sentences; empty if there are none."""
        no_registry, no_roster = self.states["registry"]["unchecked"], self.states["ownership"]["unchecked"]
        provisional, contested, stale = self.counts.provisional, self.counts.contested, self.counts.not_rechecked
        others = counted(contested, "other identity is", "other identities are")
        are = either(provisional, "is", "are")
        caveats = (
            *((text, text) for text in (self.result.only, *unread_caveats(self.gaps)) if text),
            (no_registry, NO_REGISTRY),
            (no_roster and not no_registry, NO_ROSTER),
            (provisional, f"{provisional:,} of the unregistered {are} provisional: a gap hides possible matches."),
            (contested, f"{others} provisional: a registry row that cannot be read names them."),
            (stale, stale_caveat(stale)),
        )
        return [text for holds, text in caveats if holds]


def totals(*, identities: int, unregistered: int, orphaned: int, unchecked: bool, limited: bool) -> str:
    """The totals of a scan as a sentence. ``unchecked``: without a registry; ``limited``: gaps may hide some."""
    total = counted(identities, "identity", "identities")
    if unchecked:
        text = f"{total} found; registration was not checked."
    elif not unregistered and not orphaned:
        text = f"of {total}, none is unregistered and none is orphaned."
    else:
        text = (
            f"{unregistered:,} of {total} {either(unregistered, 'is', 'are')} unregistered; {orphaned:,} "
            f"{either(orphaned, 'is', 'are')} orphaned."
        )
    return f"As far as could be read, {text}" if limited else text[0].upper() + text[1:]


def unread_caveats(gaps: Sequence[Coverage]) -> list[str]:
    """What the gaps leave out, as sentences; empty without a gap."""
    limits, days, leaks = limits_of(gaps), sum(map(is_day, gaps)), sum(map(hides_leaks, gaps))
    unread, reports = counted(days, "day", "days"), counted(leaks, "source", "sources")
    caveats = (
        (limits, _incomplete(limits)),
        (days, f"Audit logs: {unread} could not be read in full; what was done then is not known."),
        (leaks, f"Leaked keys: reports of {reports} could not be read in full; there may be more."),
    )
    return [text for holds, text in caveats if holds]


def _incomplete(limits: Sequence[Coverage]) -> str:
    """What the gaps can change: the numbers by name, unless it is every one."""
    touched = frozenset[Number]().union(*map(touched_by, limits))
    declared = any(gap.provider in (REGISTRY, PEOPLE) for gap in limits)
    # Without an entry, an identity counts as unregistered and orphaned: these numbers can be too high.
    bound = "may be higher or lower" if declared or "identities" not in touched else "are minimums"
    sections = counted(len(limits), "section", "sections")
    if touched == EVERY:
        return f"Incomplete: {sections} could not be read in full; the numbers below {bound}."
    numbers = [word for number, word in WORDS.items() if number in touched]
    listed = f"{', '.join(numbers[:-1])} and {numbers[-1]}" if len(numbers) > 1 else "".join(numbers)
    return f"Incomplete: {places(limits)} could not be read in full; the numbers of {listed} {bound}."


def stale_caveat(stale: int) -> str:
    """The caveat that a number of identities were not read this time."""
    return f"{counted(stale, 'identity was', 'identities were')} not re-checked: last known verdicts are shown."


_OF_A_DAY = re.compile(r"(.+):(\d{4}-\d\d-\d\d)")


def by_reason(gaps: Iterable[Coverage]) -> list[Coverage]:
    """The gaps as lists show them: days of one log and scope that are a gap for the same reason are one.

    Its section then names how many days, the first and the last.
    """
    groups: dict[object, tuple[Coverage, str, list[str]]] = {}
    for gap in gaps:
        dated = _OF_A_DAY.fullmatch(gap.section)
        section, day = (dated[1], dated[2]) if dated else (gap.section, "")
        alike = (gap.source, gap.scope, section, gap.status, gap.detail, gap.permission, None if day else len(groups))
        groups.setdefault(alike, (gap, section, []))[2].append(day)
    return [
        gap if len(days) == 1 else replace(gap, section=f"{section} of {len(days):,} days, {min(days)} to {max(days)}")
        for gap, section, days in groups.values()
    ]


def gap_text(gap: Coverage) -> str:
    """A gap without its status: the place, the missing permission, and the error."""
    place = f"{gap.provider} {gap.scope} {gap.section}"
    why = joined(fact for fact in (gap.permission and f"needs {gap.permission}", gap.detail) if fact)
    return f"{place}: {why}" if why else place
