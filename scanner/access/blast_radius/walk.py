"""The blast radius of an identity: what it can become, what is then within reach, and which actions. Pure.

:func:`blast_radius_of` walks the graph from one identity and has the evidence.
:mod:`scanner.access.blast_radius.counts` has the numbers of every identity at once. Both follow the same steps: links
by which an identity acts as another, and from an identity that administers a scope to everything in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
from typing import Protocol, TypeAlias

from msgspec import Struct

from scanner.access.control import BECOMES
from scanner.access.raised_privileges import method_in
from scanner.access.trusts import Keys
from scanner.model import (
    CONSEQUENCES,
    POWERFUL,
    Assessment,
    BlastRadius,
    Consequence,
    ConsequenceKind,
    Count,
    Entry,
    Identity,
    ReachedAction,
    ScanResult,
)

MOST_WALKED = 100_000
"""The most identities that a walk visits by default; then its counts are lower bounds."""
PATHS_SHOWN = 5
SCOPES_NAMED = 5

ScopeOf: TypeAlias = tuple[str, str]
"""A provider and one of its scopes."""


class Estate(Protocol):
    """Looks up the identities, workloads and secrets of a scan."""

    def assessments(self, keys: Collection[str]) -> Iterable[Assessment]:
        """Return those of the identities that are known."""
        ...

    def living_in(self, place: ScopeOf) -> Iterable[Assessment]:
        """Return the identities of a scope."""
        ...

    def secrets_in(self, place: ScopeOf) -> Iterable[str]:
        """Return the keys of the stored secrets of a scope."""
        ...

    def secrets_like(self, provider: str, pattern: str) -> Iterable[str]:
        """Return the keys of the stored secrets of a provider that match a pattern."""
        ...

    def secrets_used_by(self, workloads: Collection[str]) -> Iterable[str]:
        """Return the keys of the stored secrets that workloads read."""
        ...

    def entry(self, key: str) -> Entry | None:
        """Return the registry entry with an id."""
        ...


class WholeScan:
    """The estate of a result that holds every record."""

    def __init__(self, result: ScanResult) -> None:
        self._result = result

    def assessments(self, keys: Collection[str]) -> Iterable[Assessment]:
        """See :class:`Estate`."""
        return [self._by_key[key] for key in keys if key in self._by_key]

    def living_in(self, place: ScopeOf) -> Iterable[Assessment]:
        """See :class:`Estate`."""
        return self._by_place[place]

    def secrets_in(self, place: ScopeOf) -> Iterable[str]:
        """See :class:`Estate`."""
        return self._secrets.within(place)

    def secrets_like(self, provider: str, pattern: str) -> Iterable[str]:
        """See :class:`Estate`."""
        return self._secrets.like(provider, pattern)

    def secrets_used_by(self, workloads: Collection[str]) -> Iterable[str]:
        """See :class:`Estate`."""
        return [secret for workload in workloads for secret in self._uses.get(workload, ())]

    def entry(self, key: str) -> Entry | None:
        """See :class:`Estate`."""
        return self._entries.get(key)

    @cached_property
    def _by_key(self) -> Mapping[str, Assessment]:
        return {one.identity.key: one for one in self._result.identities}

    @cached_property
    def _by_place(self) -> Mapping[ScopeOf, list[Assessment]]:
        found: defaultdict[ScopeOf, list[Assessment]] = defaultdict(list)
        for one in self._result.identities:
            found[one.identity.provider, one.identity.scope].append(one)
        return found

    @cached_property
    def _uses(self) -> Mapping[str, tuple[str, ...]]:
        return {workload.key: workload.uses for workload in self._result.workloads if workload.uses}

    @cached_property
    def _entries(self) -> Mapping[str, Entry]:
        return {one.entry.id: one.entry for one in self._result.entries}

    @cached_property
    def _secrets(self) -> SecretKeys:
        return SecretKeys((one.provider, one.scope, one.key) for one in self._result.secrets)


class SecretKeys:
    """Stored secrets by scope, and by pattern of their key. Takes provider, scope and key of each."""

    def __init__(self, secrets: Iterable[tuple[str, str, str]]) -> None:
        self._within: defaultdict[ScopeOf, list[str]] = defaultdict(list)
        for provider, scope, key in secrets:
            self._within[provider, scope].append(key)
        self._keys: dict[str, Keys] = {}

    def within(self, place: ScopeOf) -> Sequence[str]:
        """Return the keys of the secrets of a scope."""
        return self._within.get(place, ())

    def like(self, provider: str, pattern: str) -> Sequence[str]:
        """Return the keys of a provider's secrets that fit a pattern (``*`` any characters, ``?`` one character)."""
        if provider not in self._keys:
            own = (keys for (of, _), keys in self._within.items() if of == provider)
            self._keys[provider] = Keys(provider, (key for keys in own for key in keys))
        return self._keys[provider].named(pattern)


