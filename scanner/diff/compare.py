"""What became of the registry's entries. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from scanner.diff import aspects
from scanner.diff.aspects import differences
from scanner.diff.records import Counts, Diff, Difference
from scanner.judging.last_known.registry_rows import renamed
from scanner.matching.places import Places
from scanner.model import (
    SEVERITY_RANK,
    Assessment,
    Change,
    ChangeName,
    Coverage,
    EntryAssessment,
    EntryState,
    Fact,
    Finding,
    ScanResult,
    credential_key,
)

_STEPS: Mapping[EntryState, str] = {
    "not_found": "Find out whether it is gone for good; then retire the entry.",
    "retired_but_alive": "Switch the identity off, or take the entry back into use.",
}
"""By what an entry became."""


def entry_changes(
    pairs: Sequence[tuple[EntryAssessment | None, EntryAssessment | None]], names: Mapping[str, str]
) -> Iterator[Change]:
    """Entries that are new, gone, or in another state; by id. ``names``: of old ids that are called otherwise now.

    One that could not be evaluated again keeps its last state, so it is none of these.
    """
    old = {names.get(one.entry.id, one.entry.id): one for one, _ in pairs if one is not None}
    new = {one.entry.id: one for _, one in pairs if one is not None}
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        shown = after or before
        assert shown is not None
        if before is None or after is None or before.state != after.state:
            yield Change(
                subject="entry",
                change="joined" if before is None else "left" if after is None else "moved",
                key=shown.entry.id,
                name=shown.entry.name or "; ".join(shown.entry.identities),
                provider=shown.entry.provider,
                scope=shown.entry.scope,
                kind=shown.entry.kind,
                aspect="state",
                before=_told(before),
                after=_told(after),
                ask=next(iter(shown.entry.owner), None),
                next_step=None if after is None else _STEPS.get(after.state),
            )


def _told(one: EntryAssessment | None) -> str | None:
    return None if one is None else one.state.replace("_", " ")


# --- Which findings are new, came back, are resolved, or were forgotten. Pure ---

_OVER: Mapping[ChangeName, int] = {"resolved": 1, "forgotten": 2}
"""What stands no more, after what does."""


def finding_changes(
    pairs: Iterable[tuple[Finding | None, Finding | None]],
    came_back: Collection[str],
    forgotten: Collection[str],
    names: Mapping[str, str],
) -> list[Change]:
    """Findings that only one of two scans has, gravest first. What a gap holds back counts as not there.

    ``came_back``: fingerprints known from before the old scan. ``forgotten``: of findings whose place was forgotten by
    hand, so that nobody knows whether they are mended. ``names``: of entries that are called otherwise now,
    with which the fingerprints of their findings changed and nothing else.
    """
    gone, come = [], []
    for before, after in pairs:
        was, is_now = _announced(before), _announced(after)
        if was is None and is_now is not None:
            come.append(is_now)
        elif was is not None and is_now is None:
            gone.append(was)
    moved = _on_moved_rows(gone, come, names)
    come = [one for one in come if not (one.is_on_entry and (one.rule, one.entry) in moved)]
    gone = [one for one in gone if not (one.is_on_entry and (one.rule, names.get(one.entry or "")) in moved)]
    rows = [_change(one, "reopened" if one.fingerprint in came_back else "new") for one in come]
    rows += [_change(one, "forgotten" if one.fingerprint in forgotten else "resolved") for one in gone]
    return sorted(
        rows, key=lambda row: (_OVER.get(row.change, 0), SEVERITY_RANK[row.severity or "info"], row.rule, row.key)
    )


def _announced(one: Finding | None) -> Finding | None:
    return None if one is None or one.held_back else one


def _on_moved_rows(
    gone: Iterable[Finding], come: Iterable[Finding], names: Mapping[str, str]
) -> set[tuple[str, str | None]]:
    """Rule and new name of findings on entries whose row is now another."""
    before = {(one.rule, names.get(one.entry or "")) for one in gone if one.is_on_entry}
    return {(one.rule, one.entry) for one in come if one.is_on_entry and (one.rule, one.entry) in before}


def _change(one: Finding, change: ChangeName) -> Change:
    is_over = change in _OVER
    return Change(
        subject="finding",
        change=change,
        key=one.fingerprint,
        name=one.title,
        before="open" if is_over else None,
        after=None if is_over else "open",
        severity=one.severity,
        rule=one.rule,
        identity=one.subject,
        ask=one.owner,
        next_step=None if is_over else one.remediation,
    )


# --- Two scans side by side: who joined, moved, left and came back, and what became of findings and entries. Pure ---
#
# Only what the two do not have alike is looked at; whoever keeps the scans knows which records these are.

PLACE_NOT_READ_BEFORE = "its place was not completely read before, so it may be older"

_Ranked: TypeAlias = tuple[int, str, list[Change]]
"""The changes of one identity with what they are sorted by: how much they matter, and its key."""

_RANKS: Mapping[ChangeName, int] = {
    "replaced": 0, "joined": 2, "returned": 2, "moved": 4, "left": 5, "forgotten": 6, "not_rechecked": 7
}  # fmt: skip
_GREW = 1
_NEEDS_SOMEBODY = 3
"""A move that asks for something comes before one that does not."""


class Unlike(Struct, frozen=True, kw_only=True):
    """All that two scans do not have alike, as pairs with None where a scan has none of that key.

    ``returned``: by key of identities that had been there before the old scan, since when they were gone.
    ``came_back``: likewise fingerprints of findings. ``forgotten``: keys and fingerprints of identities and findings
    whose place was forgotten by hand, which was the end of them. ``not_rechecked``: identities the new scan could not
    look at.
    ``old``, ``new``: the scans; their records are not needed.
    """

    old: ScanResult
    new: ScanResult
    identities: Iterable[tuple[Assessment | None, Assessment | None]] = ()
    returned: Mapping[str, datetime] = {}
    not_rechecked: Iterable[Assessment] = ()
    findings: Iterable[tuple[Finding | None, Finding | None]] = ()
    came_back: frozenset[str] = frozenset()
    forgotten: frozenset[str] = frozenset()
    entries: Sequence[tuple[EntryAssessment | None, EntryAssessment | None]] = ()


def compare(unlike: Unlike) -> Diff:
    """All that changed, what matters first; nothing under a gap of the new scan is said to have left."""
    entries = unlike.entries
    names = renamed([one.entry for one, _ in entries if one], [one.entry for _, one in entries if one])
    before, after = Places(unlike.old.coverage), Places(unlike.new.coverage)
    to_light = _come_to_light(unlike.old.coverage, unlike.new.coverage)
    ranked = [
        _ranked(_compare_change("not_rechecked", one, next_step=aspects.NOT_RECHECKED)) for one in unlike.not_rechecked
    ]
    for old, new in _with_renamed(unlike.identities, unlike.forgotten):
        if old is None and new is not None:
            ranked.append(_ranked(_arrival(new, unlike.returned.get(new.identity.key), before)))
        elif old is not None and new is None:
            ranked.append(_ranked(_departure(old, after, unlike.forgotten)))
        elif old is not None and new is not None:
            facts = to_light.get(new.identity.source, ())
            was = _with_names(old, names)
            rows = [_move(new, one) for one in differences(_under_key(was, new.identity.key), new, facts)]
            if was.identity.key != new.identity.key:
                rows.insert(0, _rename(was, new))
            if rows:
                ranked.append(_ranked(*rows))
    changes = (
        *chain.from_iterable(rows for _, _, rows in sorted(ranked, key=lambda one: one[:2])),
        *finding_changes(unlike.findings, unlike.came_back, unlike.forgotten, names),
        *entry_changes(entries, names),
    )
    return Diff(
        old=unlike.old.scan,
        new=unlike.new.scan,
        summary=_counted(changes),
        changes=changes,
        notices=unlike.new.notices,
    )


def _with_renamed(
    pairs: Iterable[tuple[Assessment | None, Assessment | None]], forgotten: Collection[str]
) -> Iterator[tuple[Assessment | None, Assessment | None]]:
    """The pairs, in which one that left and one that joined are one where they have the same unique id.

    Only within a provider and scope, and only where exactly one of each has that id.
    """
    left: dict[tuple[str, str, str], list[Assessment]] = defaultdict(list)
    joined: dict[tuple[str, str, str], list[Assessment]] = defaultdict(list)
    for old, new in pairs:
        one = (old or new) if old is None or new is None else None
        if one is None or one.identity.unique_id is None or one.identity.key in forgotten:
            yield old, new
        else:
            place = one.identity.provider, one.identity.scope, one.identity.unique_id
            (joined if old is None else left)[place].append(one)
    for place in left.keys() | joined.keys():
        gone, come = left.get(place, []), joined.get(place, [])
        if len(gone) == len(come) == 1:
            yield gone[0], come[0]
        else:
            yield from ((one, None) for one in gone)
            yield from ((None, one) for one in come)


def _under_key(one: Assessment, key: str) -> Assessment:
    """As if it had been called so before: its credentials' keys begin with its own."""
    identity = one.identity
    if identity.key == key:
        return one
    credentials = tuple(replace(held, key=credential_key(key, held.kind, held.id)) for held in identity.credentials)
    return replace(one, identity=replace(identity, key=key, credentials=credentials))


