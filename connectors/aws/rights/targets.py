"""The identities and workloads that methods lead to inside one account (pure).

A method that reaches some users or roles gives a ``can_assume`` link to each; one that reaches very many, or everything
of a kind, is a way by pattern. Paths are made of both once everything has been read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from connectors.aws.rights.assume import MAX_LINKED_ROLES, UNLESS_DENIED, conditional_ways
from connectors.aws.rights.holders import AwsCandidates, AwsHolder, Policies
from connectors.aws.rights.patterns import arn_parts, takes_in
from connectors.aws.rights.policy import Statement
from connectors.aws.rights.privilege import allows, denials_of, patterns_left
from connectors.aws.rights.reach import is_foreign, sources_in
from connectors.aws.rights.trust import service_of
from connectors.aws.rights.vocabulary import Method, Target, Vocabulary
from scanner.model import Link, Trust, Way
from scanner.text import few

METHODS_NAMED = 2
"""A link's evidence names this many methods, and counts the rest."""


class Leads(Struct, frozen=True, kw_only=True):
    """By ARN: links to those that one can become by a method, and ways: to very many, or under a condition."""

    links: Mapping[str, tuple[Link, ...]]
    ways: Mapping[str, tuple[Way, ...]]


def leads_in(holders: Sequence[AwsHolder], trusts: Mapping[str, tuple[Trust, ...]], words: Vocabulary) -> Leads:
    """The targets of methods of an account's users and roles. Administrators are left out: they need no method."""
    search = _TargetSearch(holders, trusts, words)
    links: dict[str, tuple[Link, ...]] = {}
    ways: dict[str, tuple[Way, ...]] = {}
    for holder in holders:
        if holder.level != "admin":
            found = search.by(holder)
            certain = tuple(_links(holder, found.some, words))
            known = {link.target for link in certain}
            maybe = [link for link in _links(holder, found.maybe, words) if link.target not in known]
            wide = (*search.ways(holder, found.wide), *conditional_ways(maybe))
            wide = (*wide, *search.ways(holder, found.wide_if, conditional=True))
            if certain:
                links[holder.arn] = certain
            if wide:
                ways[holder.arn] = wide
    return Leads(links=links, ways=ways)


def joined(links: Mapping[str, tuple[Link, ...]], more: Mapping[str, tuple[Link, ...]]) -> dict[str, tuple[Link, ...]]:
    """Links by ARN from both, sorted; of two to the same target the first."""
    found: dict[str, dict[str, Link]] = {arn: {link.target: link for link in each} for arn, each in links.items()}
    for arn, each in more.items():
        for link in each:
            found.setdefault(arn, {}).setdefault(link.target, link)
    return {arn: tuple(each[target] for target in sorted(each)) for arn, each in found.items() if each}


class _Lead(NamedTuple):
    """A method and its targets. ``service``: all of these that trust it, as their trust policies name it."""

    method: Method
    targets: frozenset[str]
    service: str = ""


class _TargetFound(NamedTuple):
    """The methods of a set of policies: to everything of a kind or very many, and to some; and under a condition."""

    wide: tuple[_Lead, ...] = ()
    some: tuple[_Lead, ...] = ()
    wide_if: tuple[_Lead, ...] = ()
    maybe: tuple[_Lead, ...] = ()


class _TargetSearch:
    """The targets of methods, resolved once for each distinct set of policies."""

    def __init__(
        self, holders: Sequence[AwsHolder], trusts: Mapping[str, tuple[Trust, ...]], words: Vocabulary
    ) -> None:
        self._words = words
        self._trusting: defaultdict[str, set[str]] = defaultdict(set)
        for arn, each in trusts.items():
            for trust in each:
                self._trusting[trust.principal].add(arn)
        providers = {one.principal for each in trusts.values() for one in each if one.kind == "federated"}
        self._services: defaultdict[str, list[str]] = defaultdict(list)
        for service in sorted({one.principal for each in trusts.values() for one in each if one.kind == "service"}):
            self._services[service_of(service)].append(service)
        protected = {one.arn for one in holders if words.is_protected(one.arn)}
        arns: Mapping[Target, Iterable[str]] = {
            "user": (one.arn for one in holders if one.is_user),
            "role": (one.arn for one in holders if not one.is_user),
            "provider": providers,
        }
        self._candidates = {kind: AwsCandidates(each) for kind, each in arns.items()}
        self._open_roles = self._candidates["role"].all - protected
        self._found: dict[Policies, _TargetFound] = {}

    def by(self, holder: AwsHolder) -> _TargetFound:
        """The methods that its policies allow."""
        if holder.policies not in self._found:
            self._found[holder.policies] = self._by(holder)
        return self._found[holder.policies]

    def _by(self, holder: AwsHolder) -> _TargetFound:
        wide: list[_Lead] = []
        some: list[_Lead] = []
        wide_if: list[_Lead] = []
        maybe: list[_Lead] = []
        known: dict[tuple[str, str], frozenset[str]] = {}
        for lead, is_wide in self._leads(holder, met=False):
            known[lead.method.text, lead.service] = lead.targets
            (wide if is_wide else some).append(lead)
        for lead, is_wide in self._leads(holder, met=True) if holder.has_conditions else ():
            if left := lead.targets - known.get((lead.method.text, lead.service), frozenset()):
                (wide_if if is_wide else maybe).append(lead._replace(targets=left))
        return _TargetFound(tuple(wide), tuple(some), tuple(wide_if), tuple(maybe))

    def _leads(self, holder: AwsHolder, *, met: bool) -> Iterator[tuple[_Lead, bool]]:
        """Each method with its targets, and whether these are named by pattern."""
        reach = holder.possible if met else holder.certain
        for family, methods in self._words.methods:
            if family.target not in self._candidates:
                continue
            for method in methods:
                if method.needed & reach.somewhere == method.needed:
                    is_wide = bool(method.first & reach.wide)
                    on = self._on(holder, family.target, method, met=met)
                    services = [""] if method.service is None else self._services[service_of(method.service)]
                    for service in services:
                        if targets := on & self._trusting[service] if service else on:
                            by_pattern = is_wide or len(targets) > MAX_LINKED_ROLES
                            yield _Lead(method, on if by_pattern else targets, service), by_pattern

    def _on(self, holder: AwsHolder, target: Target, method: Method, *, met: bool) -> frozenset[str]:
        """The users or roles that a method's first action reaches."""
        candidates, words = self._candidates[target], self._words
        if not method.first & (words.iam | words.pass_role):
            return candidates.all  # it acts on something of the service, which chooses a role
        on = candidates.allowed(holder, method.first, words, met=met)
        if target == "provider":
            return frozenset().union(*(self._trusting[provider] for provider in on))
        return on if method.service is not None or target == "user" else on & self._open_roles

    def ways(self, holder: AwsHolder, leads: Iterable[_Lead], *, conditional: bool = False) -> Iterator[Way]:
        """Ways to the targets of these: those with the same targets together."""
        same: defaultdict[tuple[frozenset[str], str], list[Method]] = defaultdict(list)
        for lead in leads:
            same[lead.targets, lead.service].append(lead.method)
        for (targets, service), methods in same.items():
            candidates = self._candidates["user" if targets <= self._candidates["user"].all else "role"]
            on, but = candidates.named(targets, candidates.patterns(holder, methods[0].first, self._words))
            by = _by(holder, methods, self._words)
            yield Way(kind="become", on=on, but=but, by=by, service=service, conditional=conditional)


