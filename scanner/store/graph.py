"""The latest scan's attack graph: edges are streamed, and evidence is read where an answer needs it."""

from __future__ import annotations

import gc
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, Select, select

from scanner.access.adjacency import adjacency
from scanner.access.assignments import held_by
from scanner.access.attack_paths import AttackGraph, Step, is_external
from scanner.access.control import BECOMES, Method, Targets, methods_in
from scanner.access.edges import conditional_edges
from scanner.model import (
    POWERFUL,
    Edge,
    Fact,
    Identity,
    Link,
    Privilege,
    PrivilegeLevel,
    Relation,
    TokenSubject,
    Trust,
    Way,
)
from scanner.store import schema
from scanner.store.bodies import decode
from scanner.store.engine import plain_rows
from scanner.store.intervals import BATCH, read_open
from scanner.store.kinds import ASSIGNMENTS, WORKLOADS
from scanner.store.records import Records

Opens: TypeAlias = Callable[[], AbstractContextManager[Records]]
_Pair: TypeAlias = tuple[str, str]


def attack_graph(connection: Connection, records: Opens) -> AttackGraph:
    """Return the graph of the latest scan. ``records`` opens that scan, for evidence.

    Only rows that an answer shows are verified by their checksums.
    """
    with _without_collector():
        stream = _Stream(connection)
    numbers, sources, targets = stream.numbers, stream.sources, stream.targets
    reachable = stream.reachable()
    methods = stream.methods(reachable)
    conditional: dict[_Pair, Step] = {}
    for edge in stream.conditional(methods, reachable):
        conditional.setdefault(
            (edge.source, edge.target),
            Step(
                source=edge.source, target=edge.target, relation="can_assume", evidence=edge.evidence, conditional=True
            ),
        )
    certain = adjacency(len(numbers), sources, targets)
    number = len(sources)
    sources.extend(numbers[source] for source, _ in conditional)
    targets.extend(numbers[target] for _, target in conditional)
    whole = memoryview(bytes(number) + b"\1" * len(conditional))
    return AttackGraph(
        keys=tuple(numbers),
        numbers=numbers,
        edges=adjacency(len(numbers), sources, targets, whole) if conditional else certain,
        certain=certain,
        evidence=_Evidence(records, conditional),
        admins=frozenset(stream.admins),
        methods=methods,
        entrances=stream.entrances,
    )


@contextmanager
def _without_collector() -> Iterator[None]:
    """Pause the garbage collector, which would repeatedly scan millions of live objects."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Link(Struct, frozen=True, gc=False):
    relation: Relation
    target: str


class _Level(Struct, frozen=True, gc=False):
    level: PrivilegeLevel
    evidence: tuple[str, ...] = ()


class _Identity(Struct, frozen=True, gc=False):
    """The fields of a stored identity that edges need; the rest is skipped."""

    aliases: tuple[str, ...] = ()
    links: tuple[_Link, ...] = ()
    trusts: tuple[Trust, ...] = ()
    reach: tuple[Way, ...] = ()
    runs_in: tuple[str, ...] = ()
    token_subjects: tuple[TokenSubject, ...] = ()
    unread: tuple[Fact, ...] = ()
    privilege: _Level = _Level("unknown")


class _Judged(Struct, frozen=True, gc=False):
    goal: str | None = None


class _Body(Struct, frozen=True, gc=False):
    identity: _Identity
    privilege: _Judged = _Judged()


_bodies = msgspec.json.Decoder(_Body)


class _Numbers(dict[str, int]):
    """Numbers of keys: the identities' in their order, then those of further targets."""

    def __missing__(self, key: str) -> int:
        self[key] = number = len(self)
        return number


