"""Which identities are there under another name than earlier scans knew, by their unique id, and their entries. Pure.

An entry that names the old key or name does not match the new one: anybody may take a name. But the unique id is the
provider's own, so the entry is suggested, with that as evidence, until somebody writes the new key into it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from scanner.model import EntryAssessment, Identity, IdentityCandidate, MatchCandidate, RegistryVerdict
from scanner.suggestions.suggest import Suggestions
from scanner.text import printable

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
