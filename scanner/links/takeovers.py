"""Who can make something that runs as another identity do what it likes, and so become that identity. Pure.

What an identity's own policies, or the rights that it holds by assignment, let it do to workloads its connector has
worked out; what runs as whom is known only when everything has been read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from types import MappingProxyType
from typing import TypeAlias

import msgspec

from scanner.links.assignments import Held
from scanner.links.linking import Keys, with_links
from scanner.model import Assignment, Identity, Link, Takeover, Workload
from scanner.model.attributes import RUNS_IN

MAY_TAKE_OVER = "may_take_over"
"""Among attributes: what an identity may make do what it likes, a list of ``Takeover``."""

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

    def within(self, takeover: Takeover) -> Iterator[tuple[str, str]]:
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


def with_takeovers(
    identities: Sequence[Identity], workloads: Iterable[Workload], held: Held = _NOTHING
) -> tuple[Identity, ...]:
    """The identities, with ``can_assume`` links to what the workloads and agents run as that they may take over.

    ``held``: what they hold by assignment, which reaches any scope of the provider. Administrators need no such links.
    """
    links: defaultdict[str, list[Link]] = defaultdict(list)
    for key, role, evidence in _ways(identities, workloads, held, conditional=False):
        links[key].append(Link(relation="can_assume", target=role, evidence=evidence))
    return tuple(with_links(one, links[one.key]) if one.key in links else one for one in identities)


def doubtful_takeovers(
    identities: Sequence[Identity], workloads: Iterable[Workload], held: Held = _NOTHING
) -> Iterator[tuple[str, str, str]]:
    """Who could take over what runs as whom, if a condition is met: (key, key of that identity, evidence)."""
    return _ways(identities, workloads, held, conditional=True)


def _ways(
    identities: Sequence[Identity], workloads: Iterable[Workload], held: Held, *, conditional: bool
) -> Iterator[tuple[str, str, str]]:
    """Who can become whom, and how."""
    able = [
        (one, place, takeover)
        for one in identities
        if one.privilege.level != "admin"
        for place, takeover, is_conditional in _takeovers(one, held.get(one.key, ()))
        if is_conditional == conditional
    ]
    if not able:
        return
    running = {place: _Running(one.provider) for one, place, _ in able}
    things: Iterable[Workload | Identity] = chain(workloads, identities)
    for thing in things:
        if roles := _roles(thing):
            places: tuple[_Place, ...] = ((thing.provider, thing.scope), (thing.provider, None))
            for place in places:
                if place in running:
                    running[place].add(thing, roles)
    for one, place, takeover in able:
        for key, role in running[place].within(takeover):
            if role != one.key:
                yield one.key, role, f"{key} runs as it: {takeover.by}"


def _roles(thing: Workload | Identity) -> tuple[str, ...]:
    if isinstance(thing, Workload):
        return thing.runs_as
    return tuple(link.target for link in thing.links if link.relation == "runs_as") if thing.links else ()


def _takeovers(identity: Identity, rights: Iterable[Assignment]) -> Iterator[tuple[_Place, Takeover, bool]]:
    """Where it may take over what, and whether a condition decides: of its own scope, unless it says otherwise."""
    for takeover in _own_takeovers(identity) if MAY_TAKE_OVER in identity.attributes else ():
        scope = None if takeover.elsewhere else identity.scope
        yield (identity.provider, scope), takeover, takeover.conditional
    for right in rights:
        for takeover in right.takes_over:
            yield (identity.provider, None), takeover, takeover.conditional or right.conditional


def _own_takeovers(identity: Identity) -> tuple[Takeover, ...]:
    try:
        return msgspec.convert(identity.attributes[MAY_TAKE_OVER], tuple[Takeover, ...])
    except msgspec.ValidationError:  # some other connector means something else by the word
        return ()
