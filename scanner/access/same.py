"""Which identities are the same thing: an agent and its role, a cluster's account and its role in the cloud. Pure.

What is known of one, such as its registry entry and its owner, is evidence for the other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from scanner.model import Identity, Workload

How: TypeAlias = Literal["runs_as", "federated", "consumer"]
MOST = 3
"""An identity that more others run as, or a workload with more identities, is shared and so none of them."""


class Same(NamedTuple):
    """Another identity that is the same thing. ``evidence``: a clause about ``key``, such as ``which runs as it``."""

    key: str
    how: How
    evidence: str


def same_things(identities: Sequence[Identity], workloads: Iterable[Workload] = ()) -> Mapping[str, tuple[Same, ...]]:
    """Return, by the key of an identity, the others that are the same thing, the surest first; without empty ones."""
    linked = {one.key: one for one in identities if one.links}
    targets = {link.target for one in linked.values() for link in one.links}
    kinds = {one.key: one.kind for one in identities if one.key in targets} if targets else {}
    found: defaultdict[str, dict[str, Same]] = defaultdict(dict)
    pairs = (*_run(linked, kinds), *_federated(linked, kinds), *_alone(linked, kinds), *_consumed(workloads))
    for one, other, how, of_one, of_other in (pair for pair in pairs if pair[0] != pair[1]):
        found[one].setdefault(other, Same(other, how, of_other))
        found[other].setdefault(one, Same(one, how, of_one))
    return {key: tuple(others.values()) for key, others in found.items()}


_Pair: TypeAlias = tuple[str, str, How, str, str]
"""Two keys, how they are the same, and what the first and what the second is for the other."""


def _run(identities: Mapping[str, Identity], kinds: Mapping[str, str]) -> Iterator[_Pair]:
    """Yield agents with the roles that they run as. A connector may call the role an execution identity."""
    pairs = [(one.key, link.target) for one in identities.values() for link in one.links if link.relation == "runs_as"]
    runners = Counter(target for _, target in pairs)
    for key, target in pairs:
        if target in kinds and runners[target] <= MOST:
            yield key, target, "runs_as", "which runs as it", "as which it runs"


def _federated(identities: Mapping[str, Identity], kinds: Mapping[str, str]) -> Iterator[_Pair]:
    """Yield pairs in which one takes the tokens of the other, or names it, and neither of them any third identity.

    Issuers are the same thing as nobody.
    """
    named = {
        one.key: {
            link.target
            for link in one.links
            if link.relation == "federates" and not kinds.get(link.target, "_provider").endswith("_provider")
        }
        for one in identities.values()
    }
    naming = Counter(target for targets in named.values() for target in targets)
    for key, targets in named.items():
        for target in targets:
            if len(targets) == naming[target] == 1 and named.get(target, set()) <= {key} and naming[key] <= 1:
                yield key, target, "federated", "with which alone it is federated", "with which alone it is federated"


def _alone(identities: Mapping[str, Identity], kinds: Mapping[str, str]) -> Iterator[_Pair]:
    """Yield identities that may become one other only, which trusts nobody else."""
    assumed: defaultdict[str, list[str]] = defaultdict(list)
    for one in identities.values():
        for link in one.links:
            if link.relation == "can_assume":
                assumed[link.target].append(one.key)
    for target, sources in assumed.items():
        trusting, source = identities.get(target), sources[0]
        links = [link for link in identities[source].links if link.relation == "can_assume"]
        if (
            target in kinds
            and len(sources) == len(links) == 1
            and trusting is not None
            and len(trusting.trusts) == 1
            and trusting.key == links[0].target
        ):
            yield source, target, "federated", "which alone may become it", "the only one that it may become"


def _consumed(workloads: Iterable[Workload]) -> Iterator[_Pair]:
    """Yield the identities of one workload, such as the roles of a task."""
    for workload in workloads:
        first, *others = workload.runs_as or ("",)
        if len(others) < MOST:
            which = f"which the {workload.kind.replace('_', ' ')} {workload.name} runs as, too"
            for other in others:
                yield first, other, "consumer", which, which
