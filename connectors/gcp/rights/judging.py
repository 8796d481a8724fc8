"""What one binding amounts to: a level with evidence, and whom and what it leads to (pure).

On an organisation, a folder or a project a right reaches everything there, which is what a level is for. On one
service account, or on one thing that runs, it leads to that alone: links, from which paths are made when everything
has been read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from msgspec import Struct

from connectors.gcp.rights.bindings import Binding
from connectors.gcp.rights.holding import Held, Holdings
from connectors.gcp.rights.vocabulary import vocabulary
from connectors.gcp.rights.ways import Way, ways_of
from scanner.model import Privilege, Takeover

NAMED = 3
"""Evidence names this many permissions of a sort, and counts the rest."""
UNDER_A_CONDITION = "under a condition"
SOME_DENIED = "a deny policy takes part of the role away"

_OF_IDENTITIES = frozenset({"accounts", "agents"})


class Judgement(Struct, frozen=True, kw_only=True):
    """What a binding amounts to. ``becomes_if``: as ``becomes``, where a condition decides."""

    privilege: Privilege
    becomes: tuple[str, ...] = ()
    becomes_if: tuple[str, ...] = ()
    takes_over: tuple[Takeover, ...] = ()


def judge(binding: Binding, holdings: Holdings) -> Judgement:
    """The verdict on one binding, among all those that were read with it."""
    held = holdings.held(binding)
    reaches = binding.resource.container is not None or binding.resource.account is not None
    if not held.is_known and reaches:
        unknown = f"the permissions of {binding.role} on {binding.resource.short} could not be read"
        return Judgement(privilege=Privilege(level="unknown", evidence=(unknown,)))
    ways = ways_of(binding, held, holdings)
    privilege = _privilege(binding, held, ways)
    if privilege.level == "admin":
        return Judgement(privilege=privilege)
    becomes = _targets(way for way in ways if way.certain)
    return Judgement(
        privilege=privilege,
        becomes=becomes,
        becomes_if=tuple(one for one in _targets(way for way in ways if not way.certain) if one not in set(becomes)),
        takes_over=tuple(
            Takeover(by=f"{_some(way.methods)} by {binding.role}", on=way.targets, conditional=not way.certain)
            for way in ways
            if way.family.leads == "workloads"
        ),
    )


def _targets(ways: Iterable[Way]) -> tuple[str, ...]:
    of_identities = (way.targets for way in ways if way.family.leads in _OF_IDENTITIES)
    return tuple(dict.fromkeys(chain.from_iterable(of_identities)))


def _privilege(binding: Binding, held: Held, ways: Sequence[Way]) -> Privilege:
    container = binding.resource.container
    if container is None:
        return Privilege(level="normal")
    where = f"on {binding.resource.short} ({binding.role})"
    hindered = (SOME_DENIED,) if held.denied else ()
    rule = frozenset(vocabulary().admin[container])
    if found := held.certain & rule:
        return Privilege(level="admin", evidence=(f"can give itself any right {where}: {_some(found)}", *hindered))
    if sure := [f"can {way.family.name} {where}: {_some(way.methods)}" for way in ways if way.certain]:
        return Privilege(level="escalation", evidence=(*sure, *hindered))
    reasons = [
        *(_if("give itself any right", where, found) for found in (held.possible & rule,) if found),
        *(_if(way.family.name, where, way.methods) for way in ways),
        *_consequences(held, where),
    ]
    return Privilege(level="high", evidence=(*reasons, *hindered)) if reasons else Privilege(level="normal")


def _consequences(held: Held, where: str) -> Iterator[str]:
    for consequence, names in vocabulary().high.items():
        if found := held.certain.intersection(names):
            yield f"can {consequence} {where}: {_some(found)}"
        elif found := held.possible.intersection(names):
            yield _if(consequence, where, found)


def _if(what: str, where: str, names: Iterable[str]) -> str:
    return f"can {what} {where}: {_some(names)}, {UNDER_A_CONDITION}"


def _some(names: Iterable[str]) -> str:
    listed = sorted(names)
    more = len(listed) - NAMED
    return ", ".join(listed[:NAMED]) + (f" and {more} more" if more > 0 else "")
