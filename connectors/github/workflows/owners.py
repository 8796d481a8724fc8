"""The owners of a workflow from its repository: CODEOWNERS, and the teams that administer it. Pure.

Source: GitHub's documentation of CODEOWNERS. The last matching pattern takes precedence, also if it has no owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

_ANY_DEPTH = "**"


def code_owners(text: str, path: str) -> tuple[str, ...]:
    """Return the owners of a file: ``@ORG/TEAM``, ``@LOGIN`` or e-mails. ``text``: of CODEOWNERS."""
    for line in reversed(text.splitlines()):
        pattern, *owners = line.partition("#")[0].split() or [""]
        if pattern and _matches(pattern, path.split("/")):
            return tuple(owners)
    return ()


def _matches(pattern: str, path: list[str]) -> bool:
    """Whether a pattern matches a path or a folder above it. ``docs/*`` does not match files in subfolders."""
    steps = pattern.strip("/").split("/")
    if "/" not in pattern.rstrip("/"):
        steps = [_ANY_DEPTH, *steps]
    reached = {0}
    for step in steps:
        if step == _ANY_DEPTH:
            reached = set(range(min(reached), len(path) + 1))
        else:
            literal = step.replace("[", "[[]")
            reached = {at + 1 for at in reached if at < len(path) and fnmatchcase(path[at], literal)}
        if not reached:
            return False
    if len(path) in reached:
        return not pattern.endswith("/")
    return steps[-1] not in ("*", _ANY_DEPTH) or pattern.endswith("/")


def as_owners(named: Iterable[str], teams: Iterable[str]) -> list[dict[str, Any]]:
    """Return owners in the form of attributes, without repetitions. ``teams``: slugs."""
    return list({str(one): one for one in (*map(_owner, named), *_teams(teams))}.values())


def _owner(named: str) -> dict[str, Any]:
    login = named.removeprefix("@")
    if not named.startswith("@"):
        return {"id": named, "name": None, "email": named}
    return {"id": login, "name": login.partition("/")[2] or None, "email": None}


def _teams(slugs: Iterable[str]) -> Iterator[dict[str, Any]]:
    for slug in slugs:
        yield {"id": slug, "name": slug, "email": None}
