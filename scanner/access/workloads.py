"""Workloads and agents, joined with the identities that they run as. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from types import MappingProxyType
from typing import TypeAlias

from msgspec.structs import replace

from scanner.access.assignments import AssignmentsByHolder
from scanner.access.clusters import accounts_in
from scanner.access.trusts import Keys, with_links
from scanner.model import (
    PRIVILEGES,
    AgentVerdict,
    Assignment,
    Edge,
    Guard,
    Identity,
    Link,
    Privilege,
    PrivilegeLevel,
    Signal,
    StoredSecret,
    Takeover,
    Way,
    Workload,
    guards_in,
)
from scanner.model.attributes import CONTROL_PLANE, OPEN_GATEWAYS, SIGN_IN


def placed(workloads: Iterable[Workload], identities: Sequence[Identity]) -> tuple[Workload, ...]:
    """Return the workloads; a role that they name without its path becomes the key of the identity."""
    workloads = tuple(workloads)
    if not workloads:
        return ()
    known = {identity.key for identity in identities}
    named: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for identity in identities:
        named[identity.provider, identity.scope, identity.name].append(identity.key)

    def key_of(target: str, workload: Workload) -> str:
        if target in known:
            return target
        found = named.get((workload.provider, workload.scope, target.rpartition("/")[2]), ())
        return found[0] if len(found) == 1 else target

    return tuple(
        one
        if known.issuperset(one.runs_as)
        else replace(one, runs_as=tuple(sorted({key_of(target, one) for target in one.runs_as})))
        for one in workloads
    )


def with_roles(identities: Sequence[Identity], others: Iterable[Identity] = ()) -> tuple[Identity, ...]:
    """Return the identities; an identity that they run as under another id is linked by its key.

    An id of several identities stays as it is. ``others``: last known identities, which can be targets as well.
    """
    roles = {role for one in identities if one.links for role in _runs_as(one)}
    known = {one.key: one for one in (*others, *identities)} if roles else {}
    wanted = {role.casefold() for role in roles.difference(known)}
    if not wanted:
        return tuple(identities)
    named: defaultdict[str, set[str]] = defaultdict(set)
    for one in known.values():
        for name in (*one.aliases, one.unique_id or ""):
            if name.casefold() in wanted:
                named[name.casefold()].add(one.key)

    def settled(link: Link) -> Link:
        found = named.get(link.target.casefold(), ()) if link.relation == "runs_as" and link.target not in known else ()
        return replace(link, target=next(iter(found))) if len(found) == 1 else link

    return tuple(replace(one, links=tuple(map(settled, one.links))) if _runs_as(one) else one for one in identities)


def with_signals(identities: Sequence[Identity], workloads: Iterable[Workload]) -> tuple[Identity, ...]:
    """Return the identities with the signals of the workloads that run as them."""
    signals: defaultdict[str, dict[Signal, None]] = defaultdict(dict)
    for workload in workloads:
        if workload.signals:
            for target in workload.runs_as:
                signals[target] |= dict.fromkeys(workload.signals)
    if not signals:
        return tuple(identities)
    return tuple(
        replace(identity, signals=(*identity.signals, *signals[identity.key])) if identity.key in signals else identity
        for identity in identities
    )


def with_open_gateways(identities: Sequence[Identity], workloads: Iterable[Workload]) -> tuple[Identity, ...]:
    """Return the identities; those that gateways without an authorizer run as name these."""
    found: defaultdict[str, list[dict[str, str | None]]] = defaultdict(list)
    for workload in sorted(workloads, key=lambda one: one.key):
        facts = workload.attributes
        if workload.kind in _GATEWAYS and facts.get(SIGN_IN) == _NO_SIGN_IN:
            decides = next((what for name, what in _DECIDE.items() if facts.get(name)), None)
            for target in workload.runs_as:
                found[target].append({"gateway": workload.name, "decides": decides})
    if not found:
        return tuple(identities)
    return tuple(
        replace(one, attributes={**one.attributes, OPEN_GATEWAYS: found[one.key]}) if one.key in found else one
        for one in identities
    )


_GATEWAYS = frozenset({"agentcore_gateway"})
_NO_SIGN_IN = "NONE"
_DECIDE: Mapping[str, str] = {"policy_engine": "a policy engine", "interceptors": "a function before each call"}
"""What can refuse a call beside the authorizer, by the gateway's attribute."""


