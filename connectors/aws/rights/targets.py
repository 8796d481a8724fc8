"""The identities and workloads that escalation methods lead to inside one account (pure).

A method that reaches everything counts by itself; here it is only resolved to the identities that it would lead to. One
that reaches some users or roles leads to those among them that may do more: a ``can_assume`` link each, from which
paths are made when everything has been read.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from connectors.aws.rights.assume import UNLESS_DENIED, Candidates, Holder
from connectors.aws.rights.policy import Statement
from connectors.aws.rights.privilege import allows, denials_of, patterns_left
from connectors.aws.rights.reach import Reach, is_foreign, sources_in
from connectors.aws.rights.trust import service_of
from connectors.aws.rights.vocabulary import Method, Target, Vocabulary, arn_parts, takes_in
from scanner.model import Link, PrivilegeLevel, Trust, Way
from scanner.text import few

METHODS_NAMED = 2
"""A link's evidence names this many methods, and counts the rest."""

_WORTH: tuple[PrivilegeLevel, ...] = ("admin", "escalation", "high", "normal", "unknown")


class Leads(Struct, frozen=True, kw_only=True):
    """By ARN: the targets of each method (by its text) that reaches everything, and links by those that reach some.

    ``uncertain``: links that only a conditional Allow would give.
    """

    named: Mapping[str, Mapping[str, str]]
    links: Mapping[str, tuple[Link, ...]]
    uncertain: Mapping[str, tuple[Link, ...]]


def leads_in(holders: Sequence[Holder], trusts: Mapping[str, tuple[Trust, ...]], words: Vocabulary) -> Leads:
    """The targets of methods of an account's users and roles. Administrators are left out: they need no method."""
    search = _Search(holders, trusts, words)
    named: dict[str, dict[str, str]] = {}
    links: dict[str, tuple[Link, ...]] = {}
    uncertain: dict[str, tuple[Link, ...]] = {}
    for holder in holders:
        if holder.level != "admin":
            wide, some, maybe = search.by(holder)
            named[holder.arn] = {method.text: targets[0] for method, targets in wide}
            links[holder.arn] = tuple(_links(holder, some, words))
            uncertain[holder.arn] = tuple(_links(holder, maybe, words))
    return Leads(named=named, links=links, uncertain=uncertain)


def joined(links: Mapping[str, tuple[Link, ...]], more: Mapping[str, tuple[Link, ...]]) -> dict[str, tuple[Link, ...]]:
    """Links by ARN from both, sorted; of two to the same target the first."""
    found: dict[str, dict[str, Link]] = {arn: {link.target: link for link in each} for arn, each in links.items()}
    for arn, each in more.items():
        for link in each:
            found.setdefault(arn, {}).setdefault(link.target, link)
    return {arn: tuple(each[target] for target in sorted(each)) for arn, each in found.items() if each}


_Found = list[tuple[Method, tuple[str, ...]]]


