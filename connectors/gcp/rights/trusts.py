"""Whom service accounts let in from outside, by bindings that let somebody become them (pure).

Service accounts of ours that may become others are told by assignments. Here are pools of workload identities, GKE's
among them, accounts of projects that are not ours, and everybody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from connectors.gcp.rights.bindings import Binding
from connectors.gcp.rights.holding import Held, Holdings
from connectors.gcp.rights.judging import UNDER_A_CONDITION
from connectors.gcp.rights.strangers import UNREAD, Pools, Stranger, strangers
from connectors.gcp.rights.tree import Resource, Tree
from connectors.gcp.rights.vocabulary import Method, methods_met, vocabulary
from connectors.restrictions import narrowest
from scanner.model import Trust


def trusts_of(
    bindings: Iterable[Binding],
    holdings: Holdings,
    emails: Mapping[str, Iterable[str]],
    pools: Pools,
) -> tuple[dict[str, tuple[Trust, ...]], frozenset[str]]:
    """By e-mail: whom each service account lets in; and those of which that is not known in full.

    ``emails``: by project id.
    """
    listed = {project: tuple(each) for project, each in emails.items()}
    found: defaultdict[str, set[Trust]] = defaultdict(set)
    unread: set[str] = set()
    for binding in bindings:
        if not binding.member.is_deleted and (methods := _lets_in(held := holdings.held(binding))):
            reached = tuple(_reached(binding.resource, holdings.tree, listed))
            for stranger in strangers(binding.member, holdings.tree, pools) if reached else ():
                if stranger.how == UNREAD:
                    unread.update(reached)
                    continue
                trust = _trust(stranger, binding, held, methods)
                for email in reached:
                    found[email].add(trust)
    return {email: tuple(sorted(each, key=_order)) for email, each in sorted(found.items())}, frozenset(unread)


def _order(trust: Trust) -> tuple[str, str, str]:
    return trust.principal, trust.restriction, trust.evidence


def _lets_in(held: Held) -> tuple[Method, ...]:
    """The methods by which a holder becomes the service accounts there, without any other right."""
    met = methods_met(held.possible)
    families = (each for each in vocabulary().family if each.leads == "accounts" and each.name in met)
    return tuple(method for each in families if not (each.attaches or each.chained) for method in met[each.name])


def _reached(resource: Resource, tree: Tree, emails: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    if resource.account is not None:
        yield resource.account
    elif resource.container is not None:
        for project in tree.projects(resource.place):
            yield from emails.get(project, ())


def _trust(stranger: Stranger, binding: Binding, held: Held, methods: tuple[Method, ...]) -> Trust:
    is_sure = any(held.certain.issuperset(method) for method in methods)
    restriction = stranger.restriction if is_sure else narrowest((stranger.restriction, "loose"))
    doubt = "" if is_sure else f", {UNDER_A_CONDITION}"
    return stranger.trust(restriction, f"{binding.role} on {binding.resource.short}{doubt}")
