"""The blast radius of every identity of a result at once: the numbers, without the evidence. Pure.

The steps are those of :mod:`scanner.access.blast_radius.walk`. A scope that identities administer, and a set of secrets
that they read, is a node of its own, so that edges grow with the estate and not with its square.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from msgspec.structs import replace

from scanner.access.blast_radius.walk import (
    ELSEWHERE,
    SCOPES_NAMED,
    SINGLE_SECRETS,
    UNKNOWNS,
    UNSAID,
    ScopeOf,
    SecretsRead,
    WholeScan,
    administered,
    consequences_of,
    made_admin_of,
    place_text,
    secrets_read,
    targets_of,
    unknowns_of,
)
from scanner.access.closures import Closures
from scanner.model import CONSEQUENCES, BlastRadius, Count, Identity, ScanResult

_IDENTITY, _SECRET = 0, 1
_KINDS = tuple(CONSEQUENCES)
_BIT = {flag: 1 << place for place, flag in enumerate((*_KINDS, *UNKNOWNS))}
_PLACES = len(_BIT)
"""The first bit of scopes. Each has one bit for being within reach, and one for being administered."""


class Radii:
    """Gives the blast radius of each identity, by key, without its evidence.

    Counts are exact up to a limit of work (``closures.MOST_STEPS``) and lower bounds beyond.
    """

    def __init__(self, result: ScanResult) -> None:
        self._estate = WholeScan(result)
        identities = [one.identity for one in result.identities]
        lived_in = {(one.provider, one.scope) for one in identities}
        ruled = {place for one in identities if one.consequences != () for place in administered(one)}
        self._places = sorted(lived_in | ruled)
        self._bit = {place: _PLACES + 2 * number for number, place in enumerate(self._places)}
        self._alone = {place: 1 << bit for place, bit in self._bit.items()}
        self._within = sum(self._alone.values())
        self._entry = {one.identity.key: one.registry.entry for one in result.identities if one.registry.entry}
        self._known: dict[tuple[int, tuple[int, ...], bool], BlastRadius] = {}
        self._size = len(identities)
        self._nodes: dict[Hashable, int] = {one.key: node for node, one in enumerate(identities)}
        self._made = [made_admin_of(self._estate, one) for one in result.identities]
        self._marks = [
            self._marks_of(one) | self._marks_of_method(target)
            for one, target in zip(identities, self._made, strict=True)
        ]
        self._weights = ([1] * self._size, [0] * self._size)
        self._targets: dict[int, list[int]] = {}
        for node, one in enumerate(result.identities):
            ahead = self._ahead(one.identity, one.consumers)
            if (target := self._made[node]) is not None:
                ahead.append(self._everything_in((target.provider, target.scope)))
            if ahead:
                self._targets[node] = ahead
        self._closures = Closures(len(self._marks), self._targets, self._weights, self._marks)

    def of(self, key: str) -> BlastRadius | None:
        """Return the numbers of an identity; None for an unknown key."""
        node = self._nodes.get(key)
        if node is None or node >= self._size:
            return None
        found = self._closures
        numbers = found.marks(node), found.sums(node), found.is_exact(node)
        if numbers not in self._known:  # many are equal, and a record for each would take more memory than the graph
            self._known[numbers] = self._radius(*numbers)
        radius = self._known[numbers]
        declared = self._estate.entry(entry) if (entry := self._entry.get(key)) else None
        if declared is None or declared.human_in_the_loop is None:
            return radius
        return replace(radius, human_in_the_loop=declared.human_in_the_loop)

    def _radius(self, marks: int, sums: tuple[int, ...], is_exact: bool) -> BlastRadius:
        identities, secrets = sums
        unknown = tuple(reason for reason in UNKNOWNS if marks & _BIT[reason])
        more_identities = any(reason not in (UNSAID, SINGLE_SECRETS) for reason in unknown)
        ruled = marks & self._within << 1
        return BlastRadius(
            administers=tuple(map(place_text, self._first_places(ruled))),
            administered=ruled.bit_count(),
            identities=Count(number=identities - 1, at_least=not is_exact or more_identities),
            secrets=Count(number=secrets, at_least=not is_exact or bool(unknown)),
            scopes=Count(number=(marks & self._within).bit_count(), at_least=more_identities),
            kinds=tuple(kind for kind in _KINDS if marks & _BIT[kind]),
            unknown=unknown,
        )

    def _first_places(self, bits: int) -> Iterator[ScopeOf]:
        for _ in range(SCOPES_NAMED):
            if not bits:
                return
            lowest = bits & -bits
            yield self._places[(lowest.bit_length() - 1 - _PLACES) // 2]
            bits ^= lowest

    def _marks_of(self, identity: Identity) -> int:
        marks = self._alone[identity.provider, identity.scope]
        if identity.consequences == () and identity.privilege.level != "unknown":
            return marks  # as most, and shared by all of the scope
        for one in consequences_of(identity):
            marks |= _BIT[one.kind]
        for reason in unknowns_of(identity):
            marks |= _BIT[reason]
        for place in administered(identity):
            marks |= 0b11 << self._bit[place]
        return marks

    def _marks_of_method(self, target: Identity | None) -> int:
        """The marks of what becomes an admin by a method on an identity."""
        if target is None:
            return 0
        return _BIT["administer"] | 0b11 << self._bit[target.provider, target.scope]

    def _ahead(self, identity: Identity, consumers: tuple[str, ...]) -> list[int]:
        """Return the nodes that it leads to in one step."""
        nodes = self._nodes
        ahead = [nodes[key] if key in nodes else self._elsewhere(key) for key in targets_of(identity)]
        if identity.consequences != ():
            ahead += [self._everything_in(place) for place in administered(identity)]
            ahead += [self._secrets(read) for read in secrets_read(identity)]
        if consumers:
            ahead += [self._secret(secret) for secret in self._estate.secrets_used_by(consumers)]
        return ahead

    def _everything_in(self, place: ScopeOf) -> int:
        name = ("everything", place)
        if name not in self._nodes:
            node = self._node(name)
            self._targets[node] = [
                *(self._nodes[one.identity.key] for one in self._estate.living_in(place)),
                self._secrets(SecretsRead(place=place)),
            ]
        return self._nodes[name]

    def _secrets(self, read: SecretsRead) -> int:
        if read not in self._nodes:
            node = self._node(read)
            of_place = () if read.place is None else self._estate.secrets_in(read.place)
            fitting = () if read.like is None else self._estate.secrets_like(*read.like)
            if secrets := [self._secret(key) for key in (*of_place, *fitting)]:
                self._targets[node] = secrets
        return self._nodes[read]

    def _elsewhere(self, key: str) -> int:
        """Return the new node of an identity that was not read."""
        return self._node(key, _BIT[ELSEWHERE], of=_IDENTITY)

    def _secret(self, key: str) -> int:
        name = ("secret", key)
        return self._nodes[name] if name in self._nodes else self._node(name, of=_SECRET)

    def _node(self, name: Hashable, marks: int = 0, of: int | None = None) -> int:
        self._nodes[name] = node = len(self._marks)
        self._marks.append(marks)
        for number, weights in enumerate(self._weights):
            weights.append(int(number == of))
        return node
