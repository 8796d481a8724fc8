"""What runs as what: workloads and agents joined with the identities whose rights they have. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from scanner.model import PRIVILEGES, AgentVerdict, Identity, Privilege, PrivilegeLevel, Signal, Workload


def placed(workloads: Iterable[Workload], identities: Sequence[Identity]) -> tuple[Workload, ...]:
    """The workloads, with roles that they name without the path as the identities' keys have them."""
    workloads = tuple(workloads)
    if not workloads:
        return ()
    known = {one.key for one in identities}
    named: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for one in identities:
        named[one.provider, one.scope, one.name].append(one.key)

    def key_of(target: str, workload: Workload) -> str:
        if target in known:
            return target
        found = named.get((workload.provider, workload.scope, target.rpartition("/")[2]), ())
        return found[0] if len(found) == 1 else target

    return tuple(
        one
        if known.issuperset(one.runs_as)
        else replace(one, runs_as=tuple(sorted({key_of(target, one) for target in one.runs_as})))
        for one in workloads
    )


def with_signals(identities: Sequence[Identity], workloads: Iterable[Workload]) -> tuple[Identity, ...]:
    """The identities, with what the workloads that run as them say of what they are."""
    told: defaultdict[str, dict[Signal, None]] = defaultdict(dict)
    for workload in workloads:
        for target in workload.runs_as if workload.signals else ():
            told[target] |= dict.fromkeys(workload.signals)
    if not told:
        return tuple(identities)
    return tuple(replace(one, signals=(*one.signals, *told[one.key])) if one.key in told else one for one in identities)


def consumers(workloads: Iterable[Workload], identities: Iterable[Identity]) -> dict[str, tuple[str, ...]]:
    """By key of an identity: keys of the workloads and agents that run as it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for workload in workloads:
        for target in workload.runs_as:
            found[target].add(workload.key)
    for identity in identities:
        for target in _runs_as(identity):
            found[target].add(identity.key)
    return {target: tuple(sorted(found[target])) for target in found}


def with_rights_of_roles(privileges: Mapping[str, Privilege], identities: Iterable[Identity]) -> dict[str, Privilege]:
    """Whoever runs as others has their rights besides its own: the gravest level of them, with the reason."""
    raised = dict(privileges)
    for identity in identities:
        if roles := _runs_as(identity):
            raised[identity.key] = _with_rights_of(
                privileges[identity.key], {role: privileges.get(role) for role in roles}
            )
    return raised


def agents_roles(identities: Sequence[Identity], verdicts: Mapping[str, AgentVerdict]) -> dict[str, AgentVerdict]:
    """The verdicts, and an agent's role is an agent: it is what the agent is when it acts."""
    found = dict(verdicts)
    for identity in identities:
        if verdicts[identity.key].is_agent:
            for role in _runs_as(identity):
                if role in found:
                    found[role] = _runs_an_agent(found[role], identity)
    return found


def _runs_as(identity: Identity) -> list[str]:
    return [link.target for link in identity.links if link.relation == "runs_as"]


def _with_rights_of(own: Privilege, roles: Mapping[str, Privilege | None]) -> Privilege:
    """An unknown role may be anything; nothing less than high is told of the rest then."""
    levels = {role: "unknown" if given is None else given.level for role, given in roles.items()}
    level = min(levels.values(), key=PRIVILEGES.index)
    if own.level != "unknown":
        level = min(own.level, level, key=PRIVILEGES.index)
    return Privilege(level=level, evidence=tuple(_told(levels, roles)) or own.evidence)


def _told(levels: Mapping[str, PrivilegeLevel], roles: Mapping[str, Privilege | None]) -> Iterator[str]:
    for role in sorted(roles, key=lambda role: (PRIVILEGES.index(levels[role]), role)):
        given = roles[role]
        why = given.evidence[0] if given is not None and given.evidence else ""
        yield f"runs as {role}, whose privilege is {levels[role]}" + (f": {why}" if why else "")


def _runs_an_agent(verdict: AgentVerdict, agent: Identity) -> AgentVerdict:
    kind = agent.kind.replace("_", " ")
    signal = Signal(says="agent", sort="provider", evidence=f"the {kind} {agent.name} runs as it")
    return AgentVerdict(is_agent=True, signals=(*verdict.signals, signal))
