"""Who can become an admin by assuming others: one walk back from all admins over the ``can_assume`` edges.

Another from those who can make themselves admins: whoever can become one of them can do the same.
Breadth first, so the path that stands in the evidence is a shortest one. Linear in edges but for sorting, and free of
recursion: a million identities are one walk.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from scanner.model import POWERFUL, PRIVILEGES, Privilege, PrivilegeLevel

Edge: TypeAlias = tuple[str, str, str]

STEPS_SHOWN = 5
"""Longer paths are cut in the evidence: their end is named all the same."""


class _Path(Struct, frozen=True, kw_only=True, gc=False):
    """A shortest path to ``goal`` (in words). ``shown``: its first steps, shared with the paths that lead over it."""

    goal: str
    steps: int
    shown: tuple[str, ...]


def raise_by_paths(
    privileges: Mapping[str, Privilege], edges: Iterable[Edge], doubtful: Iterable[Edge] = ()
) -> dict[str, Privilege]:
    """Privileges by identity key, where whoever can become an admin is at least ``escalation``, with the path.

    So is whoever can become somebody who can make itself an admin. Whoever can become somebody whose privilege is
    unknown has one that is no less unknown, unless it is ``high`` or more by itself.

    An edge is (source key, target key, evidence): source can become target; a ``doubtful`` one holds under a
    condition, and what would be ``escalation`` by it is ``high``. Keys without a privilege of their own may lie on a
    path. Admins stay admins; everybody else without a path keeps what they had.
    The order of the edges does not matter: of equally short paths, the one through the smallest key is taken.
    """
    admins = {key for key, privilege in privileges.items() if privilege.level == "admin"}
    sources: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for source, target, evidence in edges:
        if source not in admins:
            sources[target].append((source, evidence))
    paths = _walk_back({admin: f"the admin {admin}" for admin in admins}, sources, {})
    able = {key for key, privilege in privileges.items() if privilege.level == "escalation"}
    paths = _walk_back({key: f"{key}, which can make itself an admin" for key in able}, sources, paths)
    raised = _raised_by(paths, privileges, to="escalation")
    return _with_unknown(_with_doubtful(raised, doubtful), sources)


def _with_doubtful(privileges: Mapping[str, Privilege], doubtful: Iterable[Edge]) -> dict[str, Privilege]:
    """Whoever could become somebody able under a condition is at least ``high``; one such path is told."""
    paths: dict[str, _Path] = {}
    for source, target, evidence in sorted(doubtful):
        own, goal = privileges.get(source), privileges.get(target)
        if own and goal and own.level not in POWERFUL and goal.level in POWERFUL and source not in paths:
            paths[source] = _through(source, target, evidence, None, f"{target}, under a condition")
    return _raised_by(paths, privileges, to="high")


def _with_unknown(
    privileges: Mapping[str, Privilege], sources: Mapping[str, Sequence[tuple[str, str]]]
) -> dict[str, Privilege]:
    """Whoever can become somebody of unknown privilege may be able to do anything."""
    unknown = {key for key, privilege in privileges.items() if privilege.level == "unknown"}
    paths = _walk_back({key: f"{key}, whose privilege is unknown" for key in unknown}, sources, {})
    paths = {key: path for key, path in paths.items() if key in privileges and privileges[key].level not in POWERFUL}
    return _raised_by(paths, privileges, to="unknown")


def _walk_back(
    goals: Mapping[str, str], sources: Mapping[str, Sequence[tuple[str, str]]], better: Mapping[str, _Path]
) -> dict[str, _Path]:
    """Paths to the goals (key and words) of everybody who has no better one; goals themselves have none."""
    paths = dict(better)
    frontier = sorted(goals)
    while frontier:
        reached: list[str] = []
        for target in frontier:
            onward = None if target in goals else paths[target]
            for source, evidence in sorted(sources.get(target, ())):
                if source not in paths and source not in goals:
                    paths[source] = _through(source, target, evidence, onward, goals.get(target, ""))
                    reached.append(source)
        frontier = sorted(reached)
    return paths


def _through(source: str, target: str, evidence: str, onward: _Path | None, goal: str) -> _Path:
    """The path that begins with this step; ``onward`` is the target's own, None where the target is the ``goal``."""
    if onward is None:
        return _Path(goal=goal, steps=1, shown=(f"{source} can become {goal}: {evidence}",))
    step = f"{source} can become {target}: {evidence}"
    return _Path(goal=onward.goal, steps=onward.steps + 1, shown=(step, *onward.shown[: STEPS_SHOWN - 1]))


def _raised_by(
    paths: Mapping[str, _Path], privileges: Mapping[str, Privilege], *, to: PrivilegeLevel
) -> dict[str, Privilege]:
    """The privileges, of at least that level where there is a path, which then leads their evidence."""
    return {
        key: _raised(privilege, path, to) if (path := paths.get(key)) is not None else privilege
        for key, privilege in privileges.items()
    }


def _raised(privilege: Privilege, path: _Path, to: PrivilegeLevel) -> Privilege:
    unseen = path.steps - len(path.shown)
    rest = (f"{unseen} more steps lead to {path.goal}",) if unseen else ()
    level = min(privilege.level, to, key=PRIVILEGES.index)
    # Why the own privilege is unknown is no evidence of a graver one: with a gap it would seem to have grown.
    own = privilege.evidence if privilege.level != "unknown" or level == "unknown" else ()
    return Privilege(level=level, evidence=(*path.shown, *rest, *own))
