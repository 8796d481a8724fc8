"""Privileges, raised by what identities control, with the attack path as evidence. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from msgspec.structs import replace

from scanner.access.adjacency import Adjacency, adjacency
from scanner.access.control import Control, Method, MethodOnOthers, Path, Route, leading_to, rights_in
from scanner.model import POTENTIAL, POWERFUL, PRIVILEGES, Coverage, Edge, Identity, Privilege, PrivilegeLevel
from scanner.text import counted, few

STEPS_SHOWN = 5
"""The most steps that the evidence shows, before the end of the path."""
GAPS_NAMED = 3
"""The most unread listings that the evidence names; the others are counted."""
OTHERS_NAMED = 5
"""The most targets of methods that a privilege names."""


def raise_by_paths(
    privileges: Mapping[str, Privilege], edges: Sequence[Edge], methods: Sequence[Method] = ()
) -> dict[str, Privilege]:
    """Return the privileges by identity key, raised by what they control, with the path as evidence.

    - ``escalation``: see :mod:`scanner.access.control`.
    - ``high``: the same, if a condition decides on the way; or it controls the holder of a method, but no target.
    - ``unknown``, unless ``high`` or more: it controls an identity of unknown privilege, or one that was not read.

    All others keep their privilege. The order of the edges does not matter. ``privileges``: what the policies of each
    identity alone amount to. Paths can lead through keys that are not among them.
    """
    return _Raising(privileges, edges, methods).raised() if edges or methods else dict(privileges)


_MADE = " an admin: "
"""What stands in the reason that names a method, between its target and what allows it."""


def method_in(privilege: Privilege) -> str:
    """Return the reason that names the method by which an identity becomes an admin; empty if there is none."""
    return next((reason for reason in privilege.evidence if _MADE in reason), "")


class _Raising:
    """Raises privileges on the graph of these edges and methods."""

    def __init__(self, privileges: Mapping[str, Privilege], edges: Sequence[Edge], methods: Sequence[Method]) -> None:
        self._admins = {key for key, one in privileges.items() if one.level == "admin"}
        self._edges = [edge for edge in edges if edge.source not in self._admins and edge.source != edge.target]
        # An identity that makes itself an admin has that as its own level and evidence.
        own = (
            Method(holder=key, targets=(key,), by=next(iter(one.evidence), ""))
            for key, one in privileges.items()
            if one.level == "escalation"
        )
        self._methods = (*own, *methods)
        self._own, self._found = privileges, dict(privileges)
        named = {key for edge in self._edges for key in edge[:2]}
        for targets in {id(method.targets): method.targets for method in self._methods}.values():
            named.update(targets)
        named.update(method.holder for method in self._methods)
        # Almost sorted, which costs a tenth of sorting a set: identities come in the order of their keys.
        self._keys = sorted([*(key for key in privileges if key in named), *(named - privileges.keys())])
        self._numbers = {key: number for number, key in enumerate(self._keys)}
        self._edge: dict[tuple[str, str], Edge] = {}
        for edge in self._edges:
            known = self._edge.get(edge[:2])
            if known is None or (edge.conditional, edge.evidence) < (known.conditional, known.evidence):
                self._edge[edge[:2]] = edge

    def raised(self) -> dict[str, Privilege]:
        certain = self._adjacency([edge for edge in self._edge.values() if not edge.conditional])
        control = Control(certain, rights_in(self._methods, self._numbers, self._admins))
        for node in control:
            self._escalates(node, control.route(node, STEPS_SHOWN))
        for node, methods in control.makes_others(STEPS_SHOWN):
            self._makes_others(self._keys[node], methods)
        if len(self._edge) > certain.edges or any(method.conditional for method in self._methods):
            rights = rights_in(self._methods, self._numbers, self._admins, conditional=True)
            possible = Control(self._adjacency(list(self._edge.values())), rights)
            for node in possible:
                if node not in control:
                    self._could_escalate(self._keys[node], possible.route(node, STEPS_SHOWN))
        self._spread_unknown(certain)
        return self._found

    def _adjacency(self, edges: Sequence[Edge]) -> Adjacency:
        sources = [self._numbers[edge.source] for edge in edges]
        targets = [self._numbers[edge.target] for edge in edges]
        return adjacency(len(self._keys), sources, targets)

    def _escalates(self, node: int, route: Route) -> None:
        key = self._keys[node]
        own = self._found.get(key)
        is_known = own is not None and own.level == "escalation" and route.is_own and not route.path.steps
        if own is None or is_known or key in self._admins:
            return
        reasons = (*self._reasons(route), *_reasons_of(own, potential=False))
        self._found[key] = replace(own, level="escalation", evidence=reasons, goal=self._keys[route.path.goal])

    def _could_escalate(self, key: str, route: Route) -> None:
        own = self._found.get(key)
        if own is not None:
            reasons = (*self._reasons(route), *_reasons_of(own, potential=True))
            goal = self._keys[route.path.goal]
            self._found[key] = replace(own, level=_at_least(own, "high"), evidence=reasons, goal=goal)

    def _makes_others(self, key: str, methods: Sequence[MethodOnOthers]) -> None:
        own = self._found.get(key)
        if own is None or own.level in POWERFUL:
            return
        targets = dict.fromkeys(self._keys[target] for one in methods for target in one.targets[:OTHERS_NAMED])
        reasons = [self._makes(one) for one in methods[:STEPS_SHOWN]]
        reasons += self._chain(methods[0].chain, "{}")
        self._found[key] = replace(
            own,
            level=_at_least(own, "high"),
            evidence=(*reasons, *_reasons_of(own, potential=False)),
            makes_admin=tuple(targets)[:OTHERS_NAMED],
        )

    def _spread_unknown(self, certain: Adjacency) -> None:
        """Set identities that control one of unknown privilege, or one that was not read, to ``unknown``."""
        back = leading_to(certain, [number for number, key in enumerate(self._keys) if self._is_unknown(key)])
        for node in back:
            own = self._found.get(self._keys[node])
            if own is None or not back.steps(node) or own.level in (*POWERFUL, "unknown"):
                continue
            path = back.path(node, STEPS_SHOWN)
            why = "whose privilege is unknown" if self._keys[path.goal] in self._own else "which was not read"
            reasons = (*self._chain(path, f"{{}}, {why}"), *own.evidence)
            self._found[self._keys[node]] = replace(own, level=_at_least(own, "unknown"), evidence=reasons)

    def _is_unknown(self, key: str) -> bool:
        return key not in self._own or self._own[key].level == "unknown"

    # --- Evidence ---

    def _reasons(self, route: Route) -> Iterator[str]:
        """The steps of a path, and how its end becomes an admin."""
        chain = route.chain
        if route.is_own and not route.path.steps:
            yield f"can make itself{_MADE}{route.right.by}"
            return
        if chain is None or route.is_own:
            yield from self._chain(
                route.path, "the admin {}" if chain is None else "{}, which can make itself an admin"
            )
            return
        yield from self._chain(route.path, "{}")
        yield f"{self._keys[chain.goal]} can make {self._keys[route.path.goal]}{_MADE}{route.right.by}"
        yield from self._chain(chain, "{}")

    def _chain(self, path: Path, last: str) -> Iterator[str]:
        """The first steps of a path. ``last``: how its end is named."""
        goal = last.format(self._keys[path.goal])
        for step, (one, other) in enumerate(pairwise(path.nodes), start=1):
            source, target = self._keys[one], self._keys[other]
            edge = self._edge[source, target]
            shown = goal if step == path.steps else target
            yield f"{source} can become {shown}{', under a condition' if edge.conditional else ''}: {edge.evidence}"
        if (more := path.steps - len(path.nodes) + 1) > 0:
            yield f"{counted(more, 'more step leads', 'more steps lead')} to {goal}"

    def _makes(self, one: MethodOnOthers) -> str:
        named = self._keys[one.targets[0]]
        whom = named if len(one.targets) == 1 else f"{named} and {len(one.targets) - 1:,} more"
        through = "" if not one.chain.steps else f", as {self._keys[one.chain.goal]}"
        return f"can make {whom} an admin{through}: {one.by}"


def _at_least(own: Privilege, level: PrivilegeLevel) -> PrivilegeLevel:
    return min(own.level, level, key=PRIVILEGES.index)


def _reasons_of(own: Privilege, *, potential: bool) -> tuple[str, ...]:
    """The reasons of a level that a higher one keeps. ``potential``: whether no target of its methods is known.

    The reason for an unknown privilege is no evidence for a higher one: a gap would look like a change of privilege.
    """
    if own.level == "unknown":
        return ()
    return tuple(reason for reason in own.evidence if potential or not reason.startswith(POTENTIAL))


def with_unread_targets(
    privileges: Mapping[str, Privilege], identities: Iterable[Identity], coverage: Iterable[Coverage]
) -> dict[str, Privilege]:
    """Return the privileges; one that could lead to others names the listings of its scope that are gaps.

    One of these may hold a target.
    """
    gaps: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for one in coverage:
        if one.is_gap and (one.kinds or not (one.about or one.rungs or one.feeds)):
            gaps[one.source, one.scope].append(f"{one.section} ({one.status})")
    found = dict(privileges)
    for identity in identities if gaps else ():
        own = found[identity.key]
        unread = gaps.get((identity.source, identity.scope))
        if unread and any(reason.startswith(POTENTIAL) for reason in own.evidence):
            reason = f"{POTENTIAL}not all targets could be read: {few(unread, GAPS_NAMED)}"
            found[identity.key] = replace(own, evidence=(*own.evidence, reason))
    return found
