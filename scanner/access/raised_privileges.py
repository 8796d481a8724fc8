"""Privileges, raised by attack paths: an identity that can become an admin is no less than that. Pure.

Runs in linear time, except for sorting, and without recursion.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from scanner.model import POWERFUL, PRIVILEGES, Edge, Privilege, PrivilegeLevel

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
