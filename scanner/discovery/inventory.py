"""Join the readings of all sources into one inventory, with one identity for each key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import chain
from typing import TypeVar

import msgspec
from msgspec import Struct

from scanner.access.assignments import highest_privilege
from scanner.access.workloads import placed
from scanner.model import (
    PRIVILEGES,
    REACH,
    UNKNOWN_PRIVILEGE,
    Assignment,
    Consequence,
    Coverage,
    Credential,
    Exposure,
    Fact,
    FileEnd,
    Identity,
    Privilege,
    Signal,
    StoredSecret,
    Trust,
    Workload,
    with_typed,
)
from scanner.model.attributes import (
    FACTS_OF_CREDENTIALS,
    OWNERS,
    RECORDS_OF_USE,
    SPONSORS,
    UNLISTED,
    UNREAD_CREDENTIALS,
)
from scanner.redaction.masking import mask
from scanner.stages import stage
from scanner.text import few

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


_PEOPLE = (OWNERS, SPONSORS)

AS_LAST_READ = "as last read: its permissions could not be read this time"


MOST_MISFITS = 3
"""Maximum number of records that a gap of attack paths names."""


def misfits(records: Iterable[Identity | Workload], *, part: str | None = None) -> Iterator[Coverage]:
    """A gap for each scope of records with attributes that do not have the shape of their published names.

    ``part``: of the scope that was read. The gap hides no identity.
    """
    named: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for one in records:
        try:
            with_typed(one)
        except ValueError as error:
            named[one.source, one.provider, one.scope].append(f"{one.key}: {error}")
    for (source, provider, scope), rows in sorted(named.items()):
        gap = Coverage(
            source=source,
            provider=provider,
            scope=scope,
            section=REACH if part is None else f"{REACH}:{part}",
            status="partial",
            detail=f"attack paths through these are unknown: {few(rows, MOST_MISFITS, '; ')}",
        )
        yield mask(gap)


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
        yield _by_rank(several[key], ranks) if key in several else [first[key]]


def _by_rank(seen: Sequence[_Keyed], ranks: Mapping[str, int]) -> list[_Keyed]:
    return sorted(seen, key=lambda record: (ranks.get(record.source, len(ranks)), record.source))


def _merge(seen: Sequence[Identity], ranks: Mapping[str, int]) -> Identity:
    """The identity of the highest-priority source, with missing facts, ids and credentials of the others.

    Facts that it could not read come only from sources of the same priority, because a list without a fact did not read
    it either.
    """
    best, others = seen[0], seen[1:]
    if not others:
        return msgspec.structs.replace(best, sources=_only(best.source))
    equals = [one for one in seen if ranks.get(one.source) == ranks.get(best.source)]
    filled = {
        name: next((value for one in seen if (value := getattr(one, name)) is not None), None) for name in _FILLABLE
    }
    credentials: dict[str, Credential] = {}
    for one in seen:
        for credential in one.credentials:
            credentials.setdefault(credential.key, credential)
    return msgspec.structs.replace(
        best,
        **filled,
        unread=tuple(fact for fact in best.unread if all(fact in equal.unread for equal in equals)),
        sources=tuple(dict.fromkeys(one.source for one in seen)),
        aliases=tuple(dict.fromkeys(alias for one in seen for alias in one.aliases)),
        tags={key: value for one in reversed(seen) for key, value in one.tags.items()},
        attributes={key: value for one in reversed(seen) for key, value in one.attributes.items()},
        signals=_distinct(one.signals for one in seen),
        privilege=_privilege(seen, equals),
        consequences=_consequences(seen),
        credentials=tuple(credentials[key] for key in sorted(credentials)),
        grants=_distinct(one.grants for one in seen),
        links=_distinct(one.links for one in seen),
        trusts=_distinct_trusts(chain.from_iterable(one.trusts for one in seen)),
        reach=_distinct(one.reach for one in seen),
        token_subjects=_distinct(one.token_subjects for one in seen),
        runs_in=_distinct(one.runs_in for one in seen),
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


def _consequences(seen: Sequence[Identity]) -> tuple[Consequence, ...] | None:
    """All that any source reports; None if none of them says."""
    reported = [one.consequences for one in seen if one.consequences is not None]
    return _distinct(reported) if reported else None


def as_last_known(identity: Identity, last: Identity, now: datetime) -> Identity:
    """The identity, with the facts that a gap hides filled in from the last scan. ``now``: the start of this one.

    Evidence of disuse (``use_tracked_days``) is not filled in: under a gap, no identity counts as unused. The
    provider's owners count as unread if there is no list of them at all, because a list without owners is empty.
    ``enabled`` is filled in, too: a gap does not enable a disabled identity.
    """
    if identity.enabled is None:
        identity = msgspec.structs.replace(identity, enabled=last.enabled)
    if "credentials" in identity.unread:
        standing = tuple(one for one in last.credentials if may_be_unread(one, identity) and not is_over(one, now))
        last = msgspec.structs.replace(last, credentials=standing)
    for fact in identity.unread:
        identity = msgspec.structs.replace(identity, **_LAST_KNOWN[fact](identity, last))
    attributes = _with_last_attributes(identity, last, _PEOPLE)
    if attributes == identity.attributes:
        return identity
    return msgspec.structs.replace(identity, attributes=attributes)


def may_be_unread(credential: Credential, identity: Identity) -> bool:
    """Whether the credential of an earlier scan may be among those of the identity that could not be listed."""
    unread = identity.attributes.get(UNREAD_CREDENTIALS)
    if not isinstance(unread, (list, tuple)):
        return "credentials" in identity.unread
    return credential.kind in unread or credential.attributes.get("type") in unread


def is_over(last: Credential, now: datetime) -> bool:
    """Whether a credential of the last scan is gone for certain, though no list says so."""
    return last.attributes.get(UNLISTED) is True and last.expires_at is not None and last.expires_at <= now


def _with_last_attributes(identity: Identity, last: Identity, names: Iterable[str]) -> Mapping[str, object]:
    """Its attributes, plus those with these names from the last scan that are missing now."""
    return {**{name: last.attributes[name] for name in names if name in last.attributes}, **identity.attributes}


def _with_last_signals(identity: Identity, last: Identity, sort: str) -> tuple[Signal, ...]:
    return _distinct((identity.signals, tuple(signal for signal in last.signals if signal.sort == sort)))


def _last_credentials(identity: Identity, last: Identity) -> dict[str, object]:
    remembered = (msgspec.structs.replace(credential, use_tracked_days=None) for credential in last.credentials)
    every = {one.key: one for one in (*remembered, *identity.credentials)}
    return {
        "credentials": tuple(every[key] for key in sorted(every)),
        "attributes": _with_last_attributes(identity, last, FACTS_OF_CREDENTIALS),
        "signals": _with_last_signals(identity, last, "credential"),
    }


def _last_permissions(identity: Identity, last: Identity) -> dict[str, object]:
    """What it had stands; that it had nothing worse says nothing of today, so a normal privilege stays unknown."""
    privilege = identity.privilege
    if privilege.level == "unknown" and PRIVILEGES.index(last.privilege.level) < PRIVILEGES.index("unknown"):
        evidence = tuple(dict.fromkeys((*last.privilege.evidence, AS_LAST_READ)))
        privilege = Privilege(level=last.privilege.level, evidence=evidence)
    return {
        "privilege": privilege,
        "consequences": _consequences((identity, last)),
        "grants": _distinct((identity.grants, last.grants)),
        "links": _distinct((identity.links, last.links)),
        "reach": _distinct((identity.reach, last.reach)),
        "token_subjects": identity.token_subjects or last.token_subjects,
        "runs_in": identity.runs_in or last.runs_in,
        "signals": _with_last_signals(identity, last, "permission"),
    }


_LAST_KNOWN: Mapping[Fact, Callable[[Identity, Identity], dict[str, object]]] = {
    "credentials": _last_credentials,
    "permissions": _last_permissions,
    "tags": lambda identity, last: {"tags": {**last.tags, **identity.tags}},
    "trusts": lambda identity, last: {
        "trusts": _distinct_trusts((*identity.trusts, *last.trusts)),
        "links": _distinct((identity.links, tuple(link for link in last.links if link.relation == "federates"))),
    },
    "use": lambda identity, last: {
        "last_used_at": identity.last_used_at or last.last_used_at,
        "attributes": _with_last_attributes(identity, last, RECORDS_OF_USE),
    },
}


_Fact = TypeVar("_Fact")


def _distinct(lists: Iterable[tuple[_Fact, ...]]) -> tuple[_Fact, ...]:
    """The items without duplicates, in order."""
    return tuple(dict.fromkeys(chain.from_iterable(lists)))


def _distinct_trusts(trusts: Iterable[Trust]) -> tuple[Trust, ...]:
    """The trusts without duplicates; trusts that differ only in facts from other identities count as the same."""
    first: dict[Trust, Trust] = {}
    for trust in trusts:
        own = msgspec.structs.replace(trust, external=None, crosses=None, presented=None, sent_as=None)
        first.setdefault(own, trust)
    return tuple(first.values())
