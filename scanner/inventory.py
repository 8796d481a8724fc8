"""Joins what the sources saw: one identity a key, whoever reported it, and links across scopes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct

from scanner.model import Coverage, Credential, Identity, Link, Privilege, StoredSecret

_Keyed = TypeVar("_Keyed", Identity, StoredSecret)

# Facts that a lesser source may fill in where the better one is silent.
_FILLED = (
    "display_name",
    "description",
    "unique_id",
    "enabled",
    "created_at",
    "last_used_at",
    "environment",
    "managed_by",
)


AS_LAST_READ = "as last read: its permissions could not be read this time"


class Reading(Struct, frozen=True, kw_only=True):
    """What came out of one scope, or out of listing the scopes of one source."""

    source: str
    scope: str
    identities: tuple[Identity, ...] = ()
    secrets: tuple[StoredSecret, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    seconds: float = 0.0


class Inventory(Struct, frozen=True, kw_only=True):
    """Everything that was discovered, sorted by key."""

    identities: tuple[Identity, ...] = ()
    secrets: tuple[StoredSecret, ...] = ()
    coverage: tuple[Coverage, ...] = ()


def join(readings: Iterable[Reading], ranks: Mapping[str, int]) -> Inventory:
    """One inventory out of all readings. ``ranks``: sources by trust, the lowest first (live, export, file)."""
    identities: dict[str, list[Identity]] = defaultdict(list)
    secrets: dict[str, list[StoredSecret]] = defaultdict(list)
    coverage: list[Coverage] = []
    for reading in readings:
        for identity in reading.identities:
            identities[identity.key].append(identity)
        for secret in reading.secrets:
            secrets[secret.key].append(secret)
        coverage.extend(reading.coverage)
    merged = {key: _merge(_by_rank(seen, ranks)) for key, seen in identities.items()}
    return Inventory(
        identities=tuple(merged[key] for key in sorted(_link_trusted(merged))),
        secrets=tuple(_by_rank(secrets[key], ranks)[0] for key in sorted(secrets)),
        coverage=tuple(sorted(coverage, key=lambda c: (c.source, c.scope, c.section))),
    )


def _by_rank(seen: Sequence[_Keyed], ranks: Mapping[str, int]) -> list[_Keyed]:
    return sorted(seen, key=lambda record: (ranks.get(record.source, len(ranks)), record.source))


def _merge(seen: Sequence[Identity]) -> Identity:
    """The best source's identity, its silences filled from the others, their ids and credentials added."""
    best, *others = seen
    if not others:
        return msgspec.structs.replace(best, sources=(best.source,))
    filled = {
        name: next((value for one in seen if (value := getattr(one, name)) is not None), None) for name in _FILLED
    }
    credentials: dict[str, Credential] = {}
    for one in seen:
        for credential in one.credentials:
            credentials.setdefault(credential.key, credential)
    return msgspec.structs.replace(
        best,
        **filled,
        sources=tuple(dict.fromkeys(one.source for one in seen)),
        aliases=tuple(dict.fromkeys(alias for one in seen for alias in one.aliases)),
        tags={key: value for one in reversed(seen) for key, value in one.tags.items()},
        attributes={key: value for one in reversed(seen) for key, value in one.attributes.items()},
        signals=_distinct(one.signals for one in seen),
        privilege=next((one.privilege for one in seen if one.privilege.level != "unknown"), best.privilege),
        credentials=tuple(credentials[key] for key in sorted(credentials)),
        grants=_distinct(one.grants for one in seen),
        links=_distinct(one.links for one in seen),
        trusts=_distinct(one.trusts for one in seen),
    )


def as_last_known(identity: Identity, last: Identity) -> Identity:
    """The identity with what a gap kept from us filled in from the last scan.

    What counts as evidence of disuse (``use_tracked_days``) is not: under a gap nobody is called unused.
    """
    filled = _merge((identity, last))
    if filled.privilege == identity.privilege:
        return filled
    evidence = tuple(dict.fromkeys((*filled.privilege.evidence, AS_LAST_READ)))
    return msgspec.structs.replace(filled, privilege=Privilege(level=filled.privilege.level, evidence=evidence))


_Fact = TypeVar("_Fact")


def _distinct(lists: Iterable[tuple[_Fact, ...]]) -> tuple[_Fact, ...]:
    """All of them once, in order (the records hold mappings, so they are compared rather than hashed)."""
    kept: list[_Fact] = []
    for facts in lists:
        kept.extend(fact for fact in facts if fact not in kept)
    return tuple(kept)


def _link_trusted(identities: dict[str, Identity]) -> dict[str, Identity]:
    """Gives ``can_assume`` links to identities that another one's trust names, also across scopes and sources."""
    assumable: dict[str, list[Link]] = defaultdict(list)
    for identity in identities.values():
        for trust in identity.trusts:
            if trust.kind == "principal" and trust.principal in identities:
                assumable[trust.principal].append(
                    Link(relation="can_assume", target=identity.key, evidence=trust.evidence)
                )
    for key, links in assumable.items():
        holder = identities[key]
        known = {(link.relation, link.target) for link in holder.links}
        added = [link for link in links if (link.relation, link.target) not in known]
        if added:
            every = sorted((*holder.links, *added), key=lambda link: (link.relation, link.target))
            identities[key] = msgspec.structs.replace(holder, links=tuple(every))
    return identities
