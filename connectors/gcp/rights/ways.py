"""Which escalation methods a binding is enough for, and whom or what each leads to (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from msgspec import Struct

from connectors.gcp.keys import account_key, service_agent_key
from connectors.gcp.rights.bindings import Binding
from connectors.gcp.rights.emails import AGENTS, account_of
from connectors.gcp.rights.holding import Held, Holdings
from connectors.gcp.rights.tree import full_name
from connectors.gcp.rights.vocabulary import Family, Method, methods_met, vocabulary


class Way(Struct, frozen=True, kw_only=True):
    """Methods of one family, in words, that a binding is enough for.

    ``targets``: patterns of keys; none where the holder raises itself.

    ``certain``: no condition, denial or unread policy decides.
    """

    family: Family
    methods: tuple[str, ...]
    targets: tuple[str, ...]
    certain: bool


def ways_of(binding: Binding, held: Held, holdings: Holdings) -> tuple[Way, ...]:
    """All ways that a binding opens; of one family there may be a certain and an uncertain one."""
    possible, certain = methods_met(held.possible), methods_met(held.certain)
    return tuple(
        way
        for family in (vocabulary().family if possible else ())
        if family.name in possible
        for way in _of_family(family, possible[family.name], certain.get(family.name, ()), binding, holdings)
    )


def _of_family(
    family: Family,
    possible: tuple[Method, ...],
    certain: tuple[Method, ...],
    binding: Binding,
    holdings: Holdings,
) -> Iterator[Way]:
    if family.leads == "itself":
        yield Way(family=family, methods=_words(certain or possible), targets=(), certain=bool(certain))
        return
    reached = _targets(family, possible, binding, holdings)
    sure = tuple(target for target, is_sure in reached.items() if is_sure and certain)
    maybe = tuple(target for target in reached if target not in sure)
    if sure:
        yield Way(family=family, methods=_words(certain), targets=sure, certain=True)
    if maybe:
        yield Way(family=family, methods=_words(possible), targets=maybe, certain=False)


def _words(methods: Iterable[Method]) -> tuple[str, ...]:
    return tuple(" + ".join(method) for method in methods)


def _targets(family: Family, methods: tuple[Method, ...], binding: Binding, holdings: Holdings) -> Mapping[str, bool]:
    """Whom these methods of a family lead to from there; False: only if what could not be told turns out so."""
    resource = binding.resource
    if family.chained:
        return holdings.tokens_of(resource)
    if resource.container is None:
        return dict(_on_one(family, binding, holdings))
    found: dict[str, bool] = {}
    for project in holdings.tree.projects(resource.place):
        open_there = _open_in(family, methods, binding, holdings, project)
        if open_there is not None:
            found |= dict.fromkeys(_patterns(family, holdings, project), open_there)
    return found


def _on_one(family: Family, binding: Binding, holdings: Holdings) -> Iterator[tuple[str, bool]]:
    resource = binding.resource
    if family.stored:
        yield from ((key, True) for key in holdings.run_from(resource))
    if resource.project is None or family.stored:
        return
    if family.leads == "accounts" and resource.account is not None:
        runs = holdings.may_run(binding.member.id, resource.project) if family.attaches else "yes"
        if runs != "no":
            yield resource.name, runs == "yes"
    elif family.leads == "workloads" and any(
        fnmatchcase(resource.name, pattern) for pattern in _patterns(family, holdings, resource.project)
    ):
        yield resource.name, True


def _patterns(family: Family, holdings: Holdings, project: str) -> tuple[str, ...]:
    if family.leads == "accounts":
        return (account_key(project, "*"),)
    if family.stored:
        return holdings.run_from(holdings.tree.resource(full_name(f"projects/{project}")))
    if family.leads == "workloads":
        return tuple(thing.format(project=project) for thing in family.things)
    number = holdings.tree.number(project)
    return () if number is None else tuple(_key_of(project, one.format(number=number)) for one in family.agents)


def _key_of(project: str, email: str) -> str:
    return service_agent_key(email) if account_of(email).kind in AGENTS else account_key(project, email)


def _open_in(
    family: Family, methods: tuple[Method, ...], binding: Binding, holdings: Holdings, project: str
) -> bool | None:
    """Whether one of the methods works in a project below: True, False for maybe, None for no."""
    denied = holdings.denied_below(binding, {name for method in methods for name in method}, project)
    left = [method for method in methods if not any(denied.get(name) == "yes" for name in method)]
    runs = holdings.may_run(binding.member.id, project) if family.attaches else "yes"
    if not left or runs == "no":
        return None
    return runs == "yes" and any(denied.keys().isdisjoint(method) for method in left)