def _come_to_light(old: Iterable[Coverage], new: Iterable[Coverage]) -> dict[str, set[Fact]]:
    """By source: facts that a place adds to identities anywhere, which the old scan could not read there."""
    gaps = {(one.source, one.scope, one.section) for one in new if one.is_gap}
    found: dict[str, set[Fact]] = {}
    for one in old:
        if one.is_gap and one.feeds and (one.source, one.scope, one.section) not in gaps:
            found.setdefault(one.source, set()).update(one.feeds)
    return found


def _ranked(*rows: Change) -> _Ranked:
    return min(map(_rank, rows)), rows[0].key, list(rows)


def _rank(row: Change) -> int:
    if row.reach_grew:
        return _GREW
    return _NEEDS_SOMEBODY if row.change == "moved" and row.next_step else _RANKS[row.change]


def _arrival(one: Assessment, gone_since: datetime | None, before: Places) -> Change:
    if gone_since is not None:
        was = f"gone since {gone_since:%Y-%m-%d}"
        return _compare_change("returned", one, before=was, after=_compare_told(one), next_step=aspects.RETURNED)
    identity = one.identity
    was_read = before.completely_read(identity.source, identity.scope, identity.kind)
    return _compare_change(
        "joined",
        one,
        after=_compare_told(one),
        next_step=aspects.after_joining(one),
        caveat=None if was_read else PLACE_NOT_READ_BEFORE,
    )


