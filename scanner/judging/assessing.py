"""Judges every axis: nature, agent, usage, registry, ownership, privilege, drift. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from functools import cache
from itertools import chain

import msgspec
from msgspec import Struct

from scanner.access.control import Method
from scanner.access.exposures import committers
from scanner.access.raised_privileges import raise_by_paths, with_unread_targets
from scanner.access.same import Same, same_things
from scanner.access.workloads import agents_roles, consumers, with_rights_of_roles
from scanner.discovery.inventory import Inventory
from scanner.judging.agents.verdict import judge_agent
from scanner.judging.drift import drift_of, not_compared
from scanner.judging.last_known.registry_rows import SetAside
from scanner.judging.last_known.remembered import or_as_last_known
from scanner.judging.last_known.vanished import Issued, renames, with_renamed
from scanner.judging.nature import judge_nature
from scanner.judging.ownership import Beside, judge_owners, tag_scores
from scanner.judging.recreated import with_former
from scanner.judging.suggested import linked, with_suggestions
from scanner.judging.usage import judge_usage
from scanner.matching.cells.reading import Cells
from scanner.matching.decision import as_written, united
from scanner.matching.entries import judge_entries
from scanner.matching.keys import fold
from scanner.matching.ladder import Matching, matching
from scanner.matching.lookalikes import look_alikes
from scanner.matching.places import Places, SourceRef
from scanner.matching.suggestions.suggest import suggesting
from scanner.model import (
    AgentVerdict,
    Assessment,
    Edge,
    Entry,
    EntryAssessment,
    Identity,
    NatureVerdict,
    Ownership,
    OwnershipVerdict,
    Policy,
    Privilege,
    RegistryVerdict,
    UsageVerdict,
)
from scanner.registry.roster import Roster
from scanner.stages import stage
from scanner.suppressions.exemptions import Exemptions


class Lists(Struct, frozen=True, kw_only=True):
    """What the organisation declares, prepared for judging; None for lists that are not given.

    ``aside``: what unreadable rows may declare; ``entries`` includes its entries. ``cells``: what cells may name.
    """

    entries: tuple[Entry, ...] | None
    aside: SetAside
    cells: Cells
    roster: Roster | None
    exemptions: Exemptions
    tag_keys: Sequence[str]
    sources: Sequence[SourceRef]
    ownership: Ownership
    policy: Policy


class Intrinsic(Struct, frozen=True, kw_only=True):
    """Verdicts that depend only on the identity itself, by key. ``agents``: without roles of agents."""

    natures: Mapping[str, NatureVerdict]
    agents: Mapping[str, AgentVerdict]
    usages: Mapping[str, UsageVerdict]


def judge_intrinsic(identities: Sequence[Identity], lists: Lists, now: datetime) -> Intrinsic:
    """Return the verdicts that need no other identity and no entry."""
    window = lists.policy.dormant_identity
    return Intrinsic(
        natures={identity.key: judge_nature(identity, lists.roster) for identity in identities},
        agents={identity.key: judge_agent(identity) for identity in identities},
        usages={identity.key: judge_usage(identity, window_days=window, now=now) for identity in identities},
    )


class Access(Struct, frozen=True, kw_only=True):
    """Which identity can become which, or make which an admin: see scanner.access.edges."""

    edges: Sequence[Edge]
    methods: Sequence[Method]


class LastScan(Struct, frozen=True, kw_only=True):
    """Known from earlier scans. ``entries``: as the last scan judged them.

    ``gone``: identities that entries matched and that no longer exist. ``carried``: last known verdicts, for paths
    through these identities.
    """

    entries: Sequence[EntryAssessment]
    gone: Mapping[str, Issued]
    carried: Sequence[Assessment]


def assess(
    inventory: Inventory,
    intrinsic: Intrinsic,
    reconciled: Reconciled,
    *,
    lists: Lists,
    last: LastScan,
    access: Access,
    now: datetime,
) -> list[Assessment]:
    """Return the assessment of each identity."""
    registry = reconciled.registry
    identities, roster, carried = inventory.identities, lists.roster, last.carried
    entries = {entry.id: entry for entry in lists.entries or ()}
    owner_tags = frozenset(tag_scores(lists.ownership.tag_keys))
    with stage("paths"):
        raised = with_unread_targets(_privileges(identities, carried, access), identities, inventory.coverage)
        privileges = with_rights_of_roles(raised, identities)
    agents = agents_roles(identities, intrinsic.agents)
    run_by = consumers(inventory.workloads, identities)
    with stage("owners"):
        owners = owners_of(inventory, intrinsic.natures, reconciled, lists=lists, carried=carried)
    return [
        Assessment(
            identity=identity,
            nature=intrinsic.natures[identity.key],
            agent=agents[identity.key],
            registry=registry[identity.key],
            ownership=owners[identity.key],
            usage=intrinsic.usages[identity.key],
            privilege=privileges[identity.key],
            consumers=run_by.get(identity.key, ()),
            drift=() if entry is None else drift_of(identity, entry, roster, owner_tags=owner_tags, now=now),
            not_compared=() if entry is None else tuple(not_compared(identity, entry)),
        )
        for identity in identities
        for entry in (_declared(registry[identity.key], entries),)
    ]


def owners_of(
    inventory: Inventory,
    natures: Mapping[str, NatureVerdict],
    reconciled: Reconciled,
    *,
    lists: Lists,
    carried: Sequence[Assessment],
) -> Mapping[str, OwnershipVerdict]:
    """Return who owns each identity, by key. ``carried``: as in ``LastScan``."""
    identities = inventory.identities
    return judge_owners(
        [(identity, reconciled.registry[identity.key]) for identity in identities],
        {entry.id: entry for entry in lists.entries or ()},
        lists.roster,
        ownership=lists.ownership,
        machines=_machines(identities, natures, carried),
        beside=Beside(
            committers=committers(inventory.exposures),
            same=reconciled.same,
            workloads=inventory.workloads,
            holders={key: one.person for key, one in natures.items() if one.person and one.verdict != "non_human"},
        ),
    )


def _declared(registry: RegistryVerdict, entries: Mapping[str, Entry]) -> Entry | None:
    """Return all entries that agree on an identity as one; None if it has none."""
    if registry.entry is None:
        return None
    return united(entries[registry.entry], [entries[other] for other in registry.agreeing])


def _privileges(
    identities: Sequence[Identity], carried: Sequence[Assessment], access: Access
) -> Mapping[str, Privilege]:
    """Return the privilege of each identity, raised by paths, including those through last known identities."""
    own = {identity.key: _own_privilege(identity) for identity in chain((one.identity for one in carried), identities)}
    return raise_by_paths(own, access.edges, access.methods)


def _own_privilege(identity: Identity) -> Privilege:
    """Return what its own policies amount to. An agent that only runs as others has none."""
    if identity.privilege.level == "unknown" and any(link.relation == "runs_as" for link in identity.links):
        return _NO_RIGHTS
    return identity.privilege


_NO_RIGHTS = Privilege(level="normal")


def _machines(
    identities: Sequence[Identity], natures: Mapping[str, NatureVerdict], carried: Sequence[Assessment]
) -> Callable[[str], bool]:
    people = ("human", "mixed")

    @cache
    def names() -> frozenset[str]:
        # On first use only: most owners are on the roster, and two sets of a million names take 300 MB.
        machines = [identity for identity in identities if natures[identity.key].verdict not in people]
        machines += [one.identity for one in carried if one.nature.verdict not in people]
        return frozenset(fold(name) for one in machines for name in (one.key, one.name, *one.aliases))

    return lambda text: fold(text) in names()


# --- The registry axis: the entry of each identity, the state of each entry, and suggestions ---

_UNCHECKED = RegistryVerdict(state="unchecked", evidence="no registry was given")


class Reconciled(Struct, frozen=True, kw_only=True):
    """``registry``: the verdict on each identity, by key. ``entries``: one for each entry. ``same``: by key."""

    registry: Mapping[str, RegistryVerdict]
    entries: tuple[EntryAssessment, ...]
    notices: tuple[str, ...]
    same: Mapping[str, tuple[Same, ...]]


def matching_of(
    identities: Sequence[Identity], lists: Lists, today: date
) -> AbstractContextManager[Callable[[], Matching]]:
    """Like ``matching``, with these lists."""
    return matching(
        identities,
        lists.entries or (),
        tag_keys=lists.tag_keys,
        today=today,
        who=as_written if lists.roster is None else lists.roster.meant_by,
    )


def reconcile(
    inventory: Inventory,
    natures: Mapping[str, NatureVerdict],
    matching: Matching,
    *,
    lists: Lists,
    last: LastScan,
    places: Places,
    now: datetime,
    quick: bool = False,
) -> Reconciled:
    """Return the registry axis of the matched identities. ``natures``: by key. ``quick``: as in ``suggest``."""
    entries, aside = lists.entries, lists.aside
    seen = inventory.identities
    same = same_things(seen, inventory.workloads)
    if entries is None:
        unchecked = {one.key: _UNCHECKED for one in seen}
        return Reconciled(registry=unchecked, entries=(), notices=matching.notices, same=same)
    registry = {
        one.key: aside.verdict(one.key, _verdict(one, natures[one.key], matching, lists, places)) for one in seen
    }
    judged = tuple(map(aside.entry, _entries(inventory, entries, matching, lists.sources, last, now)))
    registry |= with_former(registry, seen, entries, inventory.coverage, lists.sources)
    judged = with_renamed(judged, registry, last.entries, seen, last.gone)
    renamed = renames(judged, last.gone)
    unregistered = [one for one in seen if registry[one.key].state == "unregistered"]
    with stage("suggestions"), suggesting(unregistered, judged, quick=quick) as suggested:
        with stage("look-alikes"):
            imitated = look_alikes(seen, registry, entries, now.date())
        likely = suggested()
    for key, found in imitated.items():
        registry[key] = msgspec.structs.replace(registry[key], look_alike=found)
    registry |= _declared_as(judged, registry)
    alike = (*linked(unregistered, registry, same), *likely.pairs)
    registry, judged = with_suggestions(registry, judged, alike, renamed, lists.cells.for_identities)
    return Reconciled(
        registry=registry,
        entries=judged,
        notices=(*matching.notices, *likely.notices),
        same=same,
    )


def _declared_as(
    entries: Iterable[EntryAssessment], registry: Mapping[str, RegistryVerdict]
) -> dict[str, RegistryVerdict]:
    """Return the verdicts on identities whose entry is retired, or declares an account for emergencies."""
    found: dict[str, RegistryVerdict] = {}
    for one in entries:
        retired, break_glass = one.state in ("retired", "retired_but_alive"), one.entry.kind == "break_glass"
        for key in one.identities if retired or break_glass else ():
            if key in registry and registry[key].entry == one.entry.id:
                found[key] = msgspec.structs.replace(registry[key], retired=retired, break_glass=break_glass)
    return found


def _verdict(
    identity: Identity, nature: NatureVerdict, matching: Matching, lists: Lists, places: Places
) -> RegistryVerdict:
    """Return the match, or the exemption if there is no match."""
    verdict = matching.verdicts[identity.key]
    if verdict.state == "registered":
        return verdict
    reason = identity.managed_by or lists.exemptions.reason(identity)
    if reason is None and nature.verdict == "human":
        reason = "a person: " + "; ".join(signal.evidence for signal in nature.signals if signal.says == "human")
    if reason is not None:
        return RegistryVerdict(state="exempt", evidence=reason)
    place = identity.source, identity.scope, identity.kind
    if verdict.state == "unregistered" and places.missing_rungs(*place):
        why = f"its entry may be hidden by {places.why_provisional(*place)}"
        return msgspec.structs.replace(verdict, provisional=True, evidence=verdict.evidence or why)
    if verdict.state == "unregistered" and nature.verdict == "unknown" and lists.roster and lists.roster.hides_names:
        why = "it may be the account of a person in an unreadable part of the roster"
        return msgspec.structs.replace(verdict, provisional=True, evidence=verdict.evidence or why)
    return verdict


def _entries(
    inventory: Inventory,
    entries: Sequence[Entry],
    matching: Matching,
    sources: Sequence[SourceRef],
    last: LastScan,
    now: datetime,
) -> tuple[EntryAssessment, ...]:
    judged = judge_entries(
        entries,
        matching,
        {identity.key: identity for identity in inventory.identities},
        inventory.coverage,
        sources=sources,
        today=now.date(),
    )
    known = {entry.entry.id: entry for entry in last.entries}
    carried = {one.identity.key for one in last.carried}
    seen = (msgspec.structs.replace(one, first_seen=_first_seen(known.get(one.entry.id), now)) for one in judged)
    return tuple(or_as_last_known(one, known.get(one.entry.id), carried) for one in seen)


def _first_seen(last: EntryAssessment | None, now: datetime) -> datetime | None:
    return now if last is None else last.first_seen