class _Stream:
    """Reads the certain edges into ``sources`` and ``targets``, as ``numbers`` of keys.

    Also collects the facts for conditional edges.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._assignments = tuple(read_open(connection, ASSIGNMENTS, schema.assignment.c.until_scan.is_(None)))
        self._identities: list[Identity] = []
        self.sources, self.targets = array("q"), array("q")
        self.admins: list[str] = []
        self.entrances: dict[str, tuple[Trust, ...]] = {}
        self._leading: set[str] = set()
        identity = schema.identity.c
        latest = select(identity.key).where(identity.until_scan.is_(None)).order_by(identity.key)
        self.numbers = _Numbers((key, number) for number, (key,) in enumerate(plain_rows(connection, latest)))
        facts = identity.provider, identity.scope, identity.kind, identity.unique_id, identity.privilege_level
        self._read(latest.add_columns(*facts, identity.body))

    def _read(self, identities: Select[Any]) -> None:
        """Read the identities, in the order of their numbers.

        There are millions of links, and looking up keys takes most of the time.
        """
        number, numbers, kept = 0, self.numbers, self._identities
        with self._connection.execute(identities, execution_options={"yield_per": BATCH}) as result:
            for batch in result.partitions():
                for row in batch:
                    body = decode(_bodies, row.body, "identity")
                    one = body.identity
                    ends = [numbers[link.target] for link in one.links if link.relation in BECOMES]
                    self.sources.extend([number] * len(ends))
                    self.targets.extend(ends)
                    number += 1
                    if row.privilege_level == "admin":
                        self.admins.append(row.key)
                    if row.privilege_level in POWERFUL or body.privilege.goal is not None:
                        self._leading.add(row.key)
                    if one.trusts and (external := tuple(filter(is_external, one.trusts))):
                        self.entrances[row.key] = external
                    if self._assignments or _matters(one, len(ends)):
                        kept.append(_resolvable(row, one))

    def conditional(self, methods: tuple[Method, ...], targets: Targets) -> Iterable[Edge]:
        """Yield the conditional edges."""
        workloads = tuple(read_open(self._connection, WORKLOADS, schema.workload.c.until_scan.is_(None)))
        held = held_by(self._identities, self._assignments)
        return conditional_edges(self._identities, held, workloads, self._leading, methods, targets)

    def reachable(self) -> Targets:
        """Return the targets of ways. They can be any identities of the provider."""
        kinds = "become", "make_admin"
        providers = {one.provider for one in self._identities for way in one.reach if way.kind in kinds}
        identity = schema.identity.c
        every = select(identity.provider, identity.key).where(
            identity.until_scan.is_(None), identity.provider.in_(sorted(providers))
        )
        keys = plain_rows(self._connection, every.order_by(identity.key)) if providers else ()
        return Targets(self._identities, ((provider, key) for provider, key in keys))

    def methods(self, targets: Targets) -> tuple[Method, ...]:
        """Return the methods."""
        return methods_in(self._identities, targets, admins=frozenset(self.admins))


def _matters(one: _Identity, becomes: int) -> bool:
    """Whether an identity can have edges under a condition, or methods. ``becomes``: the number of its edges."""
    if one.reach or one.trusts or becomes < len(one.links) or one.privilege.level == "escalation":
        return True
    return bool(one.token_subjects) and any(token.claims for token in one.token_subjects)


def _resolvable(row: Row[Any], one: _Identity) -> Identity:
    """The identity with the facts by which edges are resolved."""
    return Identity(
        key=row.key,
        provider=row.provider,
        source="",
        scope=row.scope,
        kind=row.kind,
        name="",
        unique_id=row.unique_id,
        aliases=one.aliases,
        links=tuple(
            Link(relation=link.relation, target=link.target, evidence="")
            for link in one.links
            if link.relation == "runs_as"
        ),
        trusts=one.trusts,
        reach=one.reach,
        runs_in=one.runs_in,
        token_subjects=one.token_subjects,
        unread=one.unread,
        privilege=Privilege(level=one.privilege.level, evidence=one.privilege.evidence[:1]),
    )


class _Evidence:
    """Reads the steps of an answer from the store, as of the graph's scan."""

    def __init__(self, records: Opens, conditional: Mapping[_Pair, Step]) -> None:
        self._records, self._conditional = records, conditional

    def __call__(self, pairs: Collection[_Pair]) -> Mapping[_Pair, Step]:
        found = {pair: self._conditional[pair] for pair in pairs if pair in self._conditional}
        with self._records() as records:
            for one in records.identities(sorted({source for source, _ in pairs})):
                found |= _certain(one.identity, pairs)
        return found


def _certain(identity: Identity, pairs: Collection[_Pair]) -> Mapping[_Pair, Step]:
    """The steps of its links; of several to one target, the first counts."""
    found: dict[_Pair, Step] = {}
    for link in identity.links:
        if link.relation in BECOMES and (pair := (identity.key, link.target)) in pairs:
            step = Step(source=pair[0], target=pair[1], relation=link.relation, evidence=link.evidence)
            found.setdefault(pair, step)
    return found
