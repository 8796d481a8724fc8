"""Finds the change that explains new behaviour: in the log, between two scans, or a reviewed baseline."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TypeAlias

from scanner.matching.keys import as_compared
from scanner.model import Assessment, Identity, Workload
from scanner.model.activity import NamedChange

Version: TypeAlias = tuple[datetime, datetime, Assessment]
"""A version of an identity: the start of the first and the last scan that read it, and its facts."""
Explanation: TypeAlias = tuple[bool | None, str | None]

_ASPECTS: Mapping[str, Callable[[Assessment], object]] = {
    "permissions": lambda one: (one.identity.grants, one.identity.privilege.level),
    "credentials": lambda one: frozenset(credential.key for credential in one.identity.credentials),
    "links": lambda one: one.identity.links,
    "trust policy": lambda one: one.identity.trusts,
    "workload": lambda one: one.consumers,
    "owner": lambda one: (one.ownership.state, one.ownership.owner),
}
"""Facts whose change explains new behaviour."""


class Changes:
    """Changes of identities in the time before new behaviour.

    ``scans``: starts of all scans up to this one. ``versions``: versions of identities by key, oldest first.
    """

    def __init__(
        self,
        named: Sequence[NamedChange],
        identities: Iterable[Identity],
        workloads: Iterable[Workload],
        *,
        scans: Sequence[datetime],
        versions: Callable[[Collection[str]], Mapping[str, Sequence[Version]]],
        within: timedelta,
    ) -> None:
        self._within = within
        self._scans = sorted(scans)
        self._versions = versions
        self._named: defaultdict[str, list[NamedChange]] = defaultdict(list)
        targets = _Targets(identities, workloads if named else ())
        for change in named:
            by = targets.meant(change.scope, change.by)
            for key in (
                targets.meant(change.scope, change.target) - by
            ):  # an identity does not explain its own behaviour
                self._named[key].append(change)

    def explain(self, keys: Sequence[str]) -> Callable[[str, datetime, datetime], Explanation]:
        """The change, if any, that explains behaviour of these identities between two times."""
        versions = self._versions(frozenset(keys))

        def explanation(key: str, first: datetime, last: datetime) -> Explanation:
            start = first - self._within
            for change in self._named.get(key, ()):
                if start <= change.at <= last:
                    return True, f"{change.action} by {change.by} at {change.at:%Y-%m-%d %H:%M} ({change.event_id})"
            known = versions.get(key, ())
            for before, after in pairwise(known):
                changed = [name for name, of in _ASPECTS.items() if of(before[2]) != of(after[2])]
                if changed and before[1] <= last and after[0] >= start:
                    between = f"between the scans of {before[1]:%Y-%m-%d %H:%M} and {after[0]:%Y-%m-%d %H:%M}"
                    return True, f"{' and '.join(changed)} changed {between}"
            return (False, None) if self._cover(start, last) and known else (None, None)

        return explanation

    def _cover(self, start: datetime, end: datetime) -> bool:
        """Whether one scan is before that time and another after it."""
        return bool(self._scans) and self._scans[0] <= start and bisect_left(self._scans, end) < len(self._scans)


class _Targets:
    """Finds the identities that a log names: by key, unique id, alias, name within a scope, or workload."""

    def __init__(self, identities: Iterable[Identity], workloads: Iterable[Workload]) -> None:
        self._anywhere: defaultdict[str, set[str]] = defaultdict(set)
        self._within: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for identity in identities:
            for text in (identity.key, identity.unique_id, *identity.aliases):
                if text:
                    self._anywhere[text].add(identity.key)
                    self._anywhere[as_compared(text, identity.provider)].add(identity.key)
            self._within[identity.scope, identity.name].add(identity.key)
        for workload in workloads:
            self._anywhere[workload.key].update(workload.runs_as)
            self._within[workload.scope, workload.name].update(workload.runs_as)

    def meant(self, scope: str, text: str) -> set[str]:
        """Keys of the identities that a text in a log names."""
        return self._anywhere.get(text) or self._within.get((scope, text)) or set()


def end_of(day: int) -> datetime:
    """The first moment after a day, given as ordinal."""
    return datetime.fromordinal(day + 1).replace(tzinfo=UTC)
