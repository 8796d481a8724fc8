"""From what was discovered and what was declared to one judged result. Pure: records in, a result out.

inventory ─► nature, matching ─► registry, suggestions ─► ownership, usage, privilege, drift ─► rules ─► result
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime

import msgspec
from msgspec import Struct

from scanner.acknowledgements import Acknowledgements
from scanner.assessing import assess
from scanner.continuity.moved_rows import followed
from scanner.continuity.remembered import (
    Remembered,
    filled,
    kept_findings,
    not_rechecked,
    or_as_last_known,
    unlisted_places,
    with_unread,
)
from scanner.exemptions import Exemptions
from scanner.inventory import Inventory
from scanner.links.assignments import held_by
from scanner.links.reach import with_reach
from scanner.links.storing import with_stored
from scanner.matching.agreement import as_written
from scanner.matching.entries import judge_entries
from scanner.matching.ladder import Matching, match
from scanner.matching.places import Places, SourceRef
from scanner.model import (
    SEVERITIES,
    Acknowledgement,
    Assessment,
    Entry,
    EntryAssessment,
    Exemption,
    Finding,
    Identity,
    IdentityCandidate,
    Input,
    MatchCandidate,
    NatureVerdict,
    Ownership,
    Person,
    Policy,
    RegistryVerdict,
    ScanInfo,
    ScanResult,
)
from scanner.nature import judge_nature
from scanner.roster import Roster
from scanner.rules import unregistered
from scanner.rules.catalog import RuleContext, evaluate
from scanner.suggestions.suggest import suggest
from scanner.summary import summarise

_UNCHECKED = RegistryVerdict(state="unchecked", evidence="no registry was given")
_LIST = "file"
"""The type of sources that are lists."""
_GRAVITY = {severity: rank for rank, severity in enumerate(SEVERITIES)}


class Declared(Struct, frozen=True, kw_only=True):
    """What the organisation says; None where it said nothing at all."""

    entries: tuple[Entry, ...] | None = None
    people: tuple[Person, ...] | None = None
    exemptions: tuple[Exemption, ...] = ()
    acknowledgements: tuple[Acknowledgement, ...] = ()
    policy: Policy = Policy()
    ownership: Ownership = Ownership()
    tag_keys: tuple[str, ...] = ()
    sources: tuple[SourceRef, ...] = ()
    inputs: tuple[Input, ...] = ()

    @property
    def lists(self) -> frozenset[str]:
        """Names of the sources that are somebody's lists."""
        return frozenset(one.name for one in self.sources if one.provider == _LIST)


def judge(inventory: Inventory, declared: Declared, remembered: Remembered, scan: ScanInfo) -> ScanResult:
    """The scan's result; ``scan.started_at`` is the clock for every verdict."""
    now, today = scan.started_at, scan.started_at.date()
    places = Places(inventory.coverage)
    remembered = followed(remembered, declared.entries or ())
    carried = not_rechecked(remembered, inventory, places, declared.lists)
    inventory = with_unread(filled(inventory, remembered, carried), remembered, places)
    workloads, secrets, assignments = inventory.workloads, inventory.secrets, inventory.assignments
    held = held_by(inventory.identities, assignments)
    known = [one.identity for one in carried]
    seen = with_stored(with_reach(inventory.identities, held, workloads, inventory.coverage, known), secrets)
    inventory = msgspec.structs.replace(inventory, identities=seen)
    roster = None if declared.people is None else Roster(declared.people, today)
    exemptions = Exemptions(declared.exemptions, today)
    natures = {one.key: judge_nature(one, roster) for one in seen}
    matching = _match(inventory, declared, roster, today)
    registry = {one.key: _registry(one, natures[one.key], matching, exemptions, places, declared) for one in seen}
    entries = _entries(inventory, declared, matching, remembered.entries, {one.identity.key for one in carried}, today)
    likely = suggest([one for one in seen if registry[one.key].state == "unregistered"], entries)
    registry |= {key: _with_candidates(registry[key], found) for key, found in likely.for_identities.items()}
    entries = tuple(_entry_with_candidates(one, likely.for_entries.get(one.entry.id, ())) for one in entries)
    fresh = assess(
        seen,
        natures,
        registry,
        carried=carried,
        workloads=workloads,
        held=held,
        entries={entry.id: entry for entry in declared.entries or ()},
        roster=roster,
        ownership=declared.ownership,
        policy=declared.policy,
        now=now,
    )
    found = _evaluated(fresh, entries, inventory, declared, remembered, now)
    standing = kept_findings(found, fresh, carried, entries, remembered)
    acknowledgements = Acknowledgements(declared.acknowledgements, today)
    identities = {one.identity.key: one.identity for one in (*fresh, *carried)} if declared.acknowledgements else {}
    marked = (*_marked(found, fresh, remembered.known, now), *standing)
    findings = tuple(sorted(acknowledgements.marked(marked, identities), key=_gravest_first))
    assessments = _with_findings(sorted((*fresh, *carried), key=lambda one: one.identity.key), findings)
    return ScanResult(
        scan=scan,
        summary=summarise(
            assessments, secrets, workloads, assignments, entries, findings, inventory.coverage, remembered.known
        ),
        coverage=inventory.coverage,
        identities=assessments,
        secrets=secrets,
        workloads=workloads,
        assignments=assignments,
        entries=entries,
        findings=findings,
        policy=declared.policy,
        notices=(
            *unlisted_places(carried, inventory.coverage),
            *exemptions.notices,
            *acknowledgements.notices,
            *matching.notices,
            *likely.notices,
        ),
    )


