"""The blast radius of every identity of a result at once: the numbers, without the evidence. Pure.

The steps are those of :mod:`scanner.access.blast_radius`. A scope that identities administer, and a set of secrets that
they read, is a node of its own, so that edges grow with the estate and not with its square.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator

from scanner.access.blast_radius import (
    ELSEWHERE,
    SINGLE_SECRETS,
    UNKNOWNS,
    UNSAID,
    Place,
    SecretsRead,
    WholeScan,
    administered,
    consequences_of,
    place_text,
    secrets_read,
    targets_of,
    unknowns_of,
)
from scanner.access.closures import Closures
from scanner.model import CONSEQUENCES, BlastRadius, Count, Identity, ScanResult

_IDENTITY, _SECRET = 0, 1
_KINDS = tuple(CONSEQUENCES)
_FLAGS = (*_KINDS, *UNKNOWNS)
_BIT = {flag: 1 << place for place, flag in enumerate(_FLAGS)}
_ADMINISTERED, _SCOPE = "administered", "scope"


class Radii:
    """Gives the blast radius of each identity, by key, without its evidence.

    Counts are exact up to a limit of work (``closures.MOST_STEPS``) and lower bounds beyond.
    """

    def __init__(self, result: ScanResult) -> None:
        self._estate = WholeScan(result)
        self._nodes: dict[Hashable, int] = {}
        self._targets: defaultdict[int, list[int]] = defaultdict(list)
        self._weights: tuple[list[int], list[int]] = ([], [])
        self._marks: list[int] = []
        self._marked: dict[tuple[str, Place], int] = {}
        self._places: list[tuple[str, Place]] = []
        self._entry = {one.identity.key: one.registry.entry for one in result.identities if one.registry.entry}
        for one in result.identities:
            self._identity(one.identity.key, self._marks_of(one.identity))
        for one in result.identities:
            self._link(one.identity, one.consumers)
        self._closures = Closures(len(self._marks), self._targets, self._weights, self._marks)

    def of(self, key: str) -> BlastRadius | None:
        """Return the numbers of an identity; None for an unknown key."""
        node = self._nodes.get(key)
        if node is None:
            return None
        found, marks = self._closures, self._closures.marks(node)
        identities, secrets = found.sums(node)
        unknown = tuple(reason for reason in UNKNOWNS if marks & _BIT[reason])
        is_bound = not found.is_exact(node)
        at_least = is_bound or any(reason not in (UNSAID, SINGLE_SECRETS) for reason in unknown)
        places = {name: list(self._marked_in(marks, name)) for name in (_ADMINISTERED, _SCOPE)}
        scopes = len({*places[_ADMINISTERED], *places[_SCOPE]})
        declared = self._estate.entry(entry) if (entry := self._entry.get(key)) else None
        return BlastRadius(
            administers=tuple(sorted(map(place_text, places[_ADMINISTERED]))),
            identities=Count(number=identities - 1, at_least=at_least),
            secrets=Count(number=secrets, at_least=is_bound or bool(unknown)),
            scopes=Count(number=scopes, at_least=any(reason not in (UNSAID, SINGLE_SECRETS) for reason in unknown)),
            kinds=tuple(kind for kind in _KINDS if marks & _BIT[kind]),
            human_in_the_loop=None if declared is None else declared.human_in_the_loop,
            unknown=unknown,
        )

    def _marks_of(self, identity: Identity) -> int:
        marks = self._mark(_SCOPE, (identity.provider, identity.scope))
        for one in consequences_of(identity):
            marks |= _BIT[one.kind]
        for reason in unknowns_of(identity):
            marks |= _BIT[reason]
        for place in administered(identity):
            marks |= self._mark(_ADMINISTERED, place)
        return marks

    def _link(self, identity: Identity, consumers: tuple[str, ...]) -> None:
        ahead = [self._identity(target, _BIT[ELSEWHERE]) for target in targets_of(identity)]
        ahead += [self._everything_in(place) for place in administered(identity)]
        ahead += [self._secrets(read) for read in secrets_read(identity)]
        ahead += [self._secret(secret) for secret in self._estate.secrets_used_by(consumers)]
        if ahead:
            self._targets[self._nodes[identity.key]] = ahead

    def _everything_in(self, place: Place) -> int:
        name = (_ADMINISTERED, place)
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

    def _identity(self, key: str, marks: int) -> int:
        return self._nodes[key] if key in self._nodes else self._node(key, marks, of=_IDENTITY)

    def _secret(self, key: str) -> int:
        name = ("secret", key)
        return self._nodes[name] if name in self._nodes else self._node(name, of=_SECRET)

    def _node(self, name: Hashable, marks: int = 0, of: int | None = None) -> int:
        self._nodes[name] = node = len(self._marks)
        self._marks.append(marks)
        for number, weights in enumerate(self._weights):
            weights.append(int(number == of))
        return node

    def _mark(self, name: str, place: Place) -> int:
        """Return the bit of a scope under this name."""
        if (name, place) not in self._marked:
            self._marked[name, place] = 1 << (len(_FLAGS) + len(self._places))
            self._places.append((name, place))
        return self._marked[name, place]

    def _marked_in(self, marks: int, name: str) -> Iterator[Place]:
        bits = marks >> len(_FLAGS)
        while bits:
            lowest = bits & -bits
            of, place = self._places[lowest.bit_length() - 1]
            if of == name:
                yield place
            bits ^= lowest
