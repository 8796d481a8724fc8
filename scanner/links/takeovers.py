"""Who can make something that runs as another identity do what it likes, and so become that identity. Pure.

What an identity's own policies let it do to workloads its connector has worked out; what runs as whom is known only
when everything has been read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import msgspec

from scanner.links.trusts import compiled
from scanner.model import Identity, Link, Takeover, Workload

MAY_TAKE_OVER = "may_take_over"
"""Among attributes: what of its own scope an identity may make do what it likes, a list of ``Takeover``."""


class _Running:
    """What runs in one scope, and as whom."""

    def __init__(self) -> None:
        self._roles: dict[str, tuple[str, ...]] = {}
        self._covered: dict[str, tuple[str, ...]] = {}

    def add(self, key: str, roles: tuple[str, ...]) -> None:
        """One more of them."""
        self._roles[key] = roles

    def within(self, takeover: Takeover) -> Iterator[tuple[str, str]]:
        """Each thing that it is about, with each identity that this runs as."""
        keys = chain.from_iterable(map(self._named, takeover.on))
        spared = set(chain.from_iterable(map(self._named, takeover.but)))
        for key in dict.fromkeys(keys):
            if key not in spared:
                for role in self._roles[key]:
                    yield key, role

    def _named(self, pattern: str) -> tuple[str, ...]:
        """By a pattern, which is gone through once: most name one thing, and many holders the same ones."""
        if not any(sign in pattern for sign in "*?"):
            return (pattern,) if pattern in self._roles else ()
        if pattern not in self._covered:
            matches = compiled(pattern).match
            self._covered[pattern] = tuple(key for key in self._roles if matches(key))
        return self._covered[pattern]


def with_takeovers(identities: Sequence[Identity], workloads: Iterable[Workload]) -> tuple[Identity, ...]:
    """The identities, with ``can_assume`` links to what the workloads and agents run as that they may take over.

    Administrators need no such links.
    """
    links: defaultdict[str, list[Link]] = defaultdict(list)
    for key, role, evidence in _ways(identities, workloads, conditional=False):
        links[key].append(Link(relation="can_assume", target=role, evidence=evidence))
    return tuple(_linked(one, links[one.key]) if one.key in links else one for one in identities)


def doubtful_takeovers(identities: Sequence[Identity], workloads: Iterable[Workload]) -> Iterator[tuple[str, str, str]]:
    """Who could take over what runs as whom, if a condition is met: (key, key of that identity, evidence)."""
    return _ways(identities, workloads, conditional=True)


def _ways(
    identities: Sequence[Identity], workloads: Iterable[Workload], *, conditional: bool
) -> Iterator[tuple[str, str, str]]:
    """Who can become whom, and how."""
    able = [
        (one, takeover)
        for one in identities
        if MAY_TAKE_OVER in one.attributes and one.privilege.level != "admin"
        for takeover in _takeovers(one)
        if takeover.conditional == conditional
    ]
    if not able:
        return
    running: defaultdict[tuple[str, str], _Running] = defaultdict(_Running)
    things: Iterable[Workload | Identity] = chain(workloads, identities)
    for thing in things:
        if roles := _roles(thing):
            running[thing.provider, thing.scope].add(thing.key, roles)
    for one, takeover in able:
        for key, role in running[one.provider, one.scope].within(takeover):
            if role != one.key:
                yield one.key, role, f"{key} runs as it: {takeover.by}"


def _roles(thing: Workload | Identity) -> tuple[str, ...]:
    if isinstance(thing, Workload):
        return thing.runs_as
    return tuple(link.target for link in thing.links if link.relation == "runs_as") if thing.links else ()


def _takeovers(identity: Identity) -> tuple[Takeover, ...]:
    try:
        return msgspec.convert(identity.attributes[MAY_TAKE_OVER], tuple[Takeover, ...])
    except msgspec.ValidationError:  # some other connector means something else by the word
        return ()


def _linked(identity: Identity, links: Iterable[Link]) -> Identity:
    """With these links, sorted; of several to one target the first, and what is known already."""
    held = {(link.relation, link.target): link for link in identity.links}
    for link in links:
        held.setdefault((link.relation, link.target), link)
    if len(held) == len(identity.links):
        return identity
    every = sorted(held.values(), key=lambda link: (link.relation, link.target))
    return msgspec.structs.replace(identity, links=tuple(every))
