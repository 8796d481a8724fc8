"""Detects implausible losses: too many identities gone at once count as an incomplete reading. Pure.

A truncated listing looks complete. So a source, or a big scope, that lost an implausible share of its identities counts
as partly read, and the missing ones stay as last seen until the loss is confirmed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TypeAlias

import msgspec
from msgspec import Struct

from scanner.discovery.inventory import Inventory
from scanner.matching.places import Places
from scanner.model import (
    Assessment,
    Coverage,
    EntryAssessment,
    Finding,
    Identity,
    MatchCandidate,
    Recreation,
    RegistryVerdict,
)
from scanner.text import counted, printable

MOST_LOST = 0.3
"""The largest share of its identities that a place can plausibly lose between two scans."""
FEWEST_LOST = 10
"""The fewest identities that a source must lose: in a small estate, a clean-up is a third of it."""
FEWEST_LOST_OF_SCOPE = 50
"""The same for one of many scopes, which are cleaned up or retired more often than a whole source."""
_FLEETING = frozenset({"token"})
"""Kinds that expire by themselves, many at a time."""

Count: TypeAlias = Mapping[tuple[str, str, str], int]
"""The number of identities by source, scope and kind."""
_Place: TypeAlias = tuple[str, str | None]
"""A source and one of its scopes; None for the whole source."""


class Loss(Struct, frozen=True):
    """How many identities a place had, and has now. ``scope``: None for the whole source.

    ``kept``: how many of the earlier ones still exist, if others replaced the rest.
    """

    source: str
    scope: str | None
    before: int
    now: int
    kept: int | None = None

    def __str__(self) -> str:
        if self.kept is not None:
            return f"{self.kept:,} of the {counted(self.before, 'identity', 'identities')} that the last scan had"
        return f"{counted(self.now, 'identity', 'identities')} where the last scan had {self.before:,}"


def still_there(last: Iterable[tuple[str, str, str, str | None]], inventory: Inventory) -> Counter[str]:
    """Return by source how many of its last identities still exist, by key or unique id.

    ``last``: source, provider, key and unique id of each.
    """
    keys = {identity.key for identity in inventory.identities}
    ids = {
        (identity.provider, identity.unique_id) for identity in inventory.identities if identity.unique_id is not None
    }
    return Counter(source for source, provider, key, own in last if key in keys or (provider, own) in ids)


def losses(
    inventory: Inventory, before: Count, lists: Collection[str], kept: Mapping[str, int] | None = None
) -> tuple[Loss, ...]:
    """Return the places with implausible losses, not counting gaps, where identities stay as last seen anyway.

    ``before``: the counts of the last scan. ``lists``: sources that are files, which can be truncated at any length, or
    replaced by another file. ``kept``: by list, how many of the last identities still exist. At a provider only counts
    matter: identities recreated every night under new names are no loss.
    """
    places = Places(inventory.coverage)
    was = {place: number for place, number in before.items() if _counts(place, places, lists)}
    now = Counter(
        (source, identity.scope, identity.kind) for identity in inventory.identities for source in identity.sources
    )
    held, holds = _by_place(was), _by_place({place: now[place] for place in now if _counts(place, places, lists)})
    every = [
        Loss(source, scope, number, holds[source, scope], _replaced(source, holds[source, scope], kept or {}))
        for (source, scope), number in held.items()
    ]
    # If nothing at all was read, the error of the reading is reported instead.
    read = {section.source for section in inventory.coverage if not section.is_gap or section.status == "partial"}
    found = [one for one in every if one.source in read and _is_implausible(one, lists)]
    whole = {one.source for one in found if one.scope is None}
    return tuple(
        sorted(
            (one for one in found if one.scope is None or one.source not in whole),
            key=lambda loss: (loss.source, loss.scope or ""),
        )
    )


def _replaced(source: str, now: int, kept: Mapping[str, int]) -> int | None:
    """Return how many of the source's identities still exist, if that is fewer than it has now."""
    return kept[source] if source in kept and kept[source] < now else None


