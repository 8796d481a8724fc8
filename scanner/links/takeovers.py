"""Who can make something that runs as another identity do what it likes, and so become that identity. Pure.

What an identity's own policies, or the rights that it holds by assignment, let it do to workloads its connector has
worked out; what runs as whom is known only when everything has been read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import chain
from types import MappingProxyType
from typing import TypeAlias

from scanner.links.assignments import Held
from scanner.links.linking import Keys
from scanner.model import Assignment, Edge, Identity, Takeover, Way, Workload
from scanner.model.attributes import RUNS_IN

_NOTHING: Held = MappingProxyType({})
_Place: TypeAlias = tuple[str, str | None]
"""A provider and one of its scopes; None: any of them."""


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
