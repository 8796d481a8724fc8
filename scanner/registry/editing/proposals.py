"""Which owners that people proposed in the served page are taken into the registry, and how; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from scanner.model import Assessment, Entry, ScanResult
from scanner.model.served import SERVED_PAGE, OwnerDenied, OwnerProposed
from scanner.registry.editing.filled_in import FilledInAnswer
from scanner.registry.editing.splitting import one_by_one
from scanner.text import counted, printable


class Proposed(Struct, frozen=True, kw_only=True):
    """The answers in the order of the scan, and sentences about what is not taken."""

    answers: tuple[FilledInAnswer, ...]
    left: tuple[str, ...]


def proposed(
    proposals: Sequence[OwnerProposed],
    denials: Sequence[OwnerDenied],
    result: ScanResult,
    entries: Sequence[Entry],
    *,
    only: Sequence[str] = (),
) -> Proposed:
    """The last owner proposed for each identity of the scan, unless its entry was reviewed since.

    ``only``: keys of the identities to take; empty for all. Of an entry that stands for several, the identity gets an
    entry of its own, unless the proposal names all of them.
    """
    chosen = frozenset(only)
    last = {one.identity: one for one in proposals if one.withdrawn_at is None}
    wanted = {key: one for key, one in last.items() if not chosen or key in chosen}
    judged = {one.identity.key: one for one in result.identities}
    there = {key: one for key, one in wanted.items() if key in judged}
    reviewed = {entry.id: entry.last_reviewed for entry in entries}
    covered = {one.entry.id: frozenset(one.identities) for one in result.entries if one.entry.id in reviewed}

    def is_settled(one: OwnerProposed) -> bool:
        day = reviewed.get(judged[one.identity].registry.entry or "")
        return day is not None and day >= one.at.date()

    standing = {key: one for key, one in there.items() if not is_settled(one)}
    grown = {key: _grown(one, judged[key], covered) for key, one in standing.items()}
    taken = {key: one for key, one in standing.items() if not grown[key]}
    alone = {key: (judged[key].registry.entry or "", one.owner) for key, one in taken.items() if not one.identities}
    by_pattern = {key for key in alone if judged[key].registry.rung == "glob"}
    apart = dict(one_by_one(covered, alone, by_pattern))
    answers = [
        _answer(one, judged, apart.get(one.identity))
        for one in (taken[each.identity.key] for each in result.identities if each.identity.key in taken)
    ]
    left = [
        (len(there) - len(standing), "older than the last review ignored"),
        (len(wanted) - len(there), "about identities that are gone ignored"),
    ]
    said = [f"{counted(number, 'proposal', 'proposals')} {what}" for number, what in left if number]
    said += [
        f"not taken: {printable(key)}, whose entry stands for more by now: {more}"
        for key, more in grown.items()
        if more
    ]
    return Proposed(answers=tuple(answers), left=(*said, *_unowned(denials, last, judged, chosen)))


def _grown(one: OwnerProposed, judged: Assessment, covered: Mapping[str, frozenset[str]]) -> str:
    """What the entry stands for beyond what a proposal for all of it named."""
    if not one.identities:
        return ""
    more = covered.get(judged.registry.entry or "", frozenset()) - frozenset(one.identities)
    return printable(", ".join(sorted(more)))


def _answer(one: OwnerProposed, judged: Mapping[str, Assessment], apart: Sequence[str] | None) -> FilledInAnswer:
    origin = replace(SERVED_PAGE, file=f"{SERVED_PAGE.file}, {one.by} on {one.at:%Y-%m-%d}")
    found = judged[one.identity]
    return FilledInAnswer(
        origin=origin,
        identity=found.identity,
        entry=found.registry.entry if apart is not None or one.identities else None,
        cells={"owner": (one.owner,)},
        apart_from=None if apart is None else tuple(judged[key].identity for key in apart if key in judged),
        covers=one.identities,
    )


def _unowned(
    denials: Sequence[OwnerDenied],
    last: Mapping[str, OwnerProposed],
    judged: Mapping[str, Assessment],
    chosen: frozenset[str],
) -> Iterator[str]:
    """Identities whose owner says that they are not theirs, without anybody proposed since."""
    said = {one.identity: one for one in denials if one.withdrawn_at is None}
    for key, one in said.items():
        after = last.get(key)
        if key in judged and (not chosen or key in chosen) and (after is None or after.at < one.at):
            yield f"not changed: {one.by} says that {printable(key)} is not theirs, and nobody was proposed"
