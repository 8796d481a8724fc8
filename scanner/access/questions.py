"""Questions about an attack graph and their answers, for the command line and the API. Pure.

As text: ``ask(graph, question(graph, "outside", "admin", avoid=("arn:…",)))``.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from scanner.access.attack_paths import AttackGraph, AttackPath
from scanner.errors import UsageError
from scanner.text import printable

ADMIN, OUTSIDE, ALL = GROUPS = ("admin", "outside", "all")
"""Texts that mean several identities."""
MOST = 20


class Question(Struct, frozen=True, kw_only=True):
    """A question. ``source``: an identity, or several, each with a path to its nearest goal.

    ``goals``: None for everything that the source can become. ``admin``: the goals are the admins; then paths may end
    in a method, too. ``outside``: each path begins with the external principals that can become its source.
    ``every``: all simple paths, of up to ``longest`` steps. ``avoid``, ``cut``: identities and edges to leave out.
    """

    source: str | frozenset[str]
    goals: frozenset[str] | None = None
    admin: bool = False
    outside: bool = False
    most: int = MOST
    every: bool = False
    longest: int | None = None
    avoid: frozenset[str] = frozenset()
    cut: frozenset[tuple[str, str]] = frozenset()


class Answer(Struct, frozen=True, kw_only=True):
    """Paths, those without a condition first, then shortest first.

    ``total``: how many of several sources have a path, or of one source how many goals it can become. ``before``: the
    same with nothing left out, if something is. ``admins``: how many of several sources are admins themselves, which
    need no path. ``more``: there are further paths than those listed. ``bounded``: the search ended at its limit.
    """

    paths: tuple[AttackPath, ...]
    total: int
    before: int | None = None
    admins: int = 0
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
    return Question(
        source=source if is_one else starts,
        goals=goals,
        admin=goals is not None and target in (ADMIN, None),
        outside=source == OUTSIDE,
        most=most,
        avoid=frozenset(avoid),
    )


def keys_meant(graph: AttackGraph, text: str) -> frozenset[str]:
    """Return the keys for a text: one of GROUPS, or a key. Raises UsageError for another text."""
    if text == ADMIN:
        return graph.admins
    if text == OUTSIDE:
        return frozenset(graph.entrances)
    if text == ALL:
        return frozenset(graph.keys)
    if text not in graph.numbers:
        raise UsageError(f"no identity has the key {printable(text)}", hint=f"give a key, or {', '.join(GROUPS)}")
    return frozenset((text,))


def ask(graph: AttackGraph, asked: Question) -> Answer:
    """Return the answer."""
    left = graph.without(asked.avoid, asked.cut) if asked.avoid or asked.cut else graph
    answer = _answer(left, asked)
    return answer if left is graph else replace(answer, before=_answer(graph, asked).total)


def _answer(graph: AttackGraph, asked: Question) -> Answer:
    if isinstance(asked.source, str) and asked.source in asked.avoid:
        return Answer(paths=(), total=0)
    if isinstance(asked.source, str):
        return _of_one(graph, asked, asked.source)
    return _of_several(graph, asked, asked.source - asked.avoid)


def _of_one(graph: AttackGraph, asked: Question, source: str) -> Answer:
    goals, bounded, limit = asked.goals, False, asked.most + 1
    if asked.admin:
        ways, bounded = graph.ways_to_admin(source, limit, every=asked.every, longest=asked.longest)
        total = graph.ends_within(source)
    else:
        if goals is not None and (asked.every or len(goals) == 1):
            found = graph.simple(source, goals - asked.avoid, limit, asked.longest)
            ways, bounded = found.paths, found.bounded
        else:
            ways = tuple(islice(graph.shortest(source, goals), limit))
        total = sum(goals is None or key in goals for key in graph.reached((source,)))
    return Answer(paths=ways[: asked.most], total=total, more=len(ways) > asked.most, bounded=bounded)


def _of_several(graph: AttackGraph, asked: Question, sources: frozenset[str]) -> Answer:
    """The nearest goal of each source. From outside, an admin is one: somebody else becomes it."""
    goals = (asked.goals or frozenset()) - asked.avoid
    if asked.admin:
        found = graph.to_admin(sources)
        starts = sources if asked.outside else sources - graph.admins
        ways = [path for path in found if path.start in starts]
    else:
        itself = [AttackPath(start=key, steps=()) for key in sorted(sources & goals)] if asked.outside else []
        ways = [*itself, *graph.nearest(sources, goals)]
    total = len(ways)
    if asked.outside:
        ways = sorted(graph.from_outside(ways), key=lambda path: path.order)
    return Answer(
        paths=tuple(ways[: asked.most]),
        total=total,
        admins=len(sources & graph.admins) if asked.admin and not asked.outside else 0,
        more=len(ways) > asked.most,
    )