def _departure(one: Assessment, after: Places, forgotten: Collection[str]) -> Change:
    identity = one.identity
    if identity.key in forgotten:
        return _compare_change(
            "forgotten", one, before=f"was {_compare_told(one)}", next_step=aspects.after_leaving(one)
        )
    if not after.completely_read(identity.source, identity.scope, identity.kind):
        return _compare_change("not_rechecked", one, next_step=aspects.NOT_RECHECKED)
    return _compare_change("left", one, before=f"was {_compare_told(one)}", next_step=aspects.after_leaving(one))


def _move(one: Assessment, found: Difference) -> Change:
    return _compare_change(
        "replaced" if found.aspect == "unique_id" else "moved",
        one,
        aspect=found.aspect,
        before=found.before,
        after=found.after,
        reach_grew=found.reach_grew,
        next_step=aspects.after_moving(found),
        caveat=found.caveat,
    )


def _rename(old: Assessment, new: Assessment) -> Change:
    entry = old.registry.entry
    lost = entry is not None and entry != new.registry.entry
    return _compare_change(
        "moved",
        new,
        aspect="name",
        before=old.identity.key,
        after=new.identity.key,
        next_step=aspects.AFTER_RENAMING.format(entry=entry) if lost else None,
    )


def _compare_change(change: ChangeName, one: Assessment, **facts: Any) -> Change:
    identity = one.identity
    return Change(
        subject="identity",
        change=change,
        key=identity.key,
        name=identity.display_name or identity.name,
        provider=identity.provider,
        source=identity.source,
        scope=identity.scope,
        kind=identity.kind,
        ask=one.contact,
        **facts,
    )


def _compare_told(one: Assessment) -> str:
    """An identity in a few words: what of it counts for whoever has to decide about it."""
    words = [one.registry.state, one.ownership.state.replace("_", " "), f"privilege {one.privilege.level}"]
    return ", ".join([*words, *(["AI agent"] if one.agent.is_agent else [])])


def _with_names(one: Assessment, names: Mapping[str, str]) -> Assessment:
    """With the entry as it is called now, where only its row is another."""
    entry = names.get(one.registry.entry or "")
    return one if entry is None else replace(one, registry=replace(one.registry, entry=entry))


def _counted(changes: Iterable[Change]) -> Counts:
    rows = Counter((row.subject, row.change) for row in changes)
    return Counts(
        joined=rows["identity", "joined"],
        moved=len(set(_moving(changes))),
        left=rows["identity", "left"],
        returned=rows["identity", "returned"],
        not_rechecked=rows["identity", "not_rechecked"],
        reach_grew=len({row.key for row in changes if row.reach_grew}),
        replaced=rows["identity", "replaced"],
        new_findings=rows["finding", "new"],
        reopened_findings=rows["finding", "reopened"],
        resolved_findings=rows["finding", "resolved"],
        entries=sum(row.subject == "entry" for row in changes),
        forgotten=rows["identity", "forgotten"],
        forgotten_findings=rows["finding", "forgotten"],
    )


def _moving(changes: Iterable[Change]) -> Iterator[str]:
    return (row.key for row in changes if row.subject == "identity" and row.change in ("moved", "replaced"))