# --- What one identity contributes. Shared with scanner.access.blast_radius.counts ---

UNREAD = "permissions within reach could not be read"
UNSAID = "a source within reach does not report what permissions allow"
ELSEWHERE = "an identity within reach was not read"
SINGLE_SECRETS = "single secrets can be read; which of them is not known"
NOT_ALL = "only the nearest identities were counted, because there are very many"
UNKNOWNS: tuple[str, ...] = (UNREAD, UNSAID, ELSEWHERE, SINGLE_SECRETS)
"""Unread facts that could enlarge a blast radius."""


def targets_of(identity: Identity) -> Iterator[str]:
    """Yield the keys of the identities that it can become in one step."""
    for link in identity.links:
        if link.relation in BECOMES and link.target != identity.key:
            yield link.target


def consequences_of(identity: Identity) -> Sequence[Consequence]:
    """Return what its own permissions allow. An admin of a source that reports no actions can do everything."""
    if identity.consequences is not None:
        return identity.consequences
    if identity.privilege.level not in POWERFUL:
        return ()
    return (Consequence(kind="administer", by=next(iter(identity.privilege.evidence), "")),)


def administered(identity: Identity) -> Iterator[ScopeOf]:
    """Yield the scopes that it certainly administers."""
    for one in consequences_of(identity):
        if one.kind == "administer" and not one.conditional:
            yield identity.provider, one.scope or identity.scope


def made_admin_of(estate: Estate, one: Assessment) -> Identity | None:
    """Return the identity by which another makes itself an admin: one that it controls, with a method on it.

    None where it is an admin or makes itself one, and where it becomes such an identity: then the permissions of that
    one say what it administers.
    """
    level, goal = one.privilege.level, one.privilege.goal
    if level != "escalation" or goal is None or one.identity.privilege.level in POWERFUL:
        return None
    found = next((found.identity for found in estate.assessments((goal,))), None)
    return None if found is None or found.privilege.level in POWERFUL else found


class SecretsRead(Struct, frozen=True):
    """Stored secrets that an identity can read: all in a ``place``, or those of a provider with a matching key."""

    place: ScopeOf | None = None
    like: tuple[str, str] | None = None


def secrets_read(identity: Identity) -> Iterator[SecretsRead]:
    """Yield the stored secrets that it can read, for certain, as far as they are known."""
    for one in consequences_of(identity):
        if one.kind == "read_secrets" and not one.conditional:
            if one.on:
                yield from (SecretsRead(like=(identity.provider, pattern)) for pattern in one.on)
            elif not one.narrow:
                yield SecretsRead(place=(identity.provider, one.scope or identity.scope))


def unknowns_of(identity: Identity) -> Iterator[str]:
    """Yield what is unknown about an identity, see UNKNOWNS. One that only runs as others has no rights of its own."""
    if not any(link.relation == "runs_as" for link in identity.links):
        if identity.privilege.level == "unknown":
            yield UNREAD
        elif identity.consequences is None and identity.privilege.level not in POWERFUL:
            yield UNSAID
    if any(one.kind == "read_secrets" and one.narrow and not one.on for one in consequences_of(identity)):
        yield SINGLE_SECRETS


def place_text(place: ScopeOf) -> str:
    """Return a scope as text."""
    return " ".join(place)


# --- One identity, with the evidence ---


def blast_radius_of(estate: Estate, key: str, most: int = MOST_WALKED) -> BlastRadius | None:
    """Return the blast radius of an identity with its evidence; None for an unknown key.

    ``most``: the most identities to visit.
    """
    start = next(iter(estate.assessments((key,))), None)
    return None if start is None else _Walk(estate, start, most).radius()