class _Search:
    """The targets of methods, resolved once for each distinct set of policies."""

    def __init__(self, holders: Sequence[Holder], trusts: Mapping[str, tuple[Trust, ...]], words: Vocabulary) -> None:
        self._words = words
        self._holders = {holder.arn: holder for holder in holders}
        self._candidates = {
            kind: Candidates(arn for arn in self._holders if f":{kind}/" in arn) for kind in ("user", "role")
        }
        # Those that can be had at all, the worst first: of a kind, or roles that trust a service.
        self._pools: defaultdict[str, list[str]] = defaultdict(list)
        for holder in sorted(holders, key=lambda each: (_WORTH.index(each.level), each.arn)):
            services = {service_of(each.principal) for each in trusts.get(holder.arn, ()) if each.kind == "service"}
            for pool in {"user" if ":user/" in holder.arn else "role", *services}:
                self._pools[pool].append(holder.arn)
        self._found: dict[tuple[tuple[int, ...], ...], tuple[_Found, _Found, _Found]] = {}

    def by(self, holder: Holder) -> tuple[_Found, _Found, _Found]:
        """The methods that reach everything, some, and some under a condition, each with its targets, worst first."""
        if holder.policies not in self._found:
            wide: _Found = []
            some: _Found = []
            reached: dict[int, tuple[str, ...]] = {}
            for kind, method in self._possible(holder.certain):
                is_wide = bool(method.first & holder.certain.wide)
                if method.first not in reached:
                    every = self._targets(holder, kind, method)
                    reached[method.first] = tuple(islice(every, 1) if is_wide else every)
                if reached[method.first]:
                    (wide if is_wide else some).append((method, reached[method.first]))
            self._found[holder.policies] = wide, some, list(self._under_conditions(holder))
        return self._found[holder.policies]

    def _under_conditions(self, holder: Holder) -> Iterator[tuple[Method, tuple[str, ...]]]:
        """The verdict already says so of a method that reaches everything under a condition."""
        if not any(each.allow and each.conditional for document in holder.documents for each in document.statements):
            return
        for kind, method in self._possible(holder.possible):
            if not method.first & holder.possible.wide:
                certain = method.needed & holder.certain.somewhere == method.needed
                sure = set(self._targets(holder, kind, method)) if certain else set()
                targets = tuple(arn for arn in self._targets(holder, kind, method, met=True) if arn not in sure)
                if targets:
                    yield method, targets

    def _possible(self, reach: Reach) -> Iterator[tuple[Target, Method]]:
        for family, methods in self._words.methods:
            if family.target in self._candidates:
                for method in methods:
                    if method.needed & reach.somewhere == method.needed:
                        yield family.target, method

    def _targets(self, holder: Holder, kind: Target, method: Method, *, met: bool = False) -> Iterator[str]:
        """The identities that a method's first action reaches, other than the holder, that may do more than it."""
        candidates = self._candidates[kind].of(holder, method.first, self._words)
        for arn in self._pools.get(service_of(method.service) if method.service else kind, ()):
            if (
                arn in candidates
                and _may_do_more(self._holders[arn], holder)
                and _acts_on(holder, method, arn, self._words, met=met)
            ):
                yield arn


def _acts_on(holder: Holder, method: Method, arn: str, words: Vocabulary, *, met: bool) -> bool:
    """Whether its policies allow the method's first action on that ARN."""
    return allows(holder.documents, holder.limits, method.first, arn, words, weak_denies=False, met=met) == "yes"


def _may_do_more(target: Holder, holder: Holder) -> bool:
    return target.level == "admin" or bool(target.certain.somewhere & ~holder.certain.somewhere)


def _links(holder: Holder, found: _Found, words: Vocabulary) -> Iterator[Link]:
    methods: defaultdict[str, list[Method]] = defaultdict(list)
    for method, targets in found:
        for target in targets:
            methods[target].append(method)
    sources = sources_in(holder.held, words)
    for target in sorted(methods):
        shown = methods[target][:METHODS_NAMED]
        needed = 0
        for method in shown:
            needed |= method.needed
        names = few([method.text for method in methods[target]], METHODS_NAMED)
        sure = allows(holder.documents, holder.limits, shown[0].first, target, words, met=True) == "yes"
        qualifier = "" if sure else f", {UNLESS_DENIED}"
        yield Link(relation="can_assume", target=target, evidence=f"by {names} on it{qualifier}{sources(needed)}")


def raised_in(
    holders: Sequence[Holder], links: Mapping[str, tuple[Link, ...]], words: Vocabulary, *, met: bool = False
) -> dict[str, str]:
    """Evidence by ARN of holders that can become an identity whose rights they may change, which equals their own.

    Administrators, and holders that can make themselves administrators, are left out. ``met``: conditions count as met.
    """
    kinds = {holder.arn: holder.kind for holder in holders}
    found = {}
    for holder in holders:
        reach = holder.possible if met else holder.certain
        methods = {
            kind: [method for method in methods if method.first & reach.somewhere]
            for kind, methods in words.raising.items()
        }
        if holder.level in ("admin", "escalation") or not any(methods.values()):
            continue
        for arn, by in _reached(holder.arn, links):
            if arn not in kinds:
                continue
            able = [method for method in methods[kinds[arn]] if _acts_on(holder, method, arn, words, met=met)]
            if able:
                names = ", ".join(method.text for method in able)
                sources = sources_in(holder.held, words)(able[0].first)
                found[holder.arn] = f"can become {_steps(arn, by)}, and change its rights: by {names} on it{sources}"
                break
    return found


