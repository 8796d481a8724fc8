"""From what was discovered and what was declared to one judged result. Pure: records in, a result out.

inventory ─► nature, matching ─► registry, ownership, usage, privilege ─► rules ─► result
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime

import msgspec
from msgspec import Struct

from scanner.agents import judge_agent
from scanner.exemptions import Exemptions
from scanner.inventory import Inventory
from scanner.matching.entries import Places, SourceRef, judge_entries
from scanner.matching.keys import fold
from scanner.matching.ladder import Matching, match
from scanner.model import (
    SEVERITIES,
    Assessment,
    Coverage,
    Entry,
    EntryAssessment,
    Exemption,
    Finding,
    Identity,
    NatureVerdict,
    OwnershipVerdict,
    Person,
    Policy,
    RegistryVerdict,
    ScanInfo,
    ScanResult,
    StoredSecret,
    Summary,
)
from scanner.nature import judge_nature
from scanner.ownership import judge_ownership
from scanner.privilege.paths import raise_by_paths
from scanner.remembered import (
    Remembered,
    filled,
    kept_findings,
    not_rechecked,
    or_as_last_known,
    vanished_scopes,
    with_unread_secrets,
)
from scanner.roster import Roster
from scanner.rules.catalog import RuleContext, evaluate
from scanner.usage import judge_usage

_UNCHECKED = RegistryVerdict(state="unchecked", evidence="no registry was given")


class Declared(Struct, frozen=True, kw_only=True):
    """What the organisation says; None where it said nothing at all."""

    entries: tuple[Entry, ...] | None = None
    people: tuple[Person, ...] | None = None
    exemptions: tuple[Exemption, ...] = ()
    policy: Policy = Policy()
    tag_keys: tuple[str, ...] = ()
    sources: tuple[SourceRef, ...] = ()


def judge(inventory: Inventory, declared: Declared, remembered: Remembered, scan: ScanInfo) -> ScanResult:
    """The scan's result; ``scan.started_at`` is the clock for every verdict."""
    now, today = scan.started_at, scan.started_at.date()
    places = Places(inventory.coverage)
    last = {one.identity.key: one for one in remembered.assessments}
    inventory = filled(inventory, last, places)
    matching = match(inventory.identities, declared.entries or (), tag_keys=declared.tag_keys, today=today)
    roster = None if declared.people is None else Roster(declared.people, today)
    fresh = _assess(inventory, declared, matching, roster, places, now)
    carried = not_rechecked(last, {one.identity.key for one in fresh}, places)
    entries = _entries(inventory, declared, matching, remembered.entries, today)
    secrets = with_unread_secrets(inventory.secrets, remembered.secrets, places)
    found = evaluate(
        RuleContext(
            assessments=fresh,
            entries=entries,
            secrets=secrets,
            exemptions=declared.exemptions,
            policy=declared.policy,
            now=now,
            registry_given=declared.entries is not None,
        )
    )
    standing = kept_findings(found, fresh, carried, entries, remembered)
    findings = tuple(sorted((*_marked(found, fresh, remembered.known), *standing), key=_gravest_first))
    assessments = _with_findings(sorted((*fresh, *carried), key=lambda one: one.identity.key), findings)
    return ScanResult(
        scan=scan,
        summary=_summarise(assessments, secrets, entries, findings, inventory.coverage),
        coverage=inventory.coverage,
        identities=assessments,
        secrets=secrets,
        entries=entries,
        findings=findings,
        policy=declared.policy,
        notices=(*vanished_scopes(carried, inventory.coverage), *matching.notices),
    )


def _assess(
    inventory: Inventory,
    declared: Declared,
    matching: Matching,
    roster: Roster | None,
    places: Places,
    now: datetime,
) -> list[Assessment]:
    natures = {one.key: judge_nature(one, roster) for one in inventory.identities}
    exemptions = Exemptions(declared.exemptions, now.date())
    entries = {entry.id: entry for entry in declared.entries or ()}
    privileges = raise_by_paths(
        {one.key: one.privilege for one in inventory.identities},
        (
            (one.key, link.target, link.evidence)
            for one in inventory.identities
            for link in one.links
            if link.relation == "can_assume"
        ),
    )
    is_machine = _machines(inventory.identities, natures)
    assessments = []
    for identity in inventory.identities:
        registry = _UNCHECKED
        if declared.entries is not None:
            registry = _registry(identity, natures[identity.key], matching, exemptions, places)
        ownership = OwnershipVerdict(state="unchecked", evidence="no registry was given")
        if declared.entries is not None:
            ownership = judge_ownership(identity, registry, entries, roster, machines=is_machine)
        assessments.append(
            Assessment(
                identity=identity,
                nature=natures[identity.key],
                agent=judge_agent(identity),
                registry=registry,
                ownership=ownership,
                usage=judge_usage(identity, window_days=declared.policy.dormant_identity, now=now),
                privilege=privileges[identity.key],
            )
        )
    return assessments


