"""Who and what depends on an identity, from a stored scan. Pure.

Each fact is the one that other answers show: consumers and links as judged, who becomes it from the attack graph, and
callers from the timeline of its activity.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from scanner.access.attack_paths import AttackGraph
from scanner.access.control import BECOMES
from scanner.access.workloads import holds_credential_of
from scanner.judging.activity.timeline import Timeline, moment
from scanner.lifecycle.retirement.copies import copies_by_identity
from scanner.model import Assessment, Exposure, Identity, ScanResult, StoredSecret, Workload
from scanner.model.activity import FeatureSort
from scanner.model.attributes import SCHEDULE
from scanner.model.retirement import Dependent, DependentKind
from scanner.text import counted

MOST = 50
"""Dependents of one kind that are named; the others are counted."""
_MAY_BECOME = "can become it"
_CALLS: Mapping[FeatureSort, tuple[DependentKind, str]] = {
    "assumed_by": ("caller", "became it"),
    "client": ("caller", "a client that called as it"),
    "network": ("host", "calls came from there"),
    "host": ("host", "calls were refused there"),
}
_BINDING = {"runs_as": "runs as it", "federates": "signs in as it", "acts_as": "acts as it"}
"""The relations of others that bind them to an identity: they may call as it at any time."""


class DependentCall(NamedTuple):
    """Who or where from an identity was called in the window: how often, when last, whether any call succeeded."""

    sort: FeatureSort
    value: str
    events: int
    last: datetime
    succeeded: bool


def calls(line: Timeline, since: int) -> tuple[DependentCall, ...]:
    """The callers, clients and networks since a day's ordinal, the latest first."""
    found: dict[int, list[int]] = {}
    for day, counts in (*line.weeks, *line.days):
        if day + counts.days - 1 < since:
            continue
        spans = counts.spans()
        for number, *outcomes in counts.counts:
            if line.features[number].sort in _CALLS and any(outcomes):
                _, last = spans.get(number, (counts.first, counts.last))
                so_far = found.setdefault(number, [0, 0, 0])
                so_far[0] += sum(outcomes)
                so_far[1] = max(so_far[1], last)
                so_far[2] += outcomes[0]
    made = (
        DependentCall(line.features[number].sort, line.features[number].value, events, moment(last), done > 0)
        for number, (events, last, done) in found.items()
    )
    return tuple(sorted(made, key=lambda one: (-one.last.timestamp(), one.sort, one.value)))


_Bound: TypeAlias = tuple[DependentKind, str, str, str]
"""Kind, key, evidence, source."""