def _counts(place: tuple[str, str, str], places: Places, lists: Collection[str]) -> bool:
    source, _, kind = place
    return source in lists or (kind not in _FLEETING and places.completely_read(*place))


def _by_place(count: Count) -> Counter[_Place]:
    """Return the counts by source, and by scope of a source."""
    by_place: Counter[_Place] = Counter()
    for (source, scope, _), number in count.items():
        by_place[source, None] += number
        by_place[source, scope] += number
    return by_place


def _is_implausible(loss: Loss, lists: Collection[str]) -> bool:
    if min(loss.now, loss.now if loss.kept is None else loss.kept) >= loss.before * (1 - MOST_LOST):
        return False
    if loss.source in lists:
        return loss.scope is None
    return loss.before - loss.now >= (FEWEST_LOST if loss.scope is None else FEWEST_LOST_OF_SCOPE)


def held(inventory: Inventory, found: Iterable[Loss]) -> Inventory:
    """Return the inventory with the listings of these places as only partly read."""
    by_place: dict[_Place, Loss] = {(one.source, one.scope): one for one in found}
    coverage = (
        _held(section, by_place.get((section.source, None)) or by_place.get((section.source, section.scope)))
        for section in inventory.coverage
    )
    return msgspec.structs.replace(inventory, coverage=tuple(coverage))


def _held(section: Coverage, loss: Loss | None) -> Coverage:
    if loss is None or section.status != "complete" or not section.kinds:
        return section
    detail = f"{loss}: implausible; if they are really gone, scan with --accept-drop"
    return msgspec.structs.replace(section, status="partial", detail=detail)


def notices(found: Iterable[Loss]) -> Iterator[str]:
    """Yield notices for the report."""
    for one in found:
        place = f"source {one.source}" if one.scope is None else f"{one.scope} of source {one.source}"
        yield f"{place} lists {one}: implausible, so none counts as gone; if they are, scan again with --accept-drop"


# --- Recreated identities: deleted and created again under a known key, so the approved one is gone. Pure ---

LOOK_BACK = timedelta(days=90)
"""The longest time between two scans: an identity recreated in an unread place is not older."""


def to_look_up(identities: Iterable[Identity], now: datetime) -> dict[str, Identity]:
    """Return the identities by key that may be recreated: created recently, or at an unknown time."""
    return {
        identity.key: identity
        for identity in identities
        if identity.unique_id is not None and (identity.created_at is None or now - identity.created_at <= LOOK_BACK)
    }


def recreations(
    identities: Mapping[str, Identity],
    last_ids: Mapping[str, tuple[str, str]],
    earlier: Iterable[Finding],
    today: date,
) -> dict[str, Recreation]:
    """Return the recreations by key, as this scan or an earlier one found them.

    ``identities``: the identities to check, by key. ``last_ids``: source and unique id that these keys last had; lists
    can have ids of their own. ``earlier``: the last scan's findings of the rule, valid as long as the key keeps that
    unique id.
    """
    known = {finding.identity: msgspec.convert(finding.evidence, Recreation) for finding in earlier}
    stand = {key: one for key, one in known.items() if key is not None}
    made = {
        key: Recreation(
            unique_id=one.unique_id,
            before=last_ids[key][1],
            recreated_on=today if one.created_at is None else one.created_at.date(),
        )
        for key, one in identities.items()
        if one.unique_id is not None and _is_another(one.unique_id, one.source, last_ids.get(key))
    }
    return stand | made


def _is_another(unique_id: str, source: str, last: tuple[str, str] | None) -> bool:
    return last is not None and last[0] == source and last[1] != unique_id


# --- Renamed identities, found by their unique id, and their entries. Pure ---
#
# An entry that names the former key or name does not match the new one, because anybody can take a name. The unique id
# is assigned by the provider, so the entry is suggested with that as evidence, until it names the new key.