class _Walk:
    """A breadth-first search from one identity, the nearest first, in the order of keys."""

    def __init__(self, estate: Estate, start: Assessment, most: int) -> None:
        self._estate = estate
        self._most = most
        self._start = start
        self._from: dict[str, str] = {}
        self._controlled: set[str] = set()
        self._scopes: set[ScopeOf] = set()
        self._administers: dict[ScopeOf, str] = {}
        self._secrets: set[str] = set()
        self._actions: dict[ConsequenceKind, ReachedAction] = {}
        self._unknown: set[str] = set()
        wave = [start]
        while wave:
            wave = self._onward(wave)

    def _onward(self, wave: Sequence[Assessment]) -> list[Assessment]:
        """Add these identities, and return those one step further."""
        ahead: dict[str, str] = {}
        within: dict[str, Assessment] = {}
        for one in wave:
            identity = one.identity
            self._take(one)
            for target in targets_of(identity):
                ahead.setdefault(target, identity.key)
            for place in dict.fromkeys((*administered(identity), *self._made_admin(one))):
                if place not in self._administers:
                    self._administers[place] = identity.key
                    self._secrets.update(self._estate.secrets_in(place))
                    for other in self._living_in(place):
                        if other.identity.key not in ahead:
                            within[other.identity.key] = other
                            ahead[other.identity.key] = identity.key
        new = sorted(target for target in ahead if target not in self._from and target != self._start.identity.key)
        if len(self._from) + len(new) > self._most:
            new = new[: self._most - len(self._from)]
            self._unknown.add(NOT_ALL)
        self._from |= {target: ahead[target] for target in new}
        self._controlled.update(target for target in new if target in within)
        known = within | {
            one.identity.key: one for one in self._estate.assessments([key for key in new if key not in within])
        }
        if any(key not in known for key in new):
            self._unknown.add(ELSEWHERE)
        return [known[key] for key in new if key in known]

    def _made_admin(self, one: Assessment) -> Iterator[ScopeOf]:
        """Yield the scope that it administers by a method on an identity that it controls."""
        if (target := made_admin_of(self._estate, one)) is not None:
            everything = Consequence(kind="administer", by=method_in(one.privilege))
            self._actions.setdefault("administer", _reached(target, everything))
            yield target.provider, target.scope

    def _living_in(self, place: ScopeOf) -> Sequence[Assessment]:
        """Return the identities of a scope, no more than are visited: a scope can have a million."""
        living = list(islice(self._estate.living_in(place), self._most + 1))
        if len(living) > self._most:
            self._unknown.add(NOT_ALL)
        return living

    def _take(self, one: Assessment) -> None:
        identity = one.identity
        self._scopes.add((identity.provider, identity.scope))
        self._unknown.update(unknowns_of(identity))
        self._secrets.update(self._estate.secrets_used_by(one.consumers))
        for read in secrets_read(identity):
            if read.place is not None:
                self._secrets.update(self._estate.secrets_in(read.place))
            if read.like is not None:
                self._secrets.update(self._estate.secrets_like(*read.like))
        for consequence in consequences_of(identity):
            found = _reached(identity, consequence)
            known = self._actions.get(found.kind)
            if known is None or _weight(found) > _weight(known):
                self._actions[found.kind] = found

    def radius(self) -> BlastRadius:
        """Return the blast radius that was found."""
        at_least = bool(self._unknown - {SINGLE_SECRETS, UNSAID})
        places = tuple(self._administers)
        entry = None if (of := self._start.registry.entry) is None else self._estate.entry(of)
        shown = [key for key in self._from if key not in self._controlled][:PATHS_SHOWN]
        return BlastRadius(
            administers=tuple(map(place_text, sorted(places)[:SCOPES_NAMED])),
            administered=len(places),
            identities=Count(number=len(self._from), at_least=at_least),
            secrets=Count(number=len(self._secrets), at_least=bool(self._unknown)),
            scopes=Count(number=len(self._scopes | set(places)), at_least=at_least),
            kinds=tuple(kind for kind in CONSEQUENCES if kind in self._actions),
            human_in_the_loop=None if entry is None else entry.human_in_the_loop,
            unknown=tuple(reason for reason in (*UNKNOWNS, NOT_ALL) if reason in self._unknown),
            admin_path=self._path(self._administers[places[0]]) if places else (),
            paths=tuple(map(self._path, shown)),
            actions=tuple(self._actions[kind] for kind in CONSEQUENCES if kind in self._actions),
        )

    def _path(self, key: str) -> tuple[str, ...]:
        path = [key]
        while path[-1] in self._from:
            path.append(self._from[path[-1]])
        return tuple(reversed(path))


def _reached(identity: Identity, one: Consequence) -> ReachedAction:
    return ReachedAction(
        kind=one.kind,
        holder=identity.key,
        scope=one.scope or identity.scope,
        actions=one.actions,
        by=one.by,
        narrow=one.narrow,
        conditional=one.conditional,
    )


def _weight(action: ReachedAction) -> tuple[bool, bool]:
    """Return how much an action counts: certain above conditional, then wide."""
    return not action.conditional, not action.narrow
