"""Findings that somebody lets be, with the reason, until a day: they stay in every report and alarm nobody."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from scanner.exemptions import names_exactly
from scanner.matching.globs import compile_glob
from scanner.matching.keys import habits
from scanner.model import Acknowledged, Acknowledgement, Finding, Identity


class _Scoped(Struct, frozen=True):
    """An acknowledgement of a rule's findings. ``globs``: its match, by whether case is ignored."""

    one: Acknowledgement
    match: str
    globs: Mapping[bool, re.Pattern[str]]

    def fits(self, finding: Finding, identity: Identity | None) -> bool:
        if identity is not None and names_exactly(self.match, identity):
            return True
        glob = self.globs[identity is not None and habits(identity.provider).ids == "any_case"]
        return any(map(glob.fullmatch, finding.subjects))


class Acknowledgements:
    """The acknowledgements as of one day; it remembers which were of use, and which would have been.

    Of several that cover a finding, the one that holds longest speaks for it.
    """

    def __init__(self, acknowledgements: Iterable[Acknowledgement], today: date) -> None:
        self._today = today
        self._all = sorted(acknowledgements, key=lambda one: one.given.until, reverse=True)
        self._by_fingerprint: dict[str, list[Acknowledgement]] = defaultdict(list)
        self._by_rule: dict[str, list[_Scoped]] = defaultdict(list)
        for one in self._all:
            if one.finding is not None:
                self._by_fingerprint[one.finding].append(one)
            if one.rule is not None and one.match is not None:
                globs = {case: compile_glob(one.match, ignore_case=case) for case in (False, True)}
                self._by_rule[one.rule].append(_Scoped(one, one.match, globs))
        self._used: set[Acknowledgement] = set()
        self._lapsed: set[Acknowledgement] = set()

    def marked(self, findings: Iterable[Finding], identities: Mapping[str, Identity]) -> Iterator[Finding]:
        """The findings as they stand today: an acknowledged one is not new, and one no longer acknowledged is."""
        for finding in findings:
            given = self.of(finding, identities.get(finding.identity or "")) if self._all else None
            if given is not None:
                yield replace(finding, acknowledged=given, new=False, held_back=False)
            elif finding.acknowledged is not None:
                yield replace(finding, acknowledged=None, new=True)
            else:
                yield finding

    def of(self, finding: Finding, identity: Identity | None) -> Acknowledged | None:
        """Who lets the finding be today, and why; ``identity`` is the one it is about."""
        covering = tuple(self.covering(finding, identity))
        holding = [one for one in covering if one.given.until >= self._today]
        self._used.update(holding)
        if holding:
            return max(holding, key=lambda one: one.given.until).given
        self._lapsed.update(covering[:1])
        return None

    def covering(self, finding: Finding, identity: Identity | None) -> Iterator[Acknowledgement]:
        """All that cover the finding, ended ones included."""
        yield from self._by_fingerprint.get(finding.fingerprint, ())
        if finding.rule in self._by_rule:
            yield from (scoped.one for scoped in self._by_rule[finding.rule] if scoped.fits(finding, identity))

    @property
    def notices(self) -> list[str]:
        """What the keeper of the list should know: which ones ended, and which are of no use."""
        ended = [
            f"{one.origin}: the acknowledgement by {one.given.by} ended on {one.given.until}: its findings alarm again"
            for one in self._all
            if one in self._lapsed
        ]
        idle = [
            f"{one.origin}: the acknowledgement by {one.given.by} covers no finding: it can be removed"
            for one in self._all
            if one.given.until >= self._today and one not in self._used
        ]
        return sorted(ended) + sorted(idle)
