"""Follows entries without their own id when rows move, because such an id is the file and row. Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from typing import TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from scanner.judging.last_known.remembered import Remembered, declares, places
from scanner.matching.ladder import match
from scanner.model import (
    Assessment,
    Entry,
    EntryAssessment,
    Finding,
    Identity,
    KnownFinding,
    LookAlike,
    MatchCandidate,
    RegistryVerdict,
    UnreadRow,
)
from scanner.rules.base import fingerprint
from scanner.text import few

_Ids: TypeAlias = Mapping[str, str]
_Named = TypeVar("_Named", MatchCandidate, LookAlike)

_GONE = "{} of the last scan"


def followed(remembered: Remembered, entries: Sequence[Entry]) -> Remembered:
    """Return what the last scan knew, with the current ids of its entries.

    If a row no longer exists as it was, its place is not given to another row; its former id is marked as old.
    """
    moved = renamed([one.entry for one in remembered.entries], entries)
    if not moved:
        return remembered
    findings = tuple(_finding(finding, moved) for finding in remembered.findings)
    return replace(
        remembered,
        assessments=tuple(_assessment(assessment, moved) for assessment in remembered.assessments),
        entries=tuple(
            replace(one, entry=replace(one.entry, id=moved.get(one.entry.id, one.entry.id)))
            for one in remembered.entries
        ),
        findings=findings,
        known=_known(remembered, findings),
    )


def renamed(before: Sequence[Entry], now: Sequence[Entry]) -> _Ids:
    """Return the new id of each renamed entry, row by row; of identical rows, the first comes first.

    A status or an end that cannot be read, now or then, makes no other entry of a row.
    """
    rows: defaultdict[tuple[object, ...], deque[str]] = defaultdict(deque)
    for entry in now:
        if not entry.has_own_id:
            for key in (declares(entry), (entry.unknown_end is not None, places(entry))):
                rows[key].append(entry.id)
    taken = {entry.id for entry in now}
    moved: dict[str, str] = {}
    given: set[str] = set()
    for entry in before:
        if entry.has_own_id:
            continue
        keys = [declares(entry), (True, places(entry)), *([(False, places(entry))] if entry.unknown_end else [])]
        here = next(filter(None, (_next(rows[key], given) for key in keys if key in rows)), None)
        if here:
            moved[entry.id] = here
            given.add(here)
        elif entry.id in taken:
            moved[entry.id] = _GONE.format(entry.id)
    return {old: new for old, new in moved.items() if old != new}


def _next(ids: deque[str], given: AbstractSet[str]) -> str | None:
    while ids and ids[0] in given:
        ids.popleft()
    return ids[0] if ids else None


def _assessment(one: Assessment, moved: _Ids) -> Assessment:
    registry = one.registry
    named = {registry.entry, registry.proposed, registry.look_alike.entry if registry.look_alike else None}
    named.update(registry.agreeing, registry.contradictions, (hit.entry for hit in registry.candidates))
    return one if named.isdisjoint(moved) else replace(one, registry=_registry(registry, moved))


def _registry(verdict: RegistryVerdict, moved: _Ids) -> RegistryVerdict:
    return replace(
        verdict,
        entry=None if verdict.entry is None else moved.get(verdict.entry, verdict.entry),
        proposed=None if verdict.proposed is None else moved.get(verdict.proposed, verdict.proposed),
        look_alike=None if verdict.look_alike is None else _candidate(verdict.look_alike, moved),
        agreeing=tuple(moved.get(entry, entry) for entry in verdict.agreeing),
        contradictions=tuple(moved.get(entry, entry) for entry in verdict.contradictions),
        candidates=tuple(_candidate(candidate, moved) for candidate in verdict.candidates),
    )


def _candidate(one: _Named, moved: _Ids) -> _Named:
    return replace(one, entry=moved.get(one.entry, one.entry))


def _finding(one: Finding, moved: _Ids) -> Finding:
    if one.entry is None or one.identity is not None or one.entry not in moved:
        return one
    return replace(one, entry=moved[one.entry], fingerprint=fingerprint(one.rule, moved[one.entry]))


def _known(remembered: Remembered, findings: Sequence[Finding]) -> Mapping[str, KnownFinding] | None:
    """The age of a finding does not depend on its row; one that was held back stays unannounced."""
    known = remembered.known
    if known is None:
        return None
    pairs = zip(remembered.findings, findings, strict=True)
    names = {old.fingerprint: new.fingerprint for old, new in pairs if old.fingerprint in known}
    others = {name: since for name, since in known.items() if name not in names}
    return others | {new: known[old] for old, new in names.items()}


# --- Unreadable rows of the registry: the identities that they may declare keep their last known verdicts. Pure ---
#
# An unreadable row does not say whether an identity is declared. Its entry of the last scan is matched as before, so
# identities keep the verdicts that depend on it.

ROWS_HIDING = 3
_BY_LAST_SCAN = "; as the last scan read it"


class SetAside(Struct, frozen=True, kw_only=True):
    """What unreadable rows may declare.

    ``entries``: entries of the last scan, used until their row can be read again. ``why``: the reasons, by id.
    ``named``: keys of identities that a row names, each with the entries that matched it in the last scan.
    ``anything``: a row may declare any identity. ``hiding``: where the rows are, as text.
    """

    entries: tuple[Entry, ...] = ()
    why: Mapping[str, str] = {}
    named: Mapping[str, AbstractSet[str]] = {}
    anything: bool = False
    hiding: str = ""

    def verdict(self, key: str, judged: RegistryVerdict) -> RegistryVerdict:
        """Return the verdict, provisional if an unreadable row may explain its difference from the last known one."""
        if judged.state == "unregistered":
            hidden = self.anything or key in self.named
        elif key in self.named and judged.state != "exempt":
            hidden = self.named[key].isdisjoint((judged.entry, *(candidate.entry for candidate in judged.candidates)))
        else:
            hidden = False
        if not hidden:
            return judged
        why = judged.evidence or (f"its entry may be hidden by {self.hiding}" if self.hiding else None)
        return replace(judged, provisional=True, evidence=why)

    def entry(self, judged: EntryAssessment) -> EntryAssessment:
        """The entry of an unreadable row is not evaluated, whatever it matches."""
        why = self.why.get(judged.entry.id)
        return judged if why is None else replace(judged, state="not_evaluated", evidence=why, rechecked=False)


def set_aside(
    unread: Sequence[UnreadRow],
    entries: Sequence[Entry],
    last: Sequence[EntryAssessment],
    identities: Sequence[Identity],
    *,
    tag_keys: Sequence[str],
    today: date,
) -> SetAside:
    """Return what these rows may declare. ``entries``: the readable ones; ``last``: all entries of the last scan.

    An entry of the last scan that is missing now is used if it has the id of an unreadable row, or matched an identity
    that one names. All missing entries are used if a row may declare any identity.
    """
    if not unread:
        return SetAside()
    names = {one.names.id: one for one in unread if one.names}
    found = match(identities, [one.names for one in unread if one.names], tag_keys=tag_keys, today=today)
    namers = {key: names[entry] for entry, keys in found.identities_of.items() for key in keys}
    there = {entry.id for entry in entries}
    missing = [one for one in last if one.entry.id not in there]
    known = {one.entry.id for one in missing}
    unplaced = next((one for one in unread if one.hides_names and one.id not in known), None)
    places = {one.id: one for one in unread if one.id is not None}
    why = {}
    for one in missing:
        namer = next((namers[key] for key in one.identities if key in namers), None)
        if row := places.get(one.entry.id) or namer or unplaced:
            why[one.entry.id] = f"{described(row)}{_BY_LAST_SCAN}"
    matched: dict[str, set[str]] = {key: set() for key in namers}
    for one in last:
        for key in matched.keys() & one.identities:
            matched[key].add(one.entry.id)
    return SetAside(
        entries=tuple(one.entry for one in missing if one.entry.id in why),
        why=why,
        named=matched,
        anything=unplaced is not None,
        hiding=few([str(one.origin) for one in unread], ROWS_HIDING, ", "),
    )


def described(row: UnreadRow) -> str:
    """Return the place of a row, and its errors."""
    return f"{row.origin}: {'; '.join(row.why)}"
