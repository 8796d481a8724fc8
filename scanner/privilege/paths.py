"""Who can become an admin by assuming others: one walk back from all admins over the ``can_assume`` edges.

Breadth first, so the path that stands in the evidence is a shortest one. Linear in edges but for sorting, and free of
recursion: a million identities are one walk.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from msgspec import Struct

from scanner.model import Privilege

STEPS_SHOWN = 5
"""Longer paths are cut in the evidence: their end is named all the same."""


class _Path(Struct, frozen=True, kw_only=True, gc=False):
    """A shortest path to ``admin``. ``shown``: its first steps in words, shared with the paths that lead over it."""

    admin: str
    steps: int
    shown: tuple[str, ...]


def raise_by_paths(privileges: Mapping[str, Privilege], edges: Iterable[tuple[str, str, str]]) -> dict[str, Privilege]:
    """Privileges by identity key, where whoever can become an admin is at least ``escalation``, with the path.

    An edge is (source key, target key, evidence): source can become target. Keys without a privilege of their own
    may lie on a path. Admins stay admins; everybody else without a path keeps what they had, ``unknown`` included.
    The order of the edges does not matter: of equally short paths, the one through the smallest key is taken.
    """
    paths = _walk_back({key for key, privilege in privileges.items() if privilege.level == "admin"}, edges)
    return {
        key: _raised(privilege, path) if (path := paths.get(key)) is not None else privilege
        for key, privilege in privileges.items()
    }


def _walk_back(admins: set[str], edges: Iterable[tuple[str, str, str]]) -> dict[str, _Path]:
    """The path of everybody who reaches an admin; admins themselves have none."""
    sources: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for source, target, evidence in edges:
        if source not in admins:
            sources[target].append((source, evidence))
    paths: dict[str, _Path] = {}
    frontier = sorted(admins)
    while frontier:
        reached: list[str] = []
        for target in frontier:
            onward = paths.get(target)
            for source, evidence in sorted(sources.get(target, ())):
                if source not in paths:
                    paths[source] = _through(source, target, evidence, onward)
                    reached.append(source)
        frontier = sorted(reached)
    return paths


def _through(source: str, target: str, evidence: str, onward: _Path | None) -> _Path:
    """The path that begins with this step; ``onward`` is the target's own, None where the target is the admin."""
    if onward is None:
        return _Path(admin=target, steps=1, shown=(f"{source} can become the admin {target}: {evidence}",))
    step = f"{source} can become {target}: {evidence}"
    return _Path(admin=onward.admin, steps=onward.steps + 1, shown=(step, *onward.shown[: STEPS_SHOWN - 1]))


def _raised(privilege: Privilege, path: _Path) -> Privilege:
    unseen = path.steps - len(path.shown)
    rest = (f"{unseen} more steps lead to the admin {path.admin}",) if unseen else ()
    return Privilege(level="escalation", evidence=(*path.shown, *rest, *privilege.evidence))
