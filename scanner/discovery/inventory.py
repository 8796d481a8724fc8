"""Join the readings of all sources into one inventory, with one identity for each key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from scanner.access.assignments import highest_privilege
from scanner.access.workloads import placed
from scanner.model import (
    UNKNOWN_PRIVILEGE,
    Assignment,
    Consequence,
    Coverage,
    Credential,
    Exposure,
    FileEnd,
    Identity,
    Privilege,
    StoredSecret,
    Trust,
    Workload,
)
from scanner.stages import stage

_Keyed = TypeVar("_Keyed", Identity, StoredSecret, Workload, Assignment, Exposure)

# Facts that a source of lower priority may add.
_FILLABLE = (
    "display_name",
    "description",
    "unique_id",
    "enabled",
    "created_at",
    "last_used_at",
    "environment",
    "managed_by",
)


class ScopeReading(Struct, frozen=True, kw_only=True):
    """The result of reading one scope or part of it, or of listing the scopes of one source.

    ``staged``: number of identities if the records are in the store already, and not here.
    """

    source: str
    scope: str
    part: str | None = None
    staged: int | None = None
    identities: tuple[Identity, ...] = ()
    secrets: tuple[StoredSecret, ...] = ()
    workloads: tuple[Workload, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    ends: tuple[FileEnd, ...] = ()
    coverage: tuple[Coverage, ...] = ()

    @property
    def found(self) -> int:
        """The number of its identities, here or in the store."""
        return len(self.identities) if self.staged is None else self.staged


class Inventory(Struct, frozen=True, kw_only=True):
    """All discovered records, sorted by key."""

    identities: tuple[Identity, ...] = ()
    secrets: tuple[StoredSecret, ...] = ()
    workloads: tuple[Workload, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    ends: tuple[FileEnd, ...] = ()


def join(readings: Iterable[ScopeReading], ranks: Mapping[str, int]) -> Inventory:
    """One inventory from all readings, independent of their order.

    ``ranks``: priority by source, the highest priority is the lowest number (live, export, file).
    """
    readings = sorted(readings, key=lambda reading: (reading.source, reading.scope, reading.part or ""))
    with stage("joining"):
        identities = _by_key(chain.from_iterable(reading.identities for reading in readings), ranks)
        secrets = _by_key(chain.from_iterable(reading.secrets for reading in readings), ranks)
        workloads = _by_key(chain.from_iterable(reading.workloads for reading in readings), ranks)
        assignments = _by_key(chain.from_iterable(reading.assignments for reading in readings), ranks)
        exposures = _by_key(chain.from_iterable(reading.exposures for reading in readings), ranks)
        coverage = chain.from_iterable(reading.coverage for reading in readings)
        places = tuple(sorted(coverage, key=lambda c: (c.source, c.scope, c.section)))
        merged = tuple(_merge(seen, ranks) for seen in identities)
        return Inventory(
            identities=merged,
            secrets=tuple(seen[0] for seen in secrets),
            workloads=placed((seen[0] for seen in workloads), merged),
            assignments=tuple(seen[0] for seen in assignments),
            exposures=tuple(seen[0] for seen in exposures),
            coverage=places,
            ends=tuple(chain.from_iterable(reading.ends for reading in readings)),
        )


def _by_key(records: Iterable[_Keyed], ranks: Mapping[str, int]) -> Iterator[list[_Keyed]]:
    """The reported identities by key, of the highest-priority source first. Nearly every key has only one."""
    first: dict[str, _Keyed] = {}
    several: dict[str, list[_Keyed]] = {}
    for record in records:
        known = first.setdefault(record.key, record)
        if known is not record:
            several.setdefault(record.key, [known]).append(record)
    for key in sorted(first):
        yield (
            sorted(several[key], key=lambda record: (ranks.get(record.source, len(ranks)), record.source))
            if key in several
            else [first[key]]
        )


def _merge(seen: Sequence[Identity], ranks: Mapping[str, int]) -> Identity:
    """The identity of the highest-priority source, with missing facts, ids and credentials of the others.

    Facts that it could not read come only from sources of the same priority, because a list without a fact did not read
    it either.
    """
    best, others = seen[0], seen[1:]
    if not others:
        return replace(best, sources=_only(best.source))
    equals = [one for one in seen if ranks.get(one.source) == ranks.get(best.source)]
    filled = {
        name: next((value for one in seen if (value := getattr(one, name)) is not None), None) for name in _FILLABLE
    }
    credentials: dict[str, Credential] = {}
    for one in seen:
        for credential in one.credentials:
            credentials.setdefault(credential.key, credential)
    return replace(
        best,
        **filled,
        unread=tuple(fact for fact in best.unread if all(fact in equal.unread for equal in equals)),
        sources=tuple(dict.fromkeys(one.source for one in seen)),
        aliases=tuple(dict.fromkeys(alias for one in seen for alias in one.aliases)),
        tags={key: value for one in reversed(seen) for key, value in one.tags.items()},
        attributes={key: value for one in reversed(seen) for key, value in one.attributes.items()},
        signals=distinct(one.signals for one in seen),
        privilege=_privilege(seen, equals),
        consequences=all_consequences(seen),
        credentials=tuple(credentials[key] for key in sorted(credentials)),
        grants=distinct(one.grants for one in seen),
        links=distinct(one.links for one in seen),
        trusts=distinct_trusts(chain.from_iterable(one.trusts for one in seen)),
        reach=distinct(one.reach for one in seen),
        token_subjects=distinct(one.token_subjects for one in seen),
        runs_in=distinct(one.runs_in for one in seen),
    )


@cache
def _only(source: str) -> tuple[str]:
    """Return one tuple for all identities of a source: a million of their own take 50 MB."""
    return (source,)


def _privilege(seen: Sequence[Identity], equals: Sequence[Identity]) -> Privilege:
    """The highest privilege that any source reports, with the evidence of all that report it.

    An unknown privilege may be any, so it outranks ``normal``, but only if the source has the highest priority
    (``equals``). It does not count from other sources, from a source that reads no permissions, and under a gap that an
    equal source has read.
    """
    reads = [equal for equal in equals if "permissions" in equal.unread or equal.privilege != UNKNOWN_PRIVILEGE]
    are_read = any("permissions" not in read.unread for read in reads)
    levels = [one.privilege for one in seen if one.privilege.level != "unknown"]
    levels += [read.privilege for read in reads if not (are_read and "permissions" in read.unread)]
    return highest_privilege(levels) if levels else seen[0].privilege


def all_consequences(seen: Sequence[Identity]) -> tuple[Consequence, ...] | None:
    """All that any source reports; None if none of them says."""
    reported = [one.consequences for one in seen if one.consequences is not None]
    return distinct(reported) if reported else None


_Fact = TypeVar("_Fact")


def distinct(lists: Iterable[tuple[_Fact, ...]]) -> tuple[_Fact, ...]:
    """The items without duplicates, in order."""
    return tuple(dict.fromkeys(chain.from_iterable(lists)))


def distinct_trusts(trusts: Iterable[Trust]) -> tuple[Trust, ...]:
    """The trusts without duplicates; trusts that differ only in facts from other identities count as the same."""
    first: dict[Trust, Trust] = {}
    for trust in trusts:
        own = replace(trust, external=None, crosses=None, presented=None, sent_as=None)
        first.setdefault(own, trust)
    return tuple(first.values())