def _registry(
    identity: Identity, nature: NatureVerdict, matching: Matching, exemptions: Exemptions, places: Places
) -> RegistryVerdict:
    """The match, unless there is none and the identity needs none."""
    verdict = matching.verdicts[identity.key]
    if verdict.state == "registered":
        return verdict
    reason = identity.managed_by or exemptions.reason(identity)
    if reason is None and nature.verdict == "human":
        reason = "a person: " + "; ".join(signal.evidence for signal in nature.signals if signal.says == "human")
    if reason is not None:
        return RegistryVerdict(state="exempt", evidence=reason)
    if verdict.state == "unregistered" and places.feeds(identity.source, identity.scope, identity.kind):
        return msgspec.structs.replace(verdict, provisional=True)
    return verdict


def _machines(identities: Sequence[Identity], natures: Mapping[str, NatureVerdict]) -> Callable[[str], bool]:
    names = {
        fold(name)
        for one in identities
        if natures[one.key].verdict == "non_human"
        for name in (one.key, one.name, *one.aliases)
    }
    return lambda text: fold(text) in names


def _entries(
    inventory: Inventory,
    declared: Declared,
    matching: Matching,
    remembered: Sequence[EntryAssessment],
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
    return tuple(or_as_last_known(one, last.get(one.entry.id)) for one in judged)


def _marked(found: Sequence[Finding], fresh: Sequence[Assessment], known: frozenset[str] | None) -> Iterator[Finding]:
    """Findings that the last scan did not have are new, unless there was none or a gap may hide what would end them."""
    provisional = {one.identity.key for one in fresh if one.registry.provisional}
    for finding in found:
        new = known is not None and finding.fingerprint not in known and finding.identity not in provisional
        yield msgspec.structs.replace(finding, new=new)


def _gravest_first(finding: Finding) -> tuple[int, str, str]:
    subject = finding.identity or finding.entry or ""
    return SEVERITIES.index(finding.severity), finding.rule, f"{subject}\0{finding.credential or ''}"


def _with_findings(assessments: Sequence[Assessment], findings: Sequence[Finding]) -> tuple[Assessment, ...]:
    of_identity: dict[str, list[str]] = {}
    for finding in findings:
        if finding.identity is not None:
            of_identity.setdefault(finding.identity, []).append(finding.fingerprint)
    return tuple(
        msgspec.structs.replace(one, findings=tuple(of_identity.get(one.identity.key, ()))) for one in assessments
    )


def _summarise(
    assessments: Sequence[Assessment],
    secrets: Sequence[StoredSecret],
    entries: Sequence[EntryAssessment],
    findings: Sequence[Finding],
    coverage: Sequence[Coverage],
) -> Summary:
    registry = Counter(one.registry.state for one in assessments)
    ownership = Counter(one.ownership.state for one in assessments)
    usage = Counter(one.usage.state for one in assessments)
    severities = Counter(finding.severity for finding in findings)
    return Summary(
        identities=len(assessments),
        registered=registry["registered"],
        unregistered=registry["unregistered"],
        ambiguous=registry["ambiguous"],
        exempt=registry["exempt"],
        owned=ownership["owned"],
        orphaned=ownership["orphaned"],
        dormant=usage["dormant"],
        never_used=usage["never_used"],
        disabled=usage["disabled"],
        abandoned=sum(one.abandoned for one in assessments),
        admins=sum(one.privilege.level == "admin" for one in assessments),
        agents=sum(one.agent.is_agent for one in assessments),
        credentials=sum(len(one.identity.credentials) for one in assessments),
        secrets=len(secrets),
        findings={severity: severities[severity] for severity in SEVERITIES},
        new_findings=sum(finding.new for finding in findings),
        registry_entries=len(entries),
        not_found=sum(one.state == "not_found" for one in entries),
        gaps=sum(one.is_gap for one in coverage),
        not_rechecked=sum(not one.rechecked for one in assessments),
    )
