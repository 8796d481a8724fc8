"""Whom escalation methods lead to inside one account (pure).

A method that reaches everything counts by itself; it is only told here whom it would lead to. One that reaches some
users or roles leads to those among them that may do more: a ``can_assume`` link each, from which paths are made when
everything has been read.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice

from msgspec import Struct

from connectors.aws.assume import UNLESS_DENIED, Candidates, Holder
from connectors.aws.decide import allows
from connectors.aws.reach import Reach
from connectors.aws.sources import sources_in
from connectors.aws.trust import service_of
from connectors.aws.vocabulary import Method, Target, Vocabulary
from scanner.model import Link, PrivilegeLevel, Trust

METHODS_NAMED = 2
"""A link's evidence names this many methods, and counts the rest."""

_WORTH: tuple[PrivilegeLevel, ...] = ("admin", "escalation", "high", "normal", "unknown")


class Leads(Struct, frozen=True, kw_only=True):
    """By ARN: whom each method (by its text) that reaches everything leads to, and links by those that reach some.

    ``doubtful``: links that only a conditional Allow would give.
    """

    named: Mapping[str, Mapping[str, str]]
    links: Mapping[str, tuple[Link, ...]]
    doubtful: Mapping[str, tuple[Link, ...]]


def leads_in(holders: Sequence[Holder], trusts: Mapping[str, tuple[Trust, ...]], words: Vocabulary) -> Leads:
    """Where the methods of an account's users and roles lead. Administrators are left out: they need none."""
    search = _Search(holders, trusts, words)
    named: dict[str, dict[str, str]] = {}
    links: dict[str, tuple[Link, ...]] = {}
    doubtful: dict[str, tuple[Link, ...]] = {}
    for holder in holders:
        if holder.level != "admin":
            wide, some, maybe = search.by(holder)
            named[holder.arn] = {method.text: targets[0] for method, targets in wide}
            links[holder.arn] = tuple(_links(holder, some, words))
            doubtful[holder.arn] = tuple(_links(holder, maybe, words))
    return Leads(named=named, links=links, doubtful=doubtful)


def joined(links: Mapping[str, tuple[Link, ...]], more: Mapping[str, tuple[Link, ...]]) -> dict[str, tuple[Link, ...]]:
    """Links by ARN from both, sorted; of two to the same target the first."""
    found: dict[str, dict[str, Link]] = {arn: {link.target: link for link in each} for arn, each in links.items()}
    for arn, each in more.items():
        for link in each:
            found.setdefault(arn, {}).setdefault(link.target, link)
    return {arn: tuple(each[target] for target in sorted(each)) for arn, each in found.items() if each}


_Found = list[tuple[Method, tuple[str, ...]]]


class _Search:
    """The targets of methods, worked out once for each distinct set of policies."""

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
        """Of a method that reaches everything under a condition the verdict tells already."""
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
        """Whom a method's first action reaches and who may do more than the holder: never the holder itself."""
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
    return allows(holder.documents, holder.limits, method.first, arn, words, doubts=False, met=met) == "yes"


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
        more = len(methods[target]) - len(shown)
        needed = 0
        for method in shown:
            needed |= method.needed
        names = ", ".join(method.text for method in shown) + (f" and {more} more" if more else "")
        sure = allows(holder.documents, holder.limits, shown[0].first, target, words, met=True) == "yes"
        doubt = "" if sure else f", {UNLESS_DENIED}"
        yield Link(relation="can_assume", target=target, evidence=f"by {names} on it{doubt}{sources(needed)}")


def raised_in(
    holders: Sequence[Holder], links: Mapping[str, tuple[Link, ...]], words: Vocabulary, *, met: bool = False
) -> dict[str, str]:
    """Who can become, by links, somebody whose rights it may change: that is as good as changing its own.

    By ARN, the evidence. Who is an administrator, or can make itself one, is left out. ``met``: conditions are taken
    for met.
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
    """Everybody whom somebody can become, the nearest first, and by ARN from whom and by which link so far."""
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
    """Who is or can make itself an administrator, those of ``raised`` included, or can become such a one by links."""
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