def _reached(arn: str, links: Mapping[str, tuple[Link, ...]]) -> Iterator[tuple[str, Mapping[str, tuple[str, Link]]]]:
    """Every identity that one can become, the nearest first, and by ARN the previous one and the link so far."""
    by: dict[str, tuple[str, Link]] = {}
    queue = deque([arn])
    while queue:
        source = queue.popleft()
        for link in links.get(source, ()):
            if link.target != arn and link.target not in by:
                by[link.target] = source, link
                queue.append(link.target)
                yield link.target, by


def _steps(target: str, by: Mapping[str, tuple[str, Link]]) -> str:
    """Each step to a target, any of which may be conditional."""
    steps: list[str] = []
    while target in by:
        target, link = by[target]
        steps.append(f"{link.target} ({link.evidence})")
    return ", then ".join(reversed(steps))


def able_in(
    holders: Sequence[Holder], links: Mapping[str, tuple[Link, ...]], raised: Collection[str] = ()
) -> frozenset[str]:
    """Identities that are, can make themselves or can become an administrator, those of ``raised`` included."""
    sources: defaultdict[str, list[str]] = defaultdict(list)
    for arn, each in links.items():
        for link in each:
            sources[link.target].append(arn)
    able = {holder.arn for holder in holders if holder.level in ("admin", "escalation")}.union(raised)
    reached = list(able)
    while reached:
        new = set(sources[reached.pop()]) - able
        able |= new
        reached += new
    return frozenset(able)


# --- Workloads that an identity can take over (pure) ---
#
# A method that reaches all workloads of a type counts by itself. One that reaches some leads to whatever those run
# as, which is known when the regions have been read, too: see :mod:`scanner.access.workloads`.

IF_SHARED = "if a resource policy of the other account, which is not read, allows it"


def takeovers_of(holder: Holder, words: Vocabulary) -> tuple[Way, ...]:
    """The takeovers of named workloads that the policies allow."""
    found = []
    account = arn_parts(holder.arn)[4]
    for method in (method for family, methods in words.methods if family.target == "workload" for method in methods):
        sure = set(_on(holder, method, words, certainly=True))
        maybe = set(_on(holder, method, words, certainly=False)) - sure
        by = f"by {method.text} on it{sources_in(holder.held, words)(method.needed)}" if sure or maybe else ""
        but = tuple(sorted(map(_in_cluster, _refused(holder, method, words)))) if sure or maybe else ()
        theirs = {pattern for pattern in sure | maybe if is_foreign(pattern, account)}
        shared = {pattern for pattern in theirs if arn_parts(pattern)[2] in words.tables.shared_by_resource_policy}
        way = Way(kind="take_over", on=(), but=but, by=by)
        ways = (
            (sure - theirs, way),
            (maybe - theirs, replace(way, conditional=True)),
            (shared, replace(way, by=f"{by}, {IF_SHARED}", conditional=True, elsewhere=True)),
        )
        found += [replace(one, on=tuple(sorted(map(_in_cluster, on)))) for on, one in ways if on]
    return tuple(found)


def _in_cluster(pattern: str) -> str:
    """All tasks of an ECS cluster as that cluster: tasks are short-lived, what starts them is listed."""
    *arn, resource = arn_parts(pattern)
    kind, _, name = resource.partition("/")
    cluster, _, tasks = name.partition("/")
    # Without a cluster it names one task, by its id alone as it was written once.
    if arn[2] != "ecs" or kind != "task" or tasks.strip("*") or not (tasks or cluster.endswith("*")):
        return pattern
    return ":".join((*arn, f"cluster/{cluster}"))


def _on(holder: Holder, method: Method, words: Vocabulary, *, certainly: bool) -> Iterator[str]:
    """The patterns of workloads that it reaches, unless it reaches all: the verdict covers those already."""
    reach = holder.certain if certainly else holder.possible
    if method.needed & reach.somewhere == method.needed and method.needed & ~reach.wide:
        yield from _patterns(holder, method, words, certainly=certainly)


def _patterns(holder: Holder, method: Method, words: Vocabulary, *, certainly: bool) -> Iterator[str]:
    """The patterns that are left within every limit, and by a deny of all but some resources.

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
    """The patterns that a limit leaves of a pattern."""
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
