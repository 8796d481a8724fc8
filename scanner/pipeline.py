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
from scanner.matching.entries import judge_entries
from scanner.matching.keys import fold
from scanner.matching.ladder import Matching, match
from scanner.matching.places import Places, SourceRef
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
    Privilege,
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
    unlisted_places,
    with_unread_secrets,
)
from scanner.roster import Roster
from scanner.rules import unregistered
from scanner.rules.catalog import RuleContext, evaluate
from scanner.usage import judge_usage

_UNCHECKED = RegistryVerdict(state="unchecked", evidence="no registry was given")
_UNOWNED = OwnershipVerdict(state="unchecked", evidence="no registry was given")


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
    carried = not_rechecked(remembered, inventory, places)
    inventory = filled(inventory, remembered, carried)
    matching = match(inventory.identities, declared.entries or (), tag_keys=declared.tag_keys, today=today)
    exemptions = Exemptions(declared.exemptions, today)
    fresh = _assess(inventory, declared, matching, places, carried, exemptions, now)
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
        notices=(
            *unlisted_places(carried, inventory.coverage),
            *(f"the exemption {one.match} exempts nothing" for one in exemptions.unused),
            *matching.notices,
        ),
    )


def _assess(
    inventory: Inventory,
    declared: Declared,
    matching: Matching,
    places: Places,
    carried: Sequence[Assessment],
    exemptions: Exemptions,
    now: datetime,
) -> list[Assessment]:
    roster = None if declared.people is None else Roster(declared.people, now.date())
    natures = {one.key: judge_nature(one, roster) for one in inventory.identities}
    entries = {entry.id: entry for entry in declared.entries or ()}
    privileges = _privileges(inventory.identities, carried)
    is_machine = _machines(inventory.identities, natures, carried)
    assessments = []
    for identity in inventory.identities:
        registry, ownership = _UNCHECKED, _UNOWNED
        if declared.entries is not None:
            registry = _registry(identity, natures[identity.key], matching, exemptions, places)
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


def _privileges(identities: Sequence[Identity], carried: Sequence[Assessment]) -> Mapping[str, Privilege]:
    """Everybody's level, with the paths that lead through places which were not read this time as last known."""
    known = (*identities, *(one.identity for one in carried))
    return raise_by_paths(
        {one.identity.key: one.privilege for one in carried} | {one.key: one.privilege for one in identities},
        ((one.key, link.target, link.evidence) for one in known for link in one.links if link.relation == "can_assume"),
    )


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
    if verdict.state == "unregistered" and places.missing_rungs(identity.source, identity.scope, identity.kind):
        return msgspec.structs.replace(verdict, provisional=True)
    return verdict


def _machines(
    identities: Sequence[Identity], natures: Mapping[str, NatureVerdict], carried: Sequence[Assessment]
) -> Callable[[str], bool]:
    people = ("human", "mixed")
    machines = [one for one in identities if natures[one.key].verdict not in people]
    machines += [one.identity for one in carried if one.nature.verdict not in people]
    names = {fold(name) for one in machines for name in (one.key, one.name, *one.aliases)}
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
    """Findings that the last scan did not know are new, and on a store's first scan none is.

    That nobody declared an identity is held back while a gap may hide its entry, and new once that can be told.
    """
    provisional = {one.identity.key for one in fresh if one.registry.provisional}
    for finding in found:
        unknown = known is not None and finding.fingerprint not in known
        held_back = unknown and finding.rule == unregistered.RULE.id and finding.identity in provisional
        yield msgspec.structs.replace(finding, new=unknown and not held_back, held_back=held_back)


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
        admins=sum(one.privilege.level == "admin" and one.identity.enabled is not False for one in assessments),
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
