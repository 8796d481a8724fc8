"""Questions about an attack graph and their answers, for the command line and the API. Pure.

As text: ``ask(graph, question(graph, "outside", "admin", avoid=("arn:…",)))``.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

from msgspec import Struct

from scanner.access.attack_paths import AttackGraph, AttackPath
from scanner.errors import UsageError
from scanner.text import printable

ADMIN, OUTSIDE, ALL = GROUPS = ("admin", "outside", "all")
"""Texts that mean several identities."""
MOST = 20


class Question(Struct, frozen=True, kw_only=True):
    """A question. ``source``: an identity, or several, each with a path to its nearest goal.

    ``goals``: None for everything that the source can become. ``every``: all simple paths, of up to ``longest`` steps.
    ``avoid``, ``cut``: identities and edges to leave out.
    """

    source: str | frozenset[str]
    goals: frozenset[str] | None = None
    most: int = MOST
    every: bool = False
    longest: int | None = None
    avoid: frozenset[str] = frozenset()
    cut: frozenset[tuple[str, str]] = frozenset()


class Answer(Struct, frozen=True, kw_only=True):
    """Paths, shortest first.

    ``total``: how many of several sources have a path, or of one source how many goals it can become. ``before``: the
    same with nothing left out, if something is. ``more``: there are further paths than those listed. ``bounded``: the
    search ended at its limit.
    """

    paths: tuple[AttackPath, ...]
    total: int
    before: int | None = None
    more: bool = False
    bounded: bool = False


def question(
    graph: AttackGraph, source: str, target: str | None = None, *, avoid: Collection[str] = (), most: int = MOST
) -> Question:
    """Return the question for texts: keys, or one of GROUPS. Raises UsageError for another text.

    Without a target: everything that one identity can become, and the nearest admin of several.
    """
    is_one = source not in GROUPS
    starts = keys_meant(graph, source)
    goals = keys_meant(graph, target or ADMIN) if target or not is_one else None
    return Question(source=source if is_one else starts, goals=goals, most=most, avoid=frozenset(avoid))


def keys_meant(graph: AttackGraph, text: str) -> frozenset[str]:
    """Return the keys for a text: one of GROUPS, or a key. Raises UsageError for another text."""
    if text == ADMIN:
        return graph.admins
    if text == OUTSIDE:
        return graph.entrances
    if text == ALL:
        return frozenset(graph.keys)
    if text not in graph.numbers:
        raise UsageError(f"no identity has the key {printable(text)}", hint=f"give a key, or {', '.join(GROUPS)}")
    return frozenset((text,))


def ask(graph: AttackGraph, asked: Question) -> Answer:
    """Return the answer."""
    left = graph.without(asked.avoid, asked.cut) if asked.avoid or asked.cut else graph
    paths, bounded = _paths(left, asked)
    return Answer(
        paths=paths[: asked.most],
        total=_total(left, asked),
        before=None if left is graph else _total(graph, asked),
        more=len(paths) > asked.most,
        bounded=bounded,
    )


def _paths(graph: AttackGraph, asked: Question) -> tuple[tuple[AttackPath, ...], bool]:
    """Up to one path more than requested."""
    source, goals, most = asked.source, asked.goals, asked.most + 1
    if not isinstance(source, str):
        return tuple(islice(graph.nearest(source - asked.avoid, (goals or frozenset()) - asked.avoid), most)), False
    if source in asked.avoid:
        return (), False
    if goals is not None and (asked.every or len(goals) == 1):
        found = graph.simple(source, goals - asked.avoid, most, asked.longest)
        return found.paths, found.bounded
    return tuple(islice(graph.shortest(source, goals), most)), False


def _total(graph: AttackGraph, asked: Question) -> int:
    source, goals = asked.source, asked.goals
    if isinstance(source, str):
        return sum(goals is None or key in goals for key in graph.reached((source,)))
    ends = goals or frozenset()
    return sum(key in source and key not in ends for key in graph.reached(ends, back=True))