def _match(inventory: Inventory, declared: Declared, roster: Roster | None, today: date) -> Matching:
    return match(
        inventory.identities,
        declared.entries or (),
        tag_keys=declared.tag_keys,
        today=today,
        who=as_written if roster is None else roster.meant_by,
    )


def _registry(
    identity: Identity,
    nature: NatureVerdict,
    matching: Matching,
    exemptions: Exemptions,
    places: Places,
    declared: Declared,
) -> RegistryVerdict:
    """The match, unless there is none and the identity needs none."""
    if declared.entries is None:
        return _UNCHECKED
    verdict = matching.verdicts[identity.key]
    if verdict.state == "registered":
        return verdict
    reason = identity.managed_by or exemptions.reason(identity)
    if reason is None and nature.verdict == "human":
        reason = "a person: " + "; ".join(signal.evidence for signal in nature.signals if signal.says == "human")
    if reason is not None:
        return RegistryVerdict(state="exempt", evidence=reason)
    if verdict.state == "unregistered" and places.missing_rungs(identity.source, identity.scope, identity.kind):
        return msgspec.structs.replace(verdict, provisional=True)
    return verdict


def _entries(
    inventory: Inventory,
    declared: Declared,
    matching: Matching,
    remembered: Sequence[EntryAssessment],
    carried: Collection[str],
    today: date,
) -> tuple[EntryAssessment, ...]:
    if declared.entries is None:
        return ()
    judged = judge_entries(
        declared.entries,
        matching,
        {one.key: one for one in inventory.identities},
        inventory.coverage,
        sources=declared.sources,
        today=today,
    )
    last = {one.entry.id: one for one in remembered}
    return tuple(or_as_last_known(one, last.get(one.entry.id), carried) for one in judged)


def _with_candidates(judged: RegistryVerdict, found: tuple[MatchCandidate, ...]) -> RegistryVerdict:
    return msgspec.structs.replace(judged, candidates=found)


def _entry_with_candidates(judged: EntryAssessment, found: tuple[IdentityCandidate, ...]) -> EntryAssessment:
    return msgspec.structs.replace(judged, candidates=found) if found else judged


def _evaluated(
    fresh: Sequence[Assessment],
    entries: Sequence[EntryAssessment],
    inventory: Inventory,
    declared: Declared,
    remembered: Remembered,
    now: datetime,
) -> Sequence[Finding]:
    """What the rules say of all that is judged."""
    return evaluate(
        RuleContext(
            assessments=fresh,
            entries=entries,
            secrets=inventory.secrets,
            assignments=inventory.assignments,
            exemptions=declared.exemptions,
            recreations=remembered.recreations,
            policy=declared.policy,
            now=now,
            registry_given=declared.entries is not None,
        )
    )


def _marked(
    found: Sequence[Finding], fresh: Sequence[Assessment], known: Mapping[str, datetime | None] | None, now: datetime
) -> Iterator[Finding]:
    """Findings that the last scan did not know are new, and on a store's first scan none is.

    That nobody declared an identity is held back while a gap may hide its entry, and new once that can be told.
    """
    provisional = {one.identity.key for one in fresh if one.registry.provisional}
    for finding in found:
        unknown = known is not None and finding.fingerprint not in known
        held_back = unknown and finding.rule == unregistered.RULE.id and finding.identity in provisional
        since = (known or {}).get(finding.fingerprint, now)
        yield msgspec.structs.replace(finding, new=unknown and not held_back, held_back=held_back, first_seen=since)


def _gravest_first(finding: Finding) -> tuple[int, str, str, str, str]:
    subject = finding.identity or finding.entry or finding.assignment or ""
    return _GRAVITY[finding.severity], finding.rule, subject, finding.credential or "", finding.fingerprint


def _with_findings(assessments: Sequence[Assessment], findings: Sequence[Finding]) -> tuple[Assessment, ...]:
    of_identity: dict[str, list[str]] = {}
    for finding in findings:
        if finding.identity is not None:
            of_identity.setdefault(finding.identity, []).append(finding.fingerprint)
    fingerprints = ((one, tuple(of_identity.get(one.identity.key, ()))) for one in assessments)
    return tuple(
        one if one.findings == found else msgspec.structs.replace(one, findings=found) for one, found in fingerprints
    )
