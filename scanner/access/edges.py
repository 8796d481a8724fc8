"""All edges by which one identity becomes another, and the privileges that paths over them give.

Runs in linear time, except for sorting, and without recursion. :mod:`scanner.access.attack_paths` answers questions
about the edges.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TypeAlias

from msgspec import Struct

from scanner.access.assignments import Held, by_right, with_assignments, with_unknown_rights
from scanner.access.clusters import with_named
from scanner.access.execution import by_execution
from scanner.access.federation import by_token_if, with_federation
from scanner.access.trusts import across_scopes, across_scopes_if, with_links, with_trusts
from scanner.access.workloads import by_takeover, with_roles
from scanner.model import POWERFUL, PRIVILEGES, Coverage, Edge, Identity, Link, Privilege, PrivilegeLevel, Workload

STEPS_SHOWN = 5
"""The most steps that the evidence shows, before the end of the path."""

_Sources: TypeAlias = Mapping[str, Sequence[tuple[str, str]]]
"""By target key: the sources that can become it, each with the evidence."""


class _Path(Struct, frozen=True, kw_only=True, gc=False):
    """A shortest path to ``goal`` (as text). ``shown``: its first steps, shared with the paths through it."""

    goal: str
    steps: int
    shown: tuple[str, ...]


def raise_by_paths(privileges: Mapping[str, Privilege], edges: Iterable[Edge]) -> dict[str, Privilege]:
    """Return the privileges by identity key, raised by attack paths, with the path as evidence.

    An identity with a path to an admin, or to an identity that can escalate, is at least ``escalation``. By a
    conditional edge it is ``high``. An identity with a path to unknown privilege is ``unknown``, unless it is ``high``
    or more itself. All others keep their privilege.

    Paths can lead through keys without a privilege. The order of the edges does not matter: of equally short paths, the
    one through the smallest key is taken.
    """
    admins = {key for key, privilege in privileges.items() if privilege.level == "admin"}
    sources: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    conditional: list[Edge] = []
    for edge in edges:
        if edge.conditional:
            conditional.append(edge)
        elif edge.source not in admins:
            sources[edge.target].append((edge.source, edge.evidence))
    paths = _paths_back({admin: f"the admin {admin}" for admin in admins}, sources, {})
    able = {key for key, privilege in privileges.items() if privilege.level == "escalation"}
    paths = _paths_back({key: f"{key}, which can make itself an admin" for key in able}, sources, paths)
    raised = _raised_by(paths, privileges, to="escalation")
    return _with_unknown(_with_conditional(raised, conditional), sources)


def _with_conditional(privileges: Mapping[str, Privilege], edges: Iterable[Edge]) -> dict[str, Privilege]:
    """Raise identities with a conditional edge to a powerful one to ``high``; the evidence shows one edge."""
    paths: dict[str, _Path] = {}
    for source, target, evidence, _ in sorted(edges):
        own, goal = privileges.get(source), privileges.get(target)
        if own and goal and own.level not in POWERFUL and goal.level in POWERFUL and source not in paths:
            paths[source] = _through(source, target, evidence, None, f"{target}, under a condition")
    return _raised_by(paths, privileges, to="high")


def _with_unknown(privileges: Mapping[str, Privilege], sources: _Sources) -> dict[str, Privilege]:
    """Set identities that can become one of unknown privilege to ``unknown``."""
    unknown = {key for key, privilege in privileges.items() if privilege.level == "unknown"}
    paths = _paths_back({key: f"{key}, whose privilege is unknown" for key in unknown}, sources, {})
    paths = {key: path for key, path in paths.items() if key in privileges and privileges[key].level not in POWERFUL}
    return _raised_by(paths, privileges, to="unknown")


def _paths_back(goals: Mapping[str, str], sources: _Sources, better: Mapping[str, _Path]) -> dict[str, _Path]:
    """Return ``better``, and paths to the goals (text by key) for all other keys with one; goals have none."""
    paths = dict(better)
    for source, (target, evidence) in _walk_back(goals, sources, better).items():
        onward = None if target in goals else paths[target]
        paths[source] = _through(source, target, evidence, onward, goals.get(target, ""))
    return paths


def _walk_back(
    goals: Collection[str], sources: _Sources, without: Collection[str] = frozenset()
) -> dict[str, tuple[str, str]]:
    """Return the first step (target, evidence) of a shortest path to a goal, by source key, the nearest first.

    A breadth-first search. Of equally short paths, the one through the smallest key is taken. ``without``: keys that
    need no path, and through which none leads.
    """
    goals = frozenset(goals)
    steps: dict[str, tuple[str, str]] = {}
    frontier = sorted(goals)
    while frontier:
        reached: list[str] = []
        for target in frontier:
            for source, evidence in sorted(sources.get(target, ())):
                if source not in steps and source not in goals and source not in without:
                    steps[source] = target, evidence
                    reached.append(source)
        frontier = sorted(reached)
    return steps


def _through(source: str, target: str, evidence: str, onward: _Path | None, goal: str) -> _Path:
    """Return the path that begins with this step. ``onward``: the target's path; None if the target is the goal."""
    if onward is None:
        return _Path(goal=goal, steps=1, shown=(f"{source} can become {goal}: {evidence}",))
    step = f"{source} can become {target}: {evidence}"
    return _Path(goal=onward.goal, steps=onward.steps + 1, shown=(step, *onward.shown[: STEPS_SHOWN - 1]))


