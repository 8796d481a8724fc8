"""Which workloads of its account an identity may make do what it likes, where its policies name some (pure).

A method that reaches all workloads of a type counts by itself. One that reaches some leads to whatever those run as,
which is known when the regions have been read, too: see :mod:`scanner.links.takeovers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from connectors.aws.assume import Holder
from connectors.aws.decide import denials_of, patterns_left
from connectors.aws.globs import arn_parts, resource_matches, takes_in
from connectors.aws.policy import Statement
from connectors.aws.sources import sources_in
from connectors.aws.vocabulary import Method, Vocabulary
from scanner.model import Way

IF_SHARED = "if a resource policy of the other account, which is not read, lets it"


def takeovers_of(holder: Holder, words: Vocabulary) -> tuple[Way, ...]:
    """What the policies allow on named workloads."""
    found = []
    account = arn_parts(holder.arn)[4]
    for method in (method for family, methods in words.methods if family.target == "workload" for method in methods):
        sure = set(_on(holder, method, words, certainly=True))
        maybe = set(_on(holder, method, words, certainly=False)) - sure
        by = f"by {method.text} on it{sources_in(holder.held, words)(method.needed)}" if sure or maybe else ""
        but = tuple(sorted(map(_in_cluster, _refused(holder, method, words)))) if sure or maybe else ()
        theirs = {pattern for pattern in sure | maybe if _is_elsewhere(pattern, account)}
        shared = {pattern for pattern in theirs if arn_parts(pattern)[2] in words.tables.shared_by_resource_policy}
        way = Way(kind="take_over", on=(), but=but, by=by)
        ways = (
            (sure - theirs, way),
            (maybe - theirs, replace(way, conditional=True)),
            (shared, replace(way, by=f"{by}, {IF_SHARED}", conditional=True, elsewhere=True)),
        )
        found += [replace(one, on=tuple(sorted(map(_in_cluster, on)))) for on, one in ways if on]
    return tuple(found)


def _is_elsewhere(pattern: str, account: str) -> bool:
    """Whether it names another account."""
    owner = arn_parts(pattern)[4]
    return owner != "" and not resource_matches(owner, account)


def _in_cluster(pattern: str) -> str:
    """All tasks of an ECS cluster as that cluster: tasks come and go, what starts them is listed."""
    *arn, resource = arn_parts(pattern)
    kind, _, name = resource.partition("/")
    cluster, _, tasks = name.partition("/")
    # Without a cluster it names one task, by its id alone as it was written once.
    if arn[2] != "ecs" or kind != "task" or tasks.strip("*") or not (tasks or cluster.endswith("*")):
        return pattern
    return ":".join((*arn, f"cluster/{cluster}"))


def _on(holder: Holder, method: Method, words: Vocabulary, *, certainly: bool) -> Iterator[str]:
    """What it reaches, if that is some workloads, not all: those are told already."""
    reach = holder.certain if certainly else holder.possible
    if method.needed & reach.somewhere == method.needed and method.needed & ~reach.wide:
        yield from _patterns(holder, method, words, certainly=certainly)


def _patterns(holder: Holder, method: Method, words: Vocabulary, *, certainly: bool) -> Iterator[str]:
    """The patterns that are left within every limit, and within what a deny of all but some spares.

    An ECS cluster alone is none: its tasks have to be allowed.
    """
    action = method.first
    spared = [deny.resources for deny in _denials(holder, method, words) if deny.not_resources]
    limits = [list(patterns_left(limit, (), action, words, certainly=certainly)) for limit in holder.limits]
    for pattern in patterns_left(holder.documents, holder.limits, action, words, certainly=certainly):
        patterns = [pattern]
        for limit in (*limits, *spared):
            patterns = [narrow for each in patterns for narrow in _within(each, limit)]
        yield from (each for each in patterns if not _is_cluster(each))


def _within(pattern: str, limit: Iterable[str]) -> Iterator[str]:
    """What a limit leaves of a pattern, as far as that is a pattern again."""
    for allowed in limit:
        if takes_in(allowed, pattern):
            yield pattern
        elif takes_in(pattern, allowed):
            yield allowed


def _is_cluster(pattern: str) -> bool:
    parts = arn_parts(pattern)
    return parts[2] == "ecs" and parts[5].startswith("cluster/")


def _refused(holder: Holder, method: Method, words: Vocabulary) -> set[str]:
    denials = (deny for deny in _denials(holder, method, words) if not deny.not_resources)
    return {pattern for deny in denials for pattern in deny.resources}


def _denials(holder: Holder, method: Method, words: Vocabulary) -> Iterator[Statement]:
    documents = (*holder.documents, *(each for limit in holder.limits for each in limit))
    return denials_of(documents, method.needed, words)
