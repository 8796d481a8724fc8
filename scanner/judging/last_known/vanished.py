"""Whether so much is gone at once that the reading is doubted, rather than a mass departure reported. Pure.

A listing that ends too early answers like one that is complete. So a source that lost an implausible share, or a big
scope that did, counts as partly read: what is missing stands as last seen until somebody says that it is really gone.
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
from scanner.matching.suggestions.suggest import Suggestions
from scanner.model import (
    Coverage,
    EntryAssessment,
    Finding,
    Identity,
    IdentityCandidate,
    MatchCandidate,
    Recreation,
    RegistryVerdict,
)
from scanner.text import counted, printable

MOST_LOST = 0.3
"""The share of its identities that a place may lose between two readings and still be believed."""
FEWEST_LOST = 10
"""A source that lost fewer is believed: in a small estate, an afternoon's tidying is a third of it."""
FEWEST_LOST_OF_SCOPE = 50
"""One of many scopes is tidied up or wound down more often than a whole source."""
_FLEETING = frozenset({"token"})
"""Kinds that end by themselves, many at a time."""

Count: TypeAlias = Mapping[tuple[str, str, str], int]
"""Identities by source, scope and kind."""
_Place: TypeAlias = tuple[str, str | None]
"""A source and one of its scopes; None: all of them."""


class Loss(Struct, frozen=True):
    """How many identities a place had, and has now. ``scope`` None: the whole source.

    ``kept``: how many of those that it had are still there, where others took the place of the rest.
    """

    source: str
    scope: str | None
    before: int
    now: int
    kept: int | None = None

    def __str__(self) -> str:
        if self.kept is not None:
            return f"{self.kept:,} of the {counted(self.before, 'identity', 'identities')} that the last reading had"
        return f"{counted(self.now, 'identity', 'identities')} where the last reading had {self.before:,}"


def still_there(last: Iterable[tuple[str, str, str, str | None]], inventory: Inventory) -> Counter[str]:
    """By source, how many of its last identities are there: by their key, or by their unique id under another key.

    ``last``: source, provider, key and unique id of each.
    """
    keys = {one.key for one in inventory.identities}
    ids = {(one.provider, one.unique_id) for one in inventory.identities if one.unique_id is not None}
    return Counter(source for source, provider, key, own in last if key in keys or (provider, own) in ids)


def losses(
    inventory: Inventory, before: Count, lists: Collection[str], kept: Mapping[str, int] | None = None
) -> tuple[Loss, ...]:
    """Places that lost too much to be believed; what lies in a gap is not counted, as it stands as last seen anyway.

    ``before``: as the last scan knew them. ``lists``: sources that are somebody's lists: half of one may be missing
    however short it is, and another file may lie in its place. ``kept``: by list, how many of the last identities are
    still there. A provider's answer is counted alone: what is made anew every night under new names is no loss.
    """
    places = Places(inventory.coverage)
    was = {place: number for place, number in before.items() if _counts(place, places, lists)}
    now = Counter((source, one.scope, one.kind) for one in inventory.identities for source in one.sources)
    held, holds = _by_place(was), _by_place({place: now[place] for place in now if _counts(place, places, lists)})
    every = [
        Loss(source, scope, number, holds[source, scope], _replaced(source, holds[source, scope], kept or {}))
        for (source, scope), number in held.items()
    ]
    # Where nothing was read at all, that is the fault to name.
    read = {one.source for one in inventory.coverage if not one.is_gap or one.status == "partial"}
    found = [one for one in every if one.source in read and _is_implausible(one, lists)]
    whole = {one.source for one in found if one.scope is None}
    return tuple(sorted((one for one in found if one.scope is None or one.source not in whole), key=_place))


def _replaced(source: str, now: int, kept: Mapping[str, int]) -> int | None:
    """How many of the source's are still there, where that is less than there are now."""
    return kept[source] if source in kept and kept[source] < now else None


def _counts(place: tuple[str, str, str], places: Places, lists: Collection[str]) -> bool:
    source, _, kind = place
    return source in lists or (kind not in _FLEETING and places.completely_read(*place))


def _by_place(count: Count) -> Counter[_Place]:
    """By source and by scope of a source."""
    by_place: Counter[_Place] = Counter()
    for (source, scope, _), number in count.items():
        by_place[source, None] += number
        by_place[source, scope] += number
    return by_place


def _place(loss: Loss) -> tuple[str, str]:
    return loss.source, loss.scope or ""


def _is_implausible(loss: Loss, lists: Collection[str]) -> bool:
    if min(loss.now, loss.now if loss.kept is None else loss.kept) >= loss.before * (1 - MOST_LOST):
        return False
    if loss.source in lists:
        return loss.scope is None
    return loss.before - loss.now >= (FEWEST_LOST if loss.scope is None else FEWEST_LOST_OF_SCOPE)


