"""Judges the changes in plans with the same verdicts as a scan, after the change and before it. Pure."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from scanner.access.blast_radius.walk import Estate
from scanner.discovery.inventory import Inventory
from scanner.judging.agents.lock import with_growth
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.pipeline import Declared, judge
from scanner.lifecycle.gate.blast_radius import Around
from scanner.lifecycle.gate.plans import merged, prepared
from scanner.matching.keys import issuer_of
from scanner.model import (
    ANY_KIND,
    PRIVILEGES,
    Assessment,
    Coverage,
    Entry,
    EntryAssessment,
    Finding,
    Identity,
    OwnershipVerdict,
    Privilege,
    RegistryVerdict,
    ScanInfo,
    ScanResult,
    Summary,
    most_severe_first,
)
from scanner.model.planned import (
    BLAST_RADIUS,
    DECLARES,
    PLANNED,
    Effect,
    Plan,
    PlannedChange,
    PlannedIdentity,
    PlannedPlace,
    planned_attribute,
)
from scanner.model.summary import summarise
from scanner.rules.base import RuleContext
from scanner.rules.evaluation import evaluate_changes, evaluate_growth
from scanner.rules.planned import adds_nothing, gains_privilege
from scanner.suppressions.acknowledgements import Acknowledgements

_BROUGHT: frozenset[Effect] = frozenset({"created", "changed", "imported"})
"""Effects that add an identity or rights; others only matter for which identity can assume which."""
_KNOWN = "store"
"""The source of coverage that says which scopes are the organisation's own. It is in no result."""
_DESCRIBED = 20
"""The most identities whose blast radius is looked up: each is a walk over all that is within reach."""
_COMPUTED = "not known before deployment"
_ADDRESS = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://[^/]+/(?P<rest>.+)", re.DOTALL | re.IGNORECASE | re.ASCII)


class Surroundings(Struct, frozen=True, kw_only=True):
    """Facts of the latest scan: identities that planned identities can become or trust, and scopes.

    ``scopes``: providers with their accounts, which are the organisation's own. ``estate``: to look up what is within
    reach. Without a store: nothing.
    """

    assessments: tuple[Assessment, ...] = ()
    scopes: tuple[tuple[str, str], ...] = ()
    estate: Estate | None = None


def judge_plans(plans: Iterable[Plan], declared: Declared, surroundings: Surroundings, check: ScanInfo) -> ScanResult:
    """Return the changes in the plans: identities with verdicts, and findings with their places.

    ``check``: id and time of this run, as of a scan. The result has only the entries of these identities.
    """
    plans = prepared(plans)
    planned = merged(plans)
    lasting = {key: one for key, one in planned.items() if one.effect != "deleted"}
    world = _World(plans=plans, declared=declared, surroundings=surroundings, check=check)
    after = world.judged({key: _after(one) for key, one in lasting.items()}, unplaced=_unplaced(lasting))
    known = {key: one.before for key, one in planned.items() if one.before is not None}
    known |= {key: one.identity for key, one in planned.items() if one.effect in ("unchanged", "deleted")}
    before = world.judged(known, unplaced=_unplaced({key: planned[key] for key in known})) if known else _Verdicts()
    nowhere = frozenset(key for key, one in lasting.items() if not one.account_known)
    reach = Around(world.result(after.identities.values(), after.entries.values()), surroundings.estate, nowhere)
    changes = tuple(_with_worst(tuple(_changes(lasting, after, before)), reach))
    findings = world.findings(changes, after.entries)
    of_identity: dict[str, list[str]] = {}
    for finding in findings:
        of_identity.setdefault(finding.identity or "", []).append(finding.fingerprint)
    assessments = [replace(one.after, findings=tuple(of_identity.get(one.after.identity.key, ()))) for one in changes]
    result = world.result(assessments, _entries_of(changes, after))
    result = replace(
        result,
        coverage=tuple(_coverage(plans)),
        findings=findings,
        notices=tuple(_notices(planned, changes, before)),
        plans=plans,
        radii={one.after.identity.key: one.radius for one in changes if one.radius is not None},
    )
    return replace(result, summary=summarise(result))


def with_agents(
    result: ScanResult, assessments: Iterable[Assessment], declared: Declared, place: PlannedPlace
) -> ScanResult:
    """Return the result with what agents of the latest scan have beyond their lock. ``place``: of the lock."""
    agents = with_growth(assessments, declared.agents_lock or ())
    now = result.scan.started_at
    context = RuleContext(policy=declared.policy, now=now, frameworks=declared.frameworks)
    grown = {one.identity.key: one for one in agents if one.agent.grew}
    found = Acknowledgements(declared.acknowledgements, now.date()).marked(
        evaluate_growth(grown.values(), place, context), {key: one.identity for key, one in grown.items()}
    )
    findings = tuple(sorted((*result.findings, *found), key=most_severe_first))
    result = replace(result, findings=findings)
    return replace(result, summary=summarise(result))