SCORE = 0.97
"""Anybody can take a name, but not a unique id, except in a list with ids of its own."""

Issued: TypeAlias = tuple[str, str, str]
"""Provider, scope and unique id."""


def gone(last: Iterable[EntryAssessment], identities: Iterable[Identity]) -> frozenset[str]:
    """Return keys that entries once matched and that no longer exist.

    ``last``: the entries as the last scan judged them.
    """
    seen = {identity.key for identity in identities}
    once = (key for entry in last for key in (*entry.identities, *entry.renamed.values()))
    return frozenset(key for key in once if key not in seen)


def with_renamed(
    entries: Sequence[EntryAssessment],
    registry: Mapping[str, RegistryVerdict],
    last: Iterable[EntryAssessment],
    identities: Iterable[Identity],
    known: Mapping[str, Issued],
) -> tuple[EntryAssessment, ...]:
    """Return the entries with the unregistered identities that they matched under another key.

    ``registry``: the verdicts by key. ``known``: what the store knows of the keys that are gone.
    """
    wanted = set(known.values())
    there = [identity for identity in identities if identity.unique_id is not None and _issued(identity) in wanted]
    times = Counter(map(_issued, there))
    by_id = {_issued(one): one.key for one in there if times[_issued(one)] == 1}
    once = {one.entry.id: (*one.identities, *one.renamed.values()) for one in last}
    found = [_renamed(once.get(entry.entry.id, ()), known, by_id, registry) for entry in entries]
    return tuple(
        one if one.renamed == renamed else msgspec.structs.replace(one, renamed=renamed)
        for one, renamed in zip(entries, found, strict=True)
    )


def _renamed(
    keys: Iterable[str],
    known: Mapping[str, Issued],
    by_id: Mapping[Issued, str],
    registry: Mapping[str, RegistryVerdict],
) -> dict[str, str]:
    """Return the former key of each identity by its current key."""
    pairs = ((by_id.get(known[key]), key) for key in sorted(keys) if key in known)
    return {now: key for now, key in pairs if now is not None and registry[now].state == "unregistered"}


def _issued(identity: Identity) -> Issued:
    return identity.provider, identity.scope, identity.unique_id or ""


def renames(entries: Iterable[EntryAssessment], known: Mapping[str, Issued]) -> dict[str, tuple[MatchCandidate, ...]]:
    """Return the entries of renamed identities, by their current key. ``entries``: those of ``with_renamed``."""
    found: dict[str, tuple[MatchCandidate, ...]] = {}
    for one in entries:
        for now, before in sorted(one.renamed.items()):
            *_, unique_id = known[before]
            evidence = f"was {printable(before)} and has the same unique id, {printable(unique_id)}"
            entry = MatchCandidate(entry=one.entry.id, score=SCORE, evidence=evidence)
            found[now] = (*found.get(now, ()), entry)
    return found


# --- Identities that lists had only in readings with a gap: what was partly read may name what does not exist ---


def outside_listings(
    last: Iterable[Assessment], coverage: Sequence[Coverage], lists: Collection[str]
) -> dict[str, str]:
    """Return the sources of last known identities, by key, in scopes that a list read without a gap does not have."""
    gaps = {one.source for one in coverage if one.is_gap}
    whole = {one.source for one in coverage if one.source in lists and one.source not in gaps}
    listed = {(one.source, one.scope) for one in coverage}
    known = (one.identity for one in last)
    return {one.key: one.source for one in known if one.source in whole and (one.source, one.scope) not in listed}


def without_unconfirmed(counts: Count, unconfirmed: Mapping[str, tuple[str, str, str]]) -> Count:
    """Return the counts without these identities, by key with their place; of a source that has others."""
    fewer = Counter(counts)
    fewer.subtract(Counter(unconfirmed.values()))
    confirmed = {source for (source, _, _), number in fewer.items() if number > 0}
    return {place: fewer[place] if place[0] in confirmed else number for place, number in counts.items()}
