"""Every axis of each identity but the registry's: agent, ownership, usage, privilege, drift. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import cache

from scanner.agents import judge_agent
from scanner.drift.comparison import drift_of
from scanner.links.workloads import agents_roles, consumers, with_rights_of_roles
from scanner.matching.agreement import united
from scanner.matching.keys import fold
from scanner.model import (
    Assessment,
    Drift,
    Edge,
    Entry,
    Identity,
    NatureVerdict,
    Ownership,
    Policy,
    Privilege,
    RegistryVerdict,
    Workload,
)
from scanner.ownership import judge_owners, tag_scores
from scanner.privilege.paths import raise_by_paths
from scanner.roster import Roster
from scanner.usage import judge_usage


def assess(
    identities: Sequence[Identity],
    natures: Mapping[str, NatureVerdict],
    registry: Mapping[str, RegistryVerdict],
    *,
    carried: Sequence[Assessment],
    workloads: Sequence[Workload],
    edges: Sequence[Edge],
    entries: Mapping[str, Entry],
    roster: Roster | None,
    ownership: Ownership,
    policy: Policy,
    now: datetime,
) -> list[Assessment]:
    """What there is to say of each identity. ``natures``, ``registry``: by key; ``entries``: by id.

    ``carried``: verdicts that stand from the last scan, for what leads to or through them. ``edges``:
    who can become whom.
    """
    owner_tags = frozenset(tag_scores(ownership.tag_keys))
    privileges = with_rights_of_roles(_privileges(identities, carried, edges), identities)
    agents = agents_roles(identities, {one.key: judge_agent(one) for one in identities})
    run_by = consumers(workloads, identities)
    owners = judge_owners(
        [(one, registry[one.key]) for one in identities],
        entries,
        roster,
        ownership=ownership,
        machines=_machines(identities, natures, carried),
    )
    return [
        Assessment(
            identity=one,
            nature=natures[one.key],
            agent=agents[one.key],
            registry=registry[one.key],
            ownership=owners[one.key],
            usage=judge_usage(one, window_days=policy.dormant_identity, now=now),
            privilege=privileges[one.key],
            consumers=run_by.get(one.key, ()),
            drift=_drift(one, registry[one.key], entries, roster, owner_tags, now),
        )
        for one in identities
    ]


def _drift(
    identity: Identity,
    registry: RegistryVerdict,
    entries: Mapping[str, Entry],
    roster: Roster | None,
    owner_tags: Collection[str],
    now: datetime,
) -> tuple[Drift, ...]:
    """What the identity differs in from all that its registries agree on."""
    if registry.entry is None:
        return ()
    entry = united(entries[registry.entry], [entries[other] for other in registry.agreeing])
    return drift_of(identity, entry, roster, owner_tags=owner_tags, now=now)


def _privileges(
    identities: Sequence[Identity], carried: Sequence[Assessment], edges: Sequence[Edge]
) -> Mapping[str, Privilege]:
    """Everybody's level, with the paths that lead through places which were not read this time as last known."""
    levels = {one.identity.key: one.privilege for one in carried} | {one.key: one.privilege for one in identities}
    return raise_by_paths(levels, edges) if edges else levels


def _machines(
    identities: Sequence[Identity], natures: Mapping[str, NatureVerdict], carried: Sequence[Assessment]
) -> Callable[[str], bool]:
    people = ("human", "mixed")
    machines = [one for one in identities if natures[one.key].verdict not in people]
    machines += [one.identity for one in carried if one.nature.verdict not in people]

    @cache
    def names() -> frozenset[str]:
        # Only once somebody asks: most owners are on the roster, and a million names twice take 300 MB.
        return frozenset(fold(name) for one in machines for name in (one.key, one.name, *one.aliases))

    return lambda text: fold(text) in names()