def _changes(lasting: Mapping[str, PlannedIdentity], after: _Verdicts, before: _Verdicts) -> Iterator[PlannedChange]:
    """Yield added identities and rights, and identities that gain privilege through other changes."""
    for key, planned in lasting.items():
        change = PlannedChange(
            planned=planned, after=_with_unknown(planned, after.identities[key]), before=before.identities.get(key)
        )
        if planned.effect in _BROUGHT or gains_privilege(change):
            yield change


def _with_worst(changes: Sequence[PlannedChange], reach: Around) -> Iterator[PlannedChange]:
    """Yield the changes, with the blast radius of the most severe ones."""
    ranks = {one.after.identity.key: PRIVILEGES.index(one.after.privilege.level) for one in changes}
    stand_out = (key for key, rank in ranks.items() if PRIVILEGES[rank] != "normal")
    described = frozenset(heapq.nsmallest(_DESCRIBED, stand_out, key=lambda key: (ranks[key], key)))
    for change in changes:
        identity = change.after.identity
        if identity.key not in described or (worst := reach.worst(identity.key)) is None:
            yield change
            continue
        attributes = {
            **identity.attributes,
            PLANNED: {**identity.attributes[PLANNED], BLAST_RADIUS: worst.text, DECLARES: worst.cells},
        }
        after = replace(change.after, identity=replace(identity, attributes=attributes))
        yield replace(change, blast_radius=worst.text, radius=worst.radius, after=after)


def _after(planned: PlannedIdentity) -> Identity:
    identity = planned.identity
    privilege = identity.privilege
    if "permissions" in planned.computed:
        level = min(privilege.level, "unknown", key=PRIVILEGES.index)
        privilege = Privilege(level=level, evidence=(*privilege.evidence, f"part of its permissions is {_COMPUTED}"))
    return replace(
        identity, privilege=privilege, attributes={**identity.attributes, PLANNED: planned_attribute(planned)}
    )


def _with_unknown(planned: PlannedIdentity, assessment: Assessment) -> Assessment:
    """Return the verdicts; an identity with a computed name matches no entry."""
    if "name" not in planned.computed or assessment.registry.state == "exempt":
        return assessment
    why = f"its name is {_COMPUTED}"
    return replace(
        assessment,
        registry=RegistryVerdict(state="unchecked", evidence=why),
        ownership=OwnershipVerdict(state="unchecked", evidence=why, candidates=assessment.ownership.candidates),
        drift=(),
    )


def _unplaced(planned: Mapping[str, PlannedIdentity]) -> frozenset[str]:
    """Return the keys of identities whose account is unknown, and whose name is not."""
    return frozenset(key for key, one in planned.items() if not one.account_known and "name" not in one.computed)


class _Verdicts(Struct, frozen=True):
    """Verdicts by key, and entries by id."""

    identities: Mapping[str, Assessment] = {}
    entries: Mapping[str, EntryAssessment] = {}


class _World(Struct, frozen=True, kw_only=True):
    """The context for judging identities, before the change and after it."""

    plans: Sequence[Plan]
    declared: Declared
    surroundings: Surroundings
    check: ScanInfo

    def judged(self, identities: Mapping[str, Identity], *, unplaced: frozenset[str]) -> _Verdicts:
        """Return verdicts on the identities among those around them. ``unplaced``: keys that are matched by name."""
        around = (
            replace(one.identity, privilege=one.privilege)
            for one in self.surroundings.assessments
            if one.identity.key not in identities
        )
        inventory = Inventory(
            identities=tuple(sorted((*identities.values(), *around), key=lambda one: one.key)),
            secrets=tuple(one for plan in self.plans for one in plan.secrets),
            workloads=tuple(one for plan in self.plans for one in plan.workloads),
            assignments=tuple(one for plan in self.plans for one in plan.assignments),
            coverage=tuple(self._places(identities.values())),
        )
        if not unplaced or not self.declared.entries:
            return self._run(inventory, self.declared)
        found = _Verdicts() if identities.keys() <= unplaced else self._run(inventory, self.declared)
        named = self._run(inventory, replace(self.declared, entries=by_name(self.declared.entries)))
        written = {entry.id: entry for entry in self.declared.entries}
        matched = {
            key: replace(one, entry=written.get(key, one.entry))
            for key, one in named.entries.items()
            if any(identity in unplaced for identity in one.identities)
        }
        return _Verdicts(
            identities={**found.identities, **{key: named.identities[key] for key in unplaced}},
            entries={**found.entries, **matched},
        )

    def findings(self, changes: Sequence[PlannedChange], entries: Mapping[str, EntryAssessment]) -> tuple[Finding, ...]:
        """Return the findings about changes, the most severe first, with acknowledgements."""
        declared, now = self.declared, self.check.started_at
        context = RuleContext(policy=declared.policy, now=now, entries=entries, frameworks=declared.frameworks)
        acknowledgements = Acknowledgements(declared.acknowledgements, now.date())
        identities = {one.after.identity.key: one.after.identity for one in changes}
        found = acknowledgements.marked(evaluate_changes(changes, context), identities)
        return tuple(sorted(found, key=most_severe_first))

    def result(self, assessments: Iterable[Assessment], entries: Iterable[EntryAssessment]) -> ScanResult:
        """Return a result with these identities and entries, and what else the plans declare."""
        return ScanResult(
            scan=self.check,
            summary=Summary(),
            identities=tuple(assessments),
            secrets=tuple(one for plan in self.plans for one in plan.secrets),
            workloads=tuple(one for plan in self.plans for one in plan.workloads),
            assignments=tuple(one for plan in self.plans for one in plan.assignments),
            entries=tuple(entries),
            policy=self.declared.policy,
        )

    def _run(self, inventory: Inventory, declared: Declared) -> _Verdicts:
        result = judge(inventory, declared, Remembered(), self.check, quick=True)
        return _Verdicts(
            {one.identity.key: one for one in result.identities}, {one.entry.id: one for one in result.entries}
        )

    def _places(self, identities: Iterable[Identity]) -> Iterator[Coverage]:
        """Yield coverage by which a place counts as read, and an account as the organisation's own."""
        for source, provider, scope in sorted({(one.source, one.provider, one.scope) for one in identities}):
            yield _read(source, provider, scope)
        for provider, scope in self.surroundings.scopes:
            yield _read(_KNOWN, provider, scope)


