"""The registry's axis: which entry stands for each identity, what became of each entry, what may belong together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import msgspec
from msgspec import Struct

from scanner.continuity.remembered import or_as_last_known
from scanner.continuity.renamed import Issued, renames, with_renamed
from scanner.continuity.unread_rows import SetAside
from scanner.exemptions import Exemptions
from scanner.inventory import Inventory
from scanner.matching.agreement import as_written
from scanner.matching.entries import judge_entries
from scanner.matching.imitations import look_alikes
from scanner.matching.ladder import Matching, match
from scanner.matching.places import Places, SourceRef
from scanner.model import (
    Entry,
    EntryAssessment,
    Identity,
    IdentityCandidate,
    MatchCandidate,
    NatureVerdict,
    RegistryVerdict,
)
from scanner.roster import Roster
from scanner.suggestions.suggest import KEPT, Suggestions, suggest

_UNCHECKED = RegistryVerdict(state="unchecked", evidence="no registry was given")


class Reconciled(Struct, frozen=True, kw_only=True):
    """``registry``: the verdict on each identity, by its key. ``entries``: one for each of the registry's."""

    registry: Mapping[str, RegistryVerdict]
    entries: tuple[EntryAssessment, ...]
    notices: tuple[str, ...]


def reconcile(
    inventory: Inventory,
    entries: Sequence[Entry] | None,
    natures: Mapping[str, NatureVerdict],
    *,
    roster: Roster | None,
    exemptions: Exemptions,
    tag_keys: Sequence[str],
    sources: Sequence[SourceRef],
    places: Places,
    last: Sequence[EntryAssessment],
    gone: Mapping[str, Issued],
    carried: Collection[str],
    aside: SetAside,
    today: date,
) -> Reconciled:
    """What was found, against what was declared; ``entries``: None where there is no registry at all.

    ``natures``: by key. ``last``: the entries as the last scan judged them. ``gone``: what is known of keys that they
    matched and that are not there. ``carried``: keys of identities that
    stand from there. ``aside``: what unreadable rows leave open; its entries are among ``entries``.
    """
    seen = inventory.identities
    matching = match(
        seen,
        entries or (),
        tag_keys=tag_keys,
        today=today,
        who=as_written if roster is None else roster.meant_by,
    )
    if entries is None:
        return Reconciled(registry={one.key: _UNCHECKED for one in seen}, entries=(), notices=matching.notices)
    registry = {
        one.key: aside.verdict(one.key, _verdict(one, natures[one.key], matching, exemptions, places)) for one in seen
    }
    for key, found in look_alikes(seen, registry, entries, today).items():
        registry[key] = msgspec.structs.replace(registry[key], look_alike=found)
    judged = tuple(map(aside.entry, _entries(inventory, entries, matching, sources, last, carried, today)))
    judged = with_renamed(judged, registry, last, seen, gone)
    renamed = renames(judged, gone)
    likely = suggest([one for one in seen if registry[one.key].state == "unregistered"], judged)
    for more in (renamed.for_identities, likely.for_identities):
        registry |= {key: _with_candidates(registry[key], found) for key, found in more.items()}
    return Reconciled(
        registry=registry,
        entries=tuple(_entry_with_candidates(one, renamed, likely) for one in judged),
        notices=(*matching.notices, *likely.notices),
    )


def _verdict(
    identity: Identity, nature: NatureVerdict, matching: Matching, exemptions: Exemptions, places: Places
) -> RegistryVerdict:
    """The match, unless there is none and the identity needs none."""
    verdict = matching.verdicts[identity.key]
    if verdict.state == "registered":
        return verdict
    reason = identity.managed_by or exemptions.reason(identity)
    if reason is None and nature.verdict == "human":
        reason = "a person: " + "; ".join(signal.evidence for signal in nature.signals if signal.says == "human")
    if reason is not None:
        return RegistryVerdict(state="exempt", evidence=reason)
    if verdict.state == "unregistered" and places.missing_rungs(identity.source, identity.scope, identity.kind):
        return msgspec.structs.replace(verdict, provisional=True)
    return verdict


def _entries(
    inventory: Inventory,
    entries: Sequence[Entry],
    matching: Matching,
    sources: Sequence[SourceRef],
    last: Sequence[EntryAssessment],
    carried: Collection[str],
    today: date,
) -> tuple[EntryAssessment, ...]:
    judged = judge_entries(
        entries,
        matching,
        {one.key: one for one in inventory.identities},
        inventory.coverage,
        sources=sources,
        today=today,
    )
    known = {one.entry.id: one for one in last}
    return tuple(or_as_last_known(one, known.get(one.entry.id), carried) for one in judged)


def _with_candidates(judged: RegistryVerdict, found: tuple[MatchCandidate, ...]) -> RegistryVerdict:
    """With what is suggested behind what it has: proposed entries that match, entries of the name that it had."""
    named = {one.entry for one in judged.candidates}
    more = [one for one in found if one.entry not in named]
    return msgspec.structs.replace(judged, candidates=(*judged.candidates, *more)[:KEPT])


def _entry_with_candidates(judged: EntryAssessment, *suggested: Suggestions) -> EntryAssessment:
    """With one of each identity, those first that are suggested first."""
    found: dict[str, IdentityCandidate] = {}
    for suggestions in suggested:
        for one in suggestions.for_entries.get(judged.entry.id, ()):
            found.setdefault(one.identity, one)
    return msgspec.structs.replace(judged, candidates=tuple(found.values())[:KEPT]) if found else judged