class References:
    """What refers to the identities of one scan, looked up by their keys. Built once for any number of answers."""

    def __init__(self, result: ScanResult, graph: AttackGraph | None = None) -> None:
        self._graph = graph
        self._workloads: Mapping[str, Workload] = {one.key: one for one in result.workloads}
        self._secrets: Mapping[str, StoredSecret] = {one.key: one for one in result.secrets}
        self._read_at = result.scan.started_at
        self._agents = {one.identity.key for one in result.identities if one.agent.is_agent}
        self._bound: defaultdict[str, list[_Bound]] = defaultdict(list)
        self._exposed: defaultdict[str, list[Exposure]] = defaultdict(list)
        self._ways: dict[tuple[str, str], str] = {}
        self._holders: Counter[tuple[str, str, str]] = Counter()
        self._admins: Counter[tuple[str, str]] = Counter()
        self._users_of: defaultdict[str, list[str]] = defaultdict(list)
        by_alias = _by_alias(result.identities)
        for one in result.identities:
            self._note(one, by_alias)
        for workload in result.workloads:
            for secret in workload.uses:
                self._users_of[secret].append(workload.key)
        self._copies_of = copies_by_identity(result, by_alias)
        for exposure in result.exposures:
            if exposure.identity is not None:
                self._exposed[exposure.identity].append(exposure)

    def _note(self, one: Assessment, by_alias: Mapping[str, str]) -> None:
        identity = one.identity
        for link in identity.links:
            if link.relation in BECOMES:
                self._ways[identity.key, link.target] = f"{_MAY_BECOME}: {link.evidence}"
            if link.relation in _BINDING and (target := by_alias.get(link.target, link.target)) != identity.key:
                kind = self._kind(identity, link.relation)
                evidence = f"it {_BINDING[link.relation]}: {link.evidence}"
                self._bound[target].append((kind, identity.key, evidence, identity.source))
        if identity.enabled is not False:
            self._holders.update({(identity.provider, *named) for named in _named_grants(identity)})
            if one.privilege.level == "admin":
                self._admins[identity.provider, identity.scope] += 1

    def _kind(self, identity: Identity, relation: str) -> DependentKind:
        if identity.kind == "workflow":
            return "workflow"
        if identity.key in self._agents:
            return "agent"
        return "federated" if relation == "federates" else "workload"

    def of(self, judged: Assessment, heard: Sequence[DependentCall] = (), logs: str = "") -> tuple[Dependent, ...]:
        """Everything that depends on it, each once: callers first. ``logs``: the logs that ``heard`` is from."""
        every = (
            *_callers(heard, logs),
            *self._consumers(judged),
            *self._linked(judged),
            *self._subjects(judged),
            *self._copies(judged),
            *self._becoming(judged),
            *self._only_it(judged),
        )
        seen: dict[tuple[str, str], Dependent] = {}
        for one in every:
            seen.setdefault((one.kind if one.kind in _TWICE else "", one.what), one)
        return tuple(seen.values())

    def _consumers(self, judged: Assessment) -> Iterator[Dependent]:
        for key in judged.consumers:
            workload = self._workloads.get(key)
            if workload is None:
                kind: DependentKind = "agent" if key in self._agents else "workload"
                yield self._dependent(kind, key, "it runs as it", judged.identity.source, starts=True)
                continue
            what = f"the {workload.kind.replace('_', ' ')} {workload.name} runs as it{_state(workload)}"
            yield self._dependent("workload", key, what, workload.source, starts=True)

    def _linked(self, judged: Assessment) -> Iterator[Dependent]:
        for kind, key, evidence, source in self._bound[judged.identity.key]:
            yield self._dependent(kind, key, evidence, source, starts=True)

    def _subjects(self, judged: Assessment) -> Iterator[Dependent]:
        """The subjects of its trusts: whoever has such a token may sign in as it."""
        for trust in judged.identity.trusts:
            if trust.kind == "federated":
                what = f"{(trust.issuer or trust.principal)}: {trust.subject or 'any subject'}"
                starts = trust.presented == "presented"
                yield self._dependent("federated", what, trust.evidence, judged.identity.source, starts=starts)

    def _copies(self, judged: Assessment) -> Iterator[Dependent]:
        links = {link.target: link.evidence for link in judged.identity.links if link.relation == "stores"}
        said = {
            key: evidence
            for key, evidence in links.items()
            if key in self._secrets and holds_credential_of(self._secrets[key], judged.identity)
        }
        for key, evidence in {**self._copies_of.get(judged.identity.key, {}), **said}.items():
            secret = self._secrets[key]
            users = self._users_of[secret.key]
            used = f"; {counted(len(users), 'workload reads', 'workloads read')} it" if users else ""
            yield Dependent(
                kind="stored_copy",
                what=secret.key,
                evidence=f"{evidence}{used}",
                source=secret.source,
                at=secret.last_used_at or self._read_at,
                starts=True,
            )
            for user in users:
                reads = f"it reads {secret.key}, which holds a credential of it"
                yield self._dependent("workload", user, reads, secret.source, starts=True)
        for exposure in self._exposed[judged.identity.key]:
            evidence = f"{exposure.detector} found its key there"
            yield self._dependent("stored_copy", exposure.place, evidence, exposure.source, starts=True)

    def _becoming(self, judged: Assessment) -> Iterator[Dependent]:
        if self._graph is None:
            return
        key = judged.identity.key
        sources = self._graph.neighbours(key, back=True)
        told = {source: self._ways[source, key] for source in sources[:MOST] if (source, key) in self._ways}
        # Those under a condition are no links: the graph looks up its evidence.
        if unknown := [(source, key) for source in sources[:MOST] if source not in told]:
            for step in self._graph.steps(unknown):
                under = " under a condition" if step.conditional else ""
                told[step.source] = f"{_MAY_BECOME}{under}: {step.evidence or step.relation}"
        for source, evidence in told.items():
            yield self._dependent("becomes", source, evidence, judged.identity.source)
        if (more := len(sources) - MOST) > 0:
            evidence = f"{counted(more, 'more identity', 'more identities')} {_MAY_BECOME}"
            yield self._dependent("becomes", f"and {more} more", evidence, judged.identity.source)

    def _only_it(self, judged: Assessment) -> Iterator[Dependent]:
        """What nobody else may do, as far as rights that name a resource tell."""
        identity, source = judged.identity, judged.identity.source
        if identity.enabled is False:
            return
        if judged.privilege.level == "admin" and self._admins[identity.provider, identity.scope] == 1:
            yield self._dependent("only_it", identity.scope, "no other admin of it was read", source)
        alone = sorted({one for one in _named_grants(identity) if self._holders[(identity.provider, *one)] == 1})
        for right, resource in alone[:MOST]:
            yield self._dependent("only_it", resource, f"no other identity that was read has {right} on it", source)

    def _dependent(
        self, kind: DependentKind, what: str, evidence: str, source: str, *, starts: bool = False
    ) -> Dependent:
        return Dependent(kind=kind, what=what, evidence=evidence, source=source, at=self._read_at, starts=starts)