def _read(source: str, provider: str, scope: str) -> Coverage:
    return Coverage(source=source, provider=provider, scope=scope, section="plan", status="complete", kinds=(ANY_KIND,))


def _coverage(plans: Sequence[Plan]) -> Iterator[Coverage]:
    """Yield a record for each file that was evaluated in full, and a gap for each resource that was not."""
    for plan in plans:
        if not plan.unread:
            brought = sum(one.effect in _BROUGHT for one in plan.identities)
            yield Coverage(
                source=plan.file,
                provider=plan.format,
                scope=plan.file,
                section="resources",
                status="complete",
                identities=brought,
            )
        for one in plan.unread:
            yield Coverage(
                source=plan.file,
                provider=plan.format,
                scope=one.place.file,
                section=one.place.resource,
                status="partial",
                detail=one.reason,
            )


def _entries_of(changes: Sequence[PlannedChange], after: _Verdicts) -> tuple[EntryAssessment, ...]:
    """Return the entries that the identities match, or may match."""
    named = {
        entry
        for change in changes
        for verdict in (change.after.registry,)
        for entry in (
            verdict.entry,
            verdict.proposed,
            *verdict.agreeing,
            *verdict.contradictions,
            *(candidate.entry for candidate in verdict.candidates),
        )
    }
    return tuple(one for key, one in sorted(after.entries.items()) if key in named)


def _notices(
    planned: Mapping[str, PlannedIdentity], changes: Sequence[PlannedChange], before: _Verdicts
) -> Iterator[str]:
    """Yield notices: facts not known before deployment, undeclared identities, and deleted ones with an entry."""
    for change in changes:
        place, parts = change.planned.places[0], sorted(change.planned.computed)
        if parts:
            privilege = change.planned.identity.privilege
            why = f" ({'; '.join(privilege.evidence)})" if privilege.level == "unknown" and privilege.evidence else ""
            yield f"{place.resource} in {place.file}: {' and '.join(parts)} {_COMPUTED}{why}"
        if change.after.registry.state == "unregistered" and adds_nothing(change):
            yield (
                f"{place.resource} in {place.file}: {change.after.identity.shown_name} is in no entry of the registry; "
                "it is there already, and the change adds no right, trust or credential to it"
            )
    for key, one in planned.items():
        if one.effect != "deleted":
            continue
        entry = before.entries.get(before.identities[key].registry.entry or "")
        if entry is not None and entry.entry.status == "active":
            place = one.places[0]
            yield (
                f"{place.resource} in {place.file} is deleted, and entry {entry.entry.id} declares "
                f"{one.identity.name} as active: set the entry to retired"
            )


# --- Entries for identities whose account is unknown until deployment: then names are compared, not ids ---


def by_name(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return the entries as they match in any account: without scope, and with the name in each id added."""
    return tuple(
        replace(
            one, scope=None, identities=tuple(dict.fromkeys(text for given in one.identities for text in _texts(given)))
        )
        for one in entries
    )


def _texts(text: str) -> Iterator[str]:
    """Yield an id, and the name in it."""
    yield text
    if any(map(str.isalnum, name := name_in(text))) and name != text:
        yield name


def name_in(text: str) -> str:
    """Return the name in an id, as ``deploy`` of a role's ARN or of a service account's address; else the text."""
    if address := _ADDRESS.fullmatch(text):
        return address["rest"]
    if issuer_of(text) is None:
        return text
    return text.rpartition("/")[2] if "/" in text else text.partition("@")[0]