def consumers(workloads: Iterable[Workload], identities: Iterable[Identity]) -> dict[str, tuple[str, ...]]:
    """Return the consumers by identity key: keys of the workloads and agents that run as it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for workload in workloads:
        for target in workload.runs_as:
            found[target].add(workload.key)
    for identity in identities:
        for target in _runs_as(identity):
            found[target].add(identity.key)
    return {target: tuple(sorted(found[target])) for target in found}


def with_rights_of_roles(privileges: Mapping[str, Privilege], identities: Iterable[Identity]) -> dict[str, Privilege]:
    """Raise the privilege of an identity to the highest level of the identities that it runs as."""
    raised = dict(privileges)
    for identity in identities:
        if roles := _runs_as(identity):
            raised[identity.key] = _with_rights_of(
                privileges[identity.key], {role: privileges.get(role) for role in roles}
            )
    return raised


def agents_roles(identities: Sequence[Identity], verdicts: Mapping[str, AgentVerdict]) -> dict[str, AgentVerdict]:
    """Return the verdicts; the role of an agent is an agent, too, because the agent acts as it."""
    found = dict(verdicts)
    for identity in identities:
        if verdicts[identity.key].is_agent:
            for role in _runs_as(identity):
                if role in found:
                    found[role] = _runs_an_agent(found[role], identity)
    return found


def _runs_as(identity: Identity) -> list[str]:
    return [link.target for link in identity.links if link.relation == "runs_as"]


def _with_rights_of(own: Privilege, roles: Mapping[str, Privilege | None]) -> Privilege:
    """Levels below high are not reported beside an unknown role."""
    levels = {role: "unknown" if given is None else given.level for role, given in roles.items()}
    level = min(levels.values(), key=PRIVILEGES.index)
    if own.level != "unknown":
        level = min(own.level, level, key=PRIVILEGES.index)
    goal = next((given.goal for given in roles.values() if given is not None and given.level == level), None)
    return replace(own, level=level, evidence=tuple(_evidence_of_roles(levels, roles)) or own.evidence, goal=goal)


def _evidence_of_roles(levels: Mapping[str, PrivilegeLevel], roles: Mapping[str, Privilege | None]) -> Iterator[str]:
    for role in sorted(roles, key=lambda role: (PRIVILEGES.index(levels[role]), role)):
        given = roles[role]
        why = given.evidence[0] if given is not None and given.evidence else ""
        yield f"runs as {role}, whose privilege is {levels[role]}" + (f": {why}" if why else "")


def _runs_an_agent(verdict: AgentVerdict, agent: Identity) -> AgentVerdict:
    kind = agent.kind.replace("_", " ")
    signal = Signal(says="agent", sort="provider", evidence=f"the {kind} {agent.name} runs as it")
    runs = tuple(sorted({*verdict.runs, agent.key}))
    return AgentVerdict(is_agent=True, signals=(*verdict.signals, signal), runs=runs)


# --- Takeovers: control over a workload or agent, and with it over the identity it runs as. Pure ---
#
# Connectors report which workloads an identity's policies or assignments let it control. Which identity each of them
# runs as is known once everything has been read.

_NOTHING: AssignmentsByHolder = MappingProxyType({})
_Place: TypeAlias = tuple[str, str | None]
"""A provider and one of its scopes; None for all scopes."""


class _Running:
    """The workloads and agents of one place with their roles, by their own key and by the keys of their clusters."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._roles: dict[str, tuple[str, ...]] = {}
        self._facts: dict[str, Mapping[str, object]] = {}
        self._parts: dict[str, list[str]] = {}

    def add(self, key: str, names: Iterable[str], roles: tuple[str, ...], facts: Mapping[str, object]) -> None:
        """Add a workload or agent with its roles.

        ``names``: its key, and those of its clusters; ``facts``: its attributes.
        """
        self._roles[key] = roles
        self._facts[key] = facts
        for name in dict.fromkeys(names):
            self._parts.setdefault(name, []).append(key)

    def within(self, takeover: Takeover | Way) -> Iterator[tuple[str, str]]:
        """Yield the key of each workload or agent that a takeover controls, with each of its roles."""
        denied = set(self._named(takeover.but))
        unless = takeover.unless if isinstance(takeover, Takeover) else ""
        for key in dict.fromkeys(self._named(takeover.on)):
            if key not in denied and not (unless and self._facts[key].get(unless) is True):
                for role in self._roles[key]:
                    yield key, role

    def _named(self, patterns: Iterable[str]) -> Iterator[str]:
        for name in chain.from_iterable(map(self._keys.named, patterns)):
            yield from self._parts[name]

    @cached_property
    def _keys(self) -> Keys:
        return Keys(self._provider, self._parts)