def _raised_by(
    paths: Mapping[str, _Path], privileges: Mapping[str, Privilege], *, to: PrivilegeLevel
) -> dict[str, Privilege]:
    """Return the privileges, raised to at least that level where there is a path, which comes first in the evidence."""
    return {
        key: _raised(privilege, path, to) if (path := paths.get(key)) is not None else privilege
        for key, privilege in privileges.items()
    }


def _raised(privilege: Privilege, path: _Path, to: PrivilegeLevel) -> Privilege:
    unseen = path.steps - len(path.shown)
    rest = (f"{unseen} more steps lead to {path.goal}",) if unseen else ()
    level = min(privilege.level, to, key=PRIVILEGES.index)
    # The reason for an unknown privilege is no evidence for a higher one: a gap would look like a change of privilege.
    own = privilege.evidence if privilege.level != "unknown" else ()
    return Privilege(level=level, evidence=(*path.shown, *rest, *own))


# --- All edges: from trusts across scopes, assignments, tokens and takeovers, once everything has been read. Pure ---


class Resolved(Struct, frozen=True, kw_only=True):
    """The resolved identities, and all edges, including those of identities known from earlier scans.

    An unconditional edge is also a ``can_assume`` link of its source.
    """

    identities: tuple[Identity, ...]
    edges: tuple[Edge, ...]


def resolve(
    identities: Sequence[Identity],
    held: Held,
    workloads: Sequence[Workload],
    coverage: Sequence[Coverage],
    others: Sequence[Identity] = (),
) -> Resolved:
    """Resolve which identity can become which. The identities also get their assignments, or an unknown privilege.

    ``others``: last known identities of scopes that were not read this time; they stay unchanged. If several edges
    lead to one target, an existing link wins, then a trust, an assignment, a token, an execution identity, a takeover.
    """
    trusting = with_named(with_trusts(with_roles(identities, others), others, places=coverage), others)
    entitled = with_unknown_rights(with_assignments(trusting, held), coverage, held)
    federated, by_token = with_federation(entitled, others, workloads, coverage)
    known = (*federated, *others)
    found = chain(
        across_scopes(federated, others),
        by_right(known, held),
        by_token,
        by_execution(known),
        by_takeover(known, workloads, held),
    )
    conditional: list[Edge] = []
    links: defaultdict[str, list[Link]] = defaultdict(list)
    for edge in found:
        if edge.conditional:
            conditional.append(edge)
        else:
            links[edge.source].append(Link(relation="can_assume", target=edge.target, evidence=edge.evidence))
    linked = federated
    if links:
        linked = tuple(with_links(one, links[one.key]) if one.key in links else one for one in federated)
    return Resolved(identities=linked, edges=(*_linked_edges(chain(linked, others)), *conditional))


def conditional_edges(identities: Sequence[Identity], held: Held, workloads: Sequence[Workload]) -> Iterator[Edge]:
    """Yield the conditional edges alone, of identities that were resolved before: no link keeps these."""
    found = chain(
        across_scopes_if(identities),
        by_right(identities, held),
        by_token_if(identities, workloads),
        by_execution(identities),
        by_takeover(identities, workloads, held),
    )
    return (edge for edge in found if edge.conditional)


def _linked_edges(identities: Iterable[Identity]) -> Iterable[Edge]:
    """Yield the edges of ``can_assume`` links."""
    for identity in identities:
        for link in identity.links:
            if link.relation == "can_assume":
                yield Edge(identity.key, link.target, link.evidence)
