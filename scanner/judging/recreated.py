"""Identities whose entry holds the unique id of another one: deleted, and created again under the same name. Pure.

The store knows the unique ids of earlier scans (``last_known.vanished``); here the registry alone shows it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from scanner.matching.keys import fold
from scanner.matching.places import Places, SourceRef, locate
from scanner.matching.recreated import is_recreated, same_unique_id
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
    named: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        for text in (entry.name or "", *entry.identities) if entry.status != "retired" else ():
            named[_letters(_last(text))].append(entry)
    wanted = {same_unique_id(text) for found in named.values() for entry in found for text in entry.identities}
    alive = {text for identity in identities for text in map(same_unique_id, _ids(identity)) if text in wanted}
    places = Places(coverage, sources)
    changed = {}
    for identity in identities:
        verdict = registry[identity.key]
        if identity.unique_id is None or verdict.state not in ("registered", "unregistered"):
            continue
        of_name = (entry for entry in named.get(_letters(identity.name), ()) if verdict.entry in (None, entry.id))
        for entry in of_name:
            if is_recreated(identity, entry, alive) and not any(map(places.why_unread, locate(entry))):
                changed[identity.key] = _changed(verdict, identity, entry, alive)
                break
    return changed


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


def _ids(identity: Identity) -> Iterable[str]:
    return (identity.unique_id or "", identity.key, *identity.aliases)


def _last(text: str) -> str:
    return text.rstrip("/:").replace(":", "/").rpartition("/")[2]


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, fold(text)))