def doubted(inventory: Inventory, found: Iterable[Loss]) -> Inventory:
    """The inventory with what these places listed as only partly read."""
    by_place: dict[_Place, Loss] = {(one.source, one.scope): one for one in found}
    coverage = (
        _doubted(one, by_place.get((one.source, None)) or by_place.get((one.source, one.scope)))
        for one in inventory.coverage
    )
    return msgspec.structs.replace(inventory, coverage=tuple(coverage))


def _doubted(section: Coverage, loss: Loss | None) -> Coverage:
    if loss is None or section.status != "complete" or not section.kinds:
        return section
    detail = f"{loss}: not believed; if so many are gone, scan with --accept-drop"
    return msgspec.structs.replace(section, status="partial", detail=detail)


def notices(found: Iterable[Loss]) -> Iterator[str]:
    """What to tell whoever reads the result."""
    for one in found:
        place = f"source {one.source}" if one.scope is None else f"{one.scope} of source {one.source}"
        yield f"{place} lists {one}: none is called gone; if they are, scan again with --accept-drop"


# ---
# Which identities were deleted and made anew under a key that was known: what was approved is another one. Pure.

LOOK_BACK = timedelta(days=90)
"""No place stays unread for so long between two scans that what was made anew in it is older."""


def to_look_up(identities: Iterable[Identity], now: datetime) -> dict[str, Identity]:
    """By key, those that may be new under their key: made lately, or nobody knows when."""
    return {
        one.key: one
        for one in identities
        if one.unique_id is not None and (one.created_at is None or now - one.created_at <= LOOK_BACK)
    }


def recreations(
    identities: Mapping[str, Identity],
    last_ids: Mapping[str, tuple[str, str]],
    standing: Iterable[Finding],
    today: date,
) -> dict[str, Recreation]:
    """By key, how each was made anew, as this scan or an earlier one found it.

    ``identities``: those to look at, by key; ``last_ids``: source and unique id that these keys had last, for a list
    may have ids of its own. ``standing``: the last scan's findings of the rule, each of which stands for as long as
    its key keeps that unique id.
    """
    known = {finding.identity: msgspec.convert(finding.evidence, Recreation) for finding in standing}
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


# ---
# Which identities are there under another name than earlier scans knew, by their unique id, and their entries. Pure.
#
# An entry that names the old key or name does not match the new one: anybody may take a name. But the unique id is
# the provider's own, so the entry is suggested, with that as evidence, until somebody writes the new key into it.

SCORE = 0.97
"""A name may be taken; a unique id cannot be, but within a list that makes up its own."""

Issued: TypeAlias = tuple[str, str, str]
"""Provider, scope and unique id."""


def gone(last: Iterable[EntryAssessment], identities: Iterable[Identity]) -> frozenset[str]:
    """Keys that entries once matched and that are not there. ``last``: the entries as the last scan judged them."""
    seen = {one.key for one in identities}
    once = (key for entry in last for key in (*entry.identities, *entry.renamed.values()))
    return frozenset(key for key in once if key not in seen)


def with_renamed(
    entries: Sequence[EntryAssessment],
    registry: Mapping[str, RegistryVerdict],
    last: Iterable[EntryAssessment],
    identities: Iterable[Identity],
    known: Mapping[str, Issued],
) -> tuple[EntryAssessment, ...]:
    """The entries with the unregistered identities that they matched under another key.

    ``registry``: the verdicts by key. ``known``: what the store knows of the keys that are gone.
    """
    wanted = set(known.values())
    there = [one for one in identities if one.unique_id is not None and _issued(one) in wanted]
    times = Counter(map(_issued, there))
    by_id = {_issued(one): one.key for one in there if times[_issued(one)] == 1}
    once = {one.entry.id: (*one.identities, *one.renamed.values()) for one in last}
    found = [_renamed(once.get(one.entry.id, ()), known, by_id, registry) for one in entries]
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
    """By the key that it has now, the key that each had."""
    pairs = ((by_id.get(known[key]), key) for key in sorted(keys) if key in known)
    return {now: key for now, key in pairs if now is not None and registry[now].state == "unregistered"}


def _issued(identity: Identity) -> Issued:
    return identity.provider, identity.scope, identity.unique_id or ""


def renames(entries: Iterable[EntryAssessment], known: Mapping[str, Issued]) -> Suggestions:
    """What the renames suggest, both ways. ``entries``: those of ``with_renamed``."""
    for_identities: dict[str, tuple[MatchCandidate, ...]] = {}
    for_entries: dict[str, tuple[IdentityCandidate, ...]] = {}
    for one in entries:
        for now, before in sorted(one.renamed.items()):
            *_, unique_id = known[before]
            evidence = f"was {printable(before)} and has the same unique id, {printable(unique_id)}"
            entry = MatchCandidate(entry=one.entry.id, score=SCORE, evidence=evidence)
            identity = IdentityCandidate(identity=now, score=SCORE, evidence=evidence)
            for_identities[now] = (*for_identities.get(now, ()), entry)
            for_entries[one.entry.id] = (*for_entries.get(one.entry.id, ()), identity)
    return Suggestions(for_identities=for_identities, for_entries=for_entries)
