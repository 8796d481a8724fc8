"""Identities whose entry holds the unique id of another one: deleted, and created again under the same name. Pure.

The store knows the unique ids of earlier scans (``last_known.vanished``); here the registry alone shows it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from scanner.matching.places import Places, SourceRef, locate
from scanner.matching.recreated import has_unique_id, is_recreated, last_segment, letters_of, same_unique_id
from scanner.model import Coverage, Entry, Former, Identity, RegistryVerdict
from scanner.text import printable


def with_former(
    registry: Mapping[str, RegistryVerdict],
    identities: Sequence[Identity],
    entries: Iterable[Entry],
    coverage: Sequence[Coverage],
    sources: Sequence[SourceRef],
) -> dict[str, RegistryVerdict]:
    """Return the verdicts on recreated identities, by key, each with the entry of the former one.

    Only where everything that the entry may name was read: an id that was not found may be elsewhere.
    """
    named: dict[str, dict[str, Entry]] = defaultdict(dict)
    for entry in entries:
        if entry.status != "retired" and has_unique_id(entry):
            for text in (entry.name or "", *entry.identities):
                named[letters_of(last_segment(text))][entry.id] = entry
    suspects = [
        (identity, entry) for identity, entry in _pairs(named, identities, registry) if is_recreated(identity, entry)
    ]
    if not suspects:  # nearly always: nothing is looked up among a million identities
        return {}
    wanted = {same_unique_id(text) for _, entry in suspects for text in entry.identities}
    alive = {
        text
        for identity in identities
        for text in map(same_unique_id, (identity.unique_id or "", identity.key, *identity.aliases))
        if text in wanted
    }
    places = Places(coverage, sources)
    return {
        identity.key: _changed(registry[identity.key], identity, entry, alive)
        for identity, entry in reversed(suspects)
        if is_recreated(identity, entry, alive) and not any(map(places.why_unread, locate(entry)))
    }


def _pairs(
    named: Mapping[str, Mapping[str, Entry]], identities: Iterable[Identity], registry: Mapping[str, RegistryVerdict]
) -> Iterator[tuple[Identity, Entry]]:
    """Yield identities with the entries of their name, unless another entry registers them."""
    for identity in identities if named else ():
        verdict = registry[identity.key]
        if identity.unique_id is not None and verdict.state in ("registered", "unregistered"):
            for entry in named.get(letters_of(identity.name), {}).values():
                if verdict.entry in (None, entry.id):
                    yield identity, entry


def _changed(verdict: RegistryVerdict, identity: Identity, entry: Entry, alive: set[str]) -> RegistryVerdict:
    alone = (replace(entry, identities=(text,), name=identity.name) for text in entry.identities)
    before = next(one.identities[0] for one in alone if is_recreated(identity, one, alive))
    said = (
        f"{entry.origin} holds the unique id {printable(before)} of an identity of this name that no longer exists; "
        f"this one has {printable(identity.unique_id or '')}"
    )
    evidence = said if verdict.evidence is None else f"{said}; {verdict.evidence}"
    candidates = tuple(one for one in verdict.candidates if one.entry != entry.id)
    return replace(verdict, former=Former(entry=entry.id, unique_id=before), evidence=evidence, candidates=candidates)