_TWICE: frozenset[DependentKind] = frozenset({"caller", "host", "stored_copy", "only_it"})
"""Kinds that are listed even if the same thing is listed as another kind, too."""


def _by_alias(identities: Iterable[Assessment]) -> Mapping[str, str]:
    """By unique id, alias and credential's id, the key; texts of two identities are left out."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for one in identities:
        ids = (credential.id for credential in one.identity.credentials)
        for text in filter(None, {one.identity.unique_id, *one.identity.aliases, *ids}):
            if text in found and found[text] != one.identity.key:
                twice.add(text)
            found[text] = one.identity.key
    return {text: key for text, key in found.items() if text not in twice}


def _callers(heard: Sequence[DependentCall], logs: str) -> Iterator[Dependent]:
    for sort, (kind, evidence) in _CALLS.items():
        of_sort = [one for one in heard if one.sort == sort]
        for one in of_sort[:MOST]:
            refused = "" if one.succeeded else ", all refused"
            told = (
                f"{evidence}: {counted(one.events, 'event', 'events')}{refused}, the last at {one.last:%Y-%m-%d %H:%M}"
            )
            yield Dependent(
                kind=kind, what=one.value, evidence=told, source=f"log {logs}", at=one.last, uses=one.succeeded
            )


def _state(workload: Workload) -> str:
    """Its schedule, and whether it is switched off now: it could be switched on again."""
    said = [f"schedule {schedule}"] if isinstance(schedule := workload.attributes.get(SCHEDULE), str) else []
    state = workload.attributes.get("state") or workload.attributes.get("status")
    if isinstance(state, str) and state:
        said.append(f"state {state.lower()}")
    if workload.attributes.get("enabled") is False:
        said.append("switched off, and may be switched on again")
    return f" ({', '.join(said)})" if said else ""


def _named_grants(identity: Identity) -> Iterator[tuple[str, str]]:
    """Right and resource of its grants that name one resource."""
    for grant in identity.grants:
        if grant.resource and "*" not in grant.resource and "," not in grant.resource:
            yield grant.name, grant.resource