def _links(holder: AwsHolder, leads: Iterable[_Lead], words: Vocabulary) -> Iterator[Link]:
    methods: defaultdict[str, list[Method]] = defaultdict(list)
    for lead in leads:
        for target in lead.targets:
            methods[target].append(lead.method)
    for target in sorted(methods):
        if target != holder.arn:
            evidence = _by(holder, methods[target], words, target)
            yield Link(relation="can_assume", target=target, evidence=evidence)


def _by(holder: AwsHolder, methods: Sequence[Method], words: Vocabulary, target: str | None = None) -> str:
    """The methods as evidence. ``target``: the only one, on which a deny may still be under a condition."""
    needed = 0
    for method in methods[:METHODS_NAMED]:
        needed |= method.needed
    names = few([method.text for method in methods], METHODS_NAMED)
    sure = target is None or not _may_be_denied(holder, methods[0].first, target, words)
    return f"by {names} on it{'' if sure else f', {UNLESS_DENIED}'}{sources_in(holder.held, words)(needed)}"


def _may_be_denied(holder: AwsHolder, action: int, arn: str, words: Vocabulary) -> bool:
    """Whether only the condition of a deny decides."""
    with_denies, without = (
        allows(holder.documents, holder.limits, action, arn, words, weak_denies=weak, met=True)
        for weak in (True, False)
    )
    return with_denies != without


# --- Workloads that an identity can take over (pure) ---
#
# They lead to whatever these run as, which is known when the regions have been read, too: see
# :mod:`scanner.access.workloads`. On everything, a method takes over the workloads of its own service.

IF_SHARED = "if a resource policy of the other account, which is not read, allows it"


def takeovers_of(holder: AwsHolder, words: Vocabulary) -> tuple[Way, ...]:
    """The takeovers of workloads that the policies allow."""
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


def _on(holder: AwsHolder, method: Method, words: Vocabulary, *, certainly: bool) -> Iterator[str]:
    """The patterns of workloads that it reaches."""
    reach = holder.certain if certainly else holder.possible
    if method.needed & reach.somewhere == method.needed:
        yield from _patterns(holder, method, words, certainly=certainly)


def _patterns(holder: AwsHolder, method: Method, words: Vocabulary, *, certainly: bool) -> Iterator[str]:
    """The patterns that are left within every limit, and by a deny of all but some resources.

    Of everything, the workloads that the method is about. An ECS cluster alone is none: its tasks have to be allowed.
    """
    action = method.first
    _, partition, _, _, account, _ = arn_parts(holder.arn)
    named = (each.partition(":") for each in method.patterns)
    kinds = [f"arn:{partition}:{service}:*:{account}:{resource}" for service, _, resource in named]
    spared = [deny.resources for deny in _denials(holder, method, words) if deny.not_resources]
    limits = [list(patterns_left(limit, (), action, words, certainly=certainly)) for limit in holder.limits]
    for pattern in patterns_left(holder.documents, holder.limits, action, words, certainly=certainly):
        patterns = [pattern]
        for limit in (*limits, *spared):
            patterns = [narrow for each in patterns for narrow in _within(each, limit)]
        for each in patterns:
            if not _is_cluster(each):
                yield from [kind for kind in kinds if takes_in(each, kind)] or [each]


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


def _refused(holder: AwsHolder, method: Method, words: Vocabulary) -> set[str]:
    denials = (deny for deny in _denials(holder, method, words) if not deny.not_resources)
    return {pattern for deny in denials for pattern in deny.resources}


def _denials(holder: AwsHolder, method: Method, words: Vocabulary) -> Iterator[Statement]:
    documents = (*holder.documents, *(each for limit in holder.limits for each in limit))
    return denials_of(documents, method.needed, words)