def by_takeover(
    identities: Iterable[Identity], workloads: Iterable[Workload], held: AssignmentsByHolder = _NOTHING
) -> Iterator[Edge]:
    """Yield the edges from each identity to the roles of the workloads and agents that it can take over.

    Anyone who takes over a cluster, or a namespace of it (``CLUSTER/namespaces/NAME``), becomes the accounts there.
    ``held``: assignments, whose takeovers apply to all scopes of the provider. Admins get no edges: they need none. An
    edge is also conditional if rules restrict every use of the role.
    """
    identities, workloads = tuple(identities), tuple(workloads)
    able = [
        (identity, place, takeover, conditional)
        for identity in identities
        if (identity.reach or identity.key in held) and identity.privilege.level != "admin"
        for place, takeover, conditional in _takeovers(identity, held.get(identity.key, ()))
    ]
    if not able:
        return
    running = _running_in({place for _, place, _, _ in able}, workloads, identities)
    guards = dict(_guards(identities))
    for one, place, takeover, conditional in able:
        for key, role in running[place].within(takeover):
            if role != one.key:
                what = "it is an account of a cluster" if key == role else f"{key} runs as it"
                guard = guards.get(role)
                evidence = f"{what}: {takeover.by}{'' if guard is None else f'; {guard}'}"
                yield Edge(one.key, role, evidence, conditional or guard is not None)


def _running_in(
    places: Iterable[_Place], workloads: Sequence[Workload], identities: Sequence[Identity]
) -> Mapping[_Place, _Running]:
    """Return what runs in these places: workloads, agents, and accounts of clusters, which run as themselves."""
    running = {place: _Running(place[0]) for place in places}

    def add(at: Workload | Identity, key: str, names: Iterable[str], roles: tuple[str, ...]) -> None:
        for scope in (at.scope, None):
            if (at.provider, scope) in running:
                running[at.provider, scope].add(key, names, roles, at.attributes)

    runners: Iterable[Workload | Identity] = chain(workloads, identities)
    for runner in runners:
        beyond = runner.attributes.get(CONTROL_PLANE)
        named = runner.runs_as if isinstance(runner, Workload) else _runs_as(runner)
        if roles := tuple(role for role in named if role != beyond):
            add(runner, runner.key, (runner.key, *runner.runs_in), roles)
    for account in accounts_in(workloads, identities):
        add(account.cluster, account.key, account.places, (account.key,))
    return running


def _guards(identities: Iterable[Identity]) -> Iterator[tuple[str, str]]:
    """Yield the keys of identities whose every use is restricted by known rules, with these rules."""
    for one in identities:
        guards = guards_in(one.attributes)
        if guards and not any(Guard.UNKNOWN in guard.by for guard in guards):
            yield one.key, "; ".join(guard.shown for guard in guards)


def _takeovers(identity: Identity, rights: Iterable[Assignment]) -> Iterator[tuple[_Place, Takeover | Way, bool]]:
    """Yield each takeover with its place, by default the identity's own scope, and whether a condition decides."""
    for way in identity.reach:
        if way.kind == "take_over":
            yield (identity.provider, None if way.elsewhere else identity.scope), way, way.conditional
    for right in rights:
        for takeover in right.takes_over:
            yield (right.provider, None), takeover, takeover.conditional or right.conditional


# --- Stored secrets that name the identity whose credential they contain. Pure ---

HOLDS_FOR = "identity"
"""The attribute of a stored secret that names the identity: by key, unique id, id of a credential, or name."""


def with_stored(identities: Sequence[Identity], secrets: Iterable[StoredSecret]) -> tuple[Identity, ...]:
    """Return the identities with ``stores`` links to the secrets that contain their credentials.

    A bare name counts only within the secret's own scope, and only if a single identity has it.
    """
    saying = [(one, who) for one in secrets if isinstance(who := one.attributes.get(HOLDS_FOR), str) and who]
    if not saying:
        return tuple(identities)
    meant = {who for _, who in saying}
    exactly: dict[str, str] = {}
    by_name: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for identity in identities:
        exactly |= dict.fromkeys(meant.intersection(_ids(identity)), identity.key)
        if identity.name in meant:
            by_name[identity.provider, identity.scope, identity.name].append(identity.key)
    links: defaultdict[str, list[Link]] = defaultdict(list)
    for secret, who in saying:
        named = by_name.get((secret.provider, secret.scope, who), [])
        holder = exactly.get(who) or (named[0] if len(named) == 1 else None)
        if holder is not None:
            evidence = f"{secret.name} says that it holds a credential of {who}"
            links[holder].append(Link(relation="stores", target=secret.key, evidence=evidence))
    return tuple(
        with_links(identity, links[identity.key]) if identity.key in links else identity for identity in identities
    )


def holds_credential_of(secret: StoredSecret, identity: Identity) -> bool:
    """Return whether a stored secret says that it holds a credential of this identity."""
    who = secret.attributes.get(HOLDS_FOR)
    return isinstance(who, str) and (who == identity.name or who in set(_ids(identity)))


def _ids(identity: Identity) -> Iterator[str]:
    yield identity.key
    if identity.unique_id is not None:
        yield identity.unique_id
    for credential in identity.credentials:
        yield credential.id
