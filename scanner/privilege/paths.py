"""Who can become an admin by assuming others: one walk back from all admins over the ``can_assume`` edges.

Another from those who can make themselves admins: whoever can become one of them can do the same.
Breadth first, so the path that stands in the evidence is a shortest one. Linear in edges but for sorting, and free of
recursion: a million identities are one walk.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from scanner.model import Privilege

STEPS_SHOWN = 5
"""Longer paths are cut in the evidence: their end is named all the same."""


class _Path(Struct, frozen=True, kw_only=True, gc=False):
    """A shortest path to ``goal`` (in words). ``shown``: its first steps, shared with the paths that lead over it."""

    goal: str
    steps: int
    shown: tuple[str, ...]


def raise_by_paths(privileges: Mapping[str, Privilege], edges: Iterable[tuple[str, str, str]]) -> dict[str, Privilege]:
    """Privileges by identity key, where whoever can become an admin is at least ``escalation``, with the path.

    So is whoever can become somebody who can make itself an admin.

    An edge is (source key, target key, evidence): source can become target. Keys without a privilege of their own
    may lie on a path. Admins stay admins; everybody else without a path keeps what they had, ``unknown`` included.
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
    return {
        key: _raised(privilege, path) if (path := paths.get(key)) is not None else privilege
        for key, privilege in privileges.items()
    }


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


def _raised(privilege: Privilege, path: _Path) -> Privilege:
    unseen = path.steps - len(path.shown)
    rest = (f"{unseen} more steps lead to {path.goal}",) if unseen else ()
    return Privilege(level="escalation", evidence=(*path.shown, *rest, *privilege.evidence))
