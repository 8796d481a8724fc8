"""Workloads and agents, joined with the identities that they run as. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from types import MappingProxyType
from typing import TypeAlias

from msgspec import structs
from msgspec.structs import replace

from scanner.access.assignments import Held
from scanner.access.trusts import Keys
from scanner.model import (
    PRIVILEGES,
    AgentVerdict,
    Assignment,
    Edge,
    Identity,
    Link,
    Privilege,
    PrivilegeLevel,
    Signal,
    StoredSecret,
    Takeover,
    Way,
    Workload,
)
from scanner.model.attributes import RUNS_IN


def placed(workloads: Iterable[Workload], identities: Sequence[Identity]) -> tuple[Workload, ...]:
    """The workloads, with roles that they name without the path as the identities' keys have them."""
    workloads = tuple(workloads)
    if not workloads:
        return ()
    known = {one.key for one in identities}
    named: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for one in identities:
        named[one.provider, one.scope, one.name].append(one.key)

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


def with_signals(identities: Sequence[Identity], workloads: Iterable[Workload]) -> tuple[Identity, ...]:
    """The identities, with what the workloads that run as them say of what they are."""
    told: defaultdict[str, dict[Signal, None]] = defaultdict(dict)
    for workload in workloads:
        for target in workload.runs_as if workload.signals else ():
            told[target] |= dict.fromkeys(workload.signals)
    if not told:
        return tuple(identities)
    return tuple(replace(one, signals=(*one.signals, *told[one.key])) if one.key in told else one for one in identities)


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
    """The verdicts, and an agent's role is an agent: it is what the agent is when it acts."""
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
    return Privilege(level=level, evidence=tuple(_told(levels, roles)) or own.evidence)


def _told(levels: Mapping[str, PrivilegeLevel], roles: Mapping[str, Privilege | None]) -> Iterator[str]:
    for role in sorted(roles, key=lambda role: (PRIVILEGES.index(levels[role]), role)):
        given = roles[role]
        why = given.evidence[0] if given is not None and given.evidence else ""
        yield f"runs as {role}, whose privilege is {levels[role]}" + (f": {why}" if why else "")


def _runs_an_agent(verdict: AgentVerdict, agent: Identity) -> AgentVerdict:
    kind = agent.kind.replace("_", " ")
    signal = Signal(says="agent", sort="provider", evidence=f"the {kind} {agent.name} runs as it")
    return AgentVerdict(is_agent=True, signals=(*verdict.signals, signal))


# --- Who can make something that runs as another identity do what it likes, and so become that identity. Pure ---
#
# What an identity's own policies, or the rights that it holds by assignment, let it do to workloads its connector has
# worked out; what runs as whom is known only when everything has been read.

_NOTHING: Held = MappingProxyType({})
_Place: TypeAlias = tuple[str, str | None]
"""A provider and one of its scopes; None for any."""


class _Running:
    """What runs in one place, and as whom; by its own key, and by those of what it is a part of."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._roles: dict[str, tuple[str, ...]] = {}
        self._parts: dict[str, list[str]] = {}

    def add(self, thing: Workload | Identity, roles: tuple[str, ...]) -> None:
        """One more of them."""
        self._roles[thing.key] = roles
        for name in {thing.key, *_wholes(thing)}:
            self._parts.setdefault(name, []).append(thing.key)

    def within(self, takeover: Takeover | Way) -> Iterator[tuple[str, str]]:
        """Each thing that it is about, with each identity that this runs as."""
        spared = set(self._named(takeover.but))
        for key in dict.fromkeys(self._named(takeover.on)):
            if key not in spared:
                for role in self._roles[key]:
                    yield key, role

    def _named(self, patterns: Iterable[str]) -> Iterator[str]:
        for name in chain.from_iterable(map(self._keys.named, patterns)):
            yield from self._parts[name]

    @cached_property
    def _keys(self) -> Keys:
        return Keys(self._provider, self._parts)


def _wholes(thing: Workload | Identity) -> Iterator[str]:
    """What it is a part of."""
    given = thing.attributes.get(RUNS_IN)
    for each in given if isinstance(given, (list, tuple)) else (given,):
        if isinstance(each, str):
            yield each


def by_takeover(identities: Iterable[Identity], workloads: Iterable[Workload], held: Held = _NOTHING) -> Iterator[Edge]:
    """Who can become what the workloads and agents run as that it may take over, certain and conditional.

    ``held``: what they hold by assignment, which reaches any scope of the provider. Administrators need no such edges.
    """
    identities = tuple(identities)
    able = [
        (one, place, takeover, conditional)
        for one in identities
        if (one.reach or one.key in held) and one.privilege.level != "admin"
        for place, takeover, conditional in _takeovers(one, held.get(one.key, ()))
    ]
    if not able:
        return
    running = {place: _Running(one.provider) for one, place, _, _ in able}
    things: Iterable[Workload | Identity] = chain(workloads, identities)
    for thing in things:
        if roles := _roles(thing):
            places: tuple[_Place, ...] = ((thing.provider, thing.scope), (thing.provider, None))
            for place in places:
                if place in running:
                    running[place].add(thing, roles)
    for one, place, takeover, conditional in able:
        for key, role in running[place].within(takeover):
            if role != one.key:
                yield Edge(one.key, role, f"{key} runs as it: {takeover.by}", conditional)


def _roles(thing: Workload | Identity) -> tuple[str, ...]:
    if isinstance(thing, Workload):
        return thing.runs_as
    return tuple(link.target for link in thing.links if link.relation == "runs_as") if thing.links else ()


def _takeovers(identity: Identity, rights: Iterable[Assignment]) -> Iterator[tuple[_Place, Takeover | Way, bool]]:
    """Where it may take over what, and whether a condition decides: of its own scope, unless it says otherwise."""
    for way in identity.reach:
        if way.kind == "take_over":
            yield (identity.provider, None if way.elsewhere else identity.scope), way, way.conditional
    for right in rights:
        for takeover in right.takes_over:
            yield (identity.provider, None), takeover, takeover.conditional or right.conditional


# --- Which stored secret holds whose credential, where the secret says so. Pure ---

HOLDS_FOR = "identity"
"""Among a stored secret's attributes: whose credential it is, by key, unique id, id of a credential, or name."""


def with_stored(identities: Sequence[Identity], secrets: Iterable[StoredSecret]) -> tuple[Identity, ...]:
    """The identities, with ``stores`` links to the secrets that say they hold a credential of theirs.

    A bare name counts within the secret's own scope, and only where it is one identity's.
    """
    saying = [(one, who) for one in secrets if isinstance(who := one.attributes.get(HOLDS_FOR), str) and who]
    if not saying:
        return tuple(identities)
    meant = {who for _, who in saying}
    exactly: dict[str, str] = {}
    by_name: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for one in identities:
        exactly |= dict.fromkeys(meant.intersection(_ids(one)), one.key)
        if one.name in meant:
            by_name[one.provider, one.scope, one.name].append(one.key)
    links: defaultdict[str, list[Link]] = defaultdict(list)
    for secret, who in saying:
        named = by_name.get((secret.provider, secret.scope, who), [])
        holder = exactly.get(who) or (named[0] if len(named) == 1 else None)
        if holder is not None:
            evidence = f"{secret.name} says that it holds a credential of {who}"
            links[holder].append(Link(relation="stores", target=secret.key, evidence=evidence))
    return tuple(_linked(one, links[one.key]) if one.key in links else one for one in identities)


def _ids(identity: Identity) -> Iterator[str]:
    yield identity.key
    if identity.unique_id is not None:
        yield identity.unique_id
    for credential in identity.credentials:
        yield credential.id


def _linked(identity: Identity, links: Iterable[Link]) -> Identity:
    held = {(link.relation, link.target): link for link in (*links, *identity.links)}
    every = sorted(held.values(), key=lambda link: (link.relation, link.target))
    return structs.replace(identity, links=tuple(every))
