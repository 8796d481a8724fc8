"""The changes between two scans: identities, findings and registry entries. Pure."""

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
from scanner.diff.causes import ON_LEVELS, cause_of, severity_before
from scanner.diff.origins import Origins
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
from scanner.rules.next_step import step_of

_STEPS: Mapping[EntryState, str] = {
    "not_found": "Check that it is gone for good, then retire the entry.",
    "retired_but_alive": "Disable the identity, or reactivate the entry.",
}
"""Next steps by the new state of an entry."""


def entry_changes(
    pairs: Sequence[tuple[EntryAssessment | None, EntryAssessment | None]], names: Mapping[str, str]
) -> Iterator[Change]:
    """Entries that are new, gone, or in another state, ordered by id. ``names``: new ids of renamed entries.

    An entry that could not be evaluated keeps its last state, so it has no change.
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
                before=_state_text(before),
                after=_state_text(after),
                ask=next(iter(shown.entry.owner), None),
                next_step=None if after is None else _STEPS.get(after.state),
            )


def _state_text(assessment: EntryAssessment | None) -> str | None:
    return None if assessment is None else assessment.state.replace("_", " ")


# --- Findings: new, reopened, resolved, forgotten ---

Pair: TypeAlias = tuple[Assessment | None, Assessment | None]
"""A record as the older and as the newer scan has it; None for one that lacks it."""
NO_PAIRS: Mapping[str, Pair] = {}
_OVER: Mapping[ChangeName, int] = {"resolved": 1, "forgotten": 2}
"""Closed findings are sorted after open ones."""


def finding_changes(
    pairs: Iterable[tuple[Finding | None, Finding | None]],
    came_back: Collection[str],
    forgotten: Collection[str],
    names: Mapping[str, str],
    identities: Mapping[str, Pair] = NO_PAIRS,
) -> list[Change]:
    """Findings that only one of two scans has, or that have worsened, highest severity first.

    Held-back findings count as absent. ``came_back``: fingerprints known from before the old scan. ``forgotten``:
    fingerprints of findings whose place was forgotten, so that it is unknown whether they are resolved. ``names``: new
    ids of renamed entries, whose findings only changed their fingerprint. ``identities``: those that differ, by key.
    """
    gone, come, rows = [], [], []
    for before, after in pairs:
        was, is_now = _announced(before), _announced(after)
        earlier = before if after is not None and after.held_back else was
        if after is not None and (is_now or earlier) and (worse := _worsened(earlier, after, identities)) is not None:
            rows.append(worse)
        elif was is None and is_now is not None:
            come.append(is_now)
        elif was is not None and is_now is None:
            gone.append(was)
    moved = _on_moved_rows(gone, come, names)
    come = [one for one in come if not (one.is_on_entry and (one.rule, one.entry) in moved)]
    gone = [one for one in gone if not (one.is_on_entry and (one.rule, names.get(one.entry or "")) in moved)]
    rows += [
        _change(
            one, "reopened" if one.fingerprint in came_back else "new", identities.get(one.identity or "", _NONE)[1]
        )
        for one in come
    ]
    rows += [_change(one, "forgotten" if one.fingerprint in forgotten else "resolved") for one in gone]
    return sorted(
        rows, key=lambda row: (_OVER.get(row.change, 0), SEVERITY_RANK[row.severity or "info"], row.rule, row.key)
    )


_NONE: Pair = (None, None)


def _worsened(was: Finding | None, now: Finding, identities: Mapping[str, Pair]) -> Change | None:
    """The change of a finding whose severity rose, also from that of a potential; None for another."""
    if now.acknowledged is not None:
        return None
    before, after = identities.get(now.identity or "", (None, None))
    old = severity_before(now, before) if was is None else was.severity
    if old is None or SEVERITY_RANK[now.severity] >= SEVERITY_RANK[old]:
        return None
    # What the scan said is what every other output says; an older scan is compared anew.
    cause = now.cause if now.cause is not None and now.was == old else cause_of(was, now, before, after)
    return replace(_change(now, "worsened", after), before=old, after=now.severity, cause=cause)


def concerned(pairs: Iterable[tuple[Finding | None, Finding | None]]) -> frozenset[str]:
    """Keys of identities that :func:`finding_changes` looks up: those with a finding that is new or may be worse."""
    return frozenset(
        after.identity
        for before, after in pairs
        if after is not None
        and after.identity is not None
        and (before is None or after.rule in ON_LEVELS or before.severity != after.severity)
    )


def _announced(finding: Finding | None) -> Finding | None:
    return None if finding is None or finding.held_back else finding


def _on_moved_rows(
    gone: Iterable[Finding], come: Iterable[Finding], names: Mapping[str, str]
) -> set[tuple[str, str | None]]:
    """Rule and new entry id of findings whose entry moved to another row."""
    before = {(one.rule, names.get(one.entry or "")) for one in gone if one.is_on_entry}
    return {(one.rule, one.entry) for one in come if one.is_on_entry and (one.rule, one.entry) in before}


def _change(finding: Finding, change: ChangeName, about: Assessment | None = None) -> Change:
    is_over = change in _OVER
    return Change(
        subject="finding",
        change=change,
        key=finding.fingerprint,
        name=finding.title,
        before="open" if is_over else None,
        after=None if is_over else "open",
        severity=finding.severity,
        rule=finding.rule,
        identity=finding.subject,
        ask=finding.owner,
        next_step=None if is_over else step_of(finding, about),
    )


# --- Identities: joined, moved, left, returned; and the whole comparison ---
#
# Only records that differ are compared. The store finds them.

PLACE_NOT_READ_BEFORE = "its place could not be read in full before, so it may be older"

_Ranked: TypeAlias = tuple[int, str, list[Change]]
"""The changes of one identity, with their sort key: rank and key of the identity."""

_RANKS: Mapping[ChangeName, int] = {
    "replaced": 0, "joined": 2, "returned": 2, "moved": 4, "left": 5, "forgotten": 6, "not_rechecked": 7
}  # fmt: skip
_GREW = 1


def _first(row: Change) -> int:
    """The sort key that puts arrivals, what has worsened and admins before all else."""
    if row.appeared:
        return 0
    return 1 if row.change == "worsened" else 2 if row.became_admin else 3


_MOVE_WITH_STEP = 3
"""The rank of a move with a next step, before one without."""


class Differences(Struct, frozen=True, kw_only=True):
    """The records in which two scans differ, as pairs; None for a record that one scan lacks.

    ``returned``: by key of identities that came back, since when they were gone. ``came_back``: fingerprints of
    findings that came back. ``forgotten``: keys of identities and fingerprints of findings whose place was forgotten.
    ``not_rechecked``: identities that the new scan did not re-check. ``old``, ``new``: the scans; their records are not
    needed.
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


def compare(differing: Differences) -> Diff:
    """All changes, the most important first. Under a gap of the new scan, no identity counts as left."""
    entries = differing.entries
    names = renamed([one.entry for one, _ in entries if one], [one.entry for _, one in entries if one])
    before, after = Places(differing.old.coverage), Places(differing.new.coverage)
    to_light = _newly_readable(differing.old.coverage, differing.new.coverage)
    findings = list(differing.findings)
    wanted, pairs = concerned(findings), dict[str, Pair]()
    ranked = [
        _ranked(_identity_change("not_rechecked", one, next_step=aspects.NOT_RECHECKED))
        for one in differing.not_rechecked
    ]
    origins = Origins()
    for old, new in _with_renamed(differing.identities, differing.forgotten):
        if new is not None and new.identity.key in wanted:
            pairs[new.identity.key] = old, new
        if old is None and new is not None:
            origins.joined(new)
            ranked.append(_ranked(_arrival(new, differing.returned.get(new.identity.key), before)))
        elif old is not None and new is None:
            ranked.append(_ranked(_departure(old, after, differing.forgotten)))
        elif old is not None and new is not None:
            facts = to_light.get(new.identity.source, ())
            was = _with_names(old, names)
            rows = [_move(new, difference) for difference in differences(_under_key(was, new.identity.key), new, facts)]
            if was.identity.key != new.identity.key:
                rows.insert(0, _rename(was, new))
            if new.privilege.level == "admin" != old.privilege.level:
                rows = [replace(row, became_admin=True) for row in rows]
            origins.moved(old, new, grew=any(row.reach_grew for row in rows))
            if rows:
                ranked.append(_ranked(*rows))
    caused = origins.causes()
    of_identities = [
        replace(row, cause=caused[row.key]) if row.key in caused and row.reach_grew else row
        for row in chain.from_iterable(rows for _, _, rows in sorted(ranked, key=lambda one: one[:2]))
    ]
    of_findings = finding_changes(findings, differing.came_back, differing.forgotten, names, pairs)
    of_entries = entry_changes(entries, names)
    changes = tuple(sorted((*of_identities, *of_findings, *of_entries), key=_first))
    return Diff(
        old=differing.old.scan,
        new=differing.new.scan,
        summary=_counted(changes),
        changes=changes,
        notices=differing.new.notices,
    )


def _with_renamed(
    pairs: Iterable[tuple[Assessment | None, Assessment | None]], forgotten: Collection[str]
) -> Iterator[tuple[Assessment | None, Assessment | None]]:
    """The pairs, with an identity that left and one that joined combined if they have the same unique id.

    Only within a provider and scope, and only if exactly one of each has that id.
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


def _under_key(assessment: Assessment, key: str) -> Assessment:
    """The identity under another key, which also begins the keys of its credentials."""
    identity = assessment.identity
    if identity.key == key:
        return assessment
    credentials = tuple(replace(held, key=credential_key(key, held.kind, held.id)) for held in identity.credentials)
    return replace(assessment, identity=replace(identity, key=key, credentials=credentials))


def _newly_readable(old: Iterable[Coverage], new: Iterable[Coverage]) -> dict[str, set[Fact]]:
    """By source: facts that the old scan could not read and the new one could."""
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
    return _MOVE_WITH_STEP if row.change == "moved" and row.next_step else _RANKS[row.change]


def _arrival(assessment: Assessment, gone_since: datetime | None, before: Places) -> Change:
    if gone_since is not None:
        was = f"gone since {gone_since:%Y-%m-%d}"
        return _identity_change(
            "returned", assessment, before=was, after=_states_of(assessment), next_step=aspects.RETURNED
        )
    identity = assessment.identity
    was_read = before.rechecked(identity)
    return _identity_change(
        "joined",
        assessment,
        appeared=assessment.registry.state == "unregistered",
        became_admin=assessment.privilege.level == "admin",
        after=_states_of(assessment),
        next_step=aspects.after_joining(assessment),
        caveat=None if was_read else PLACE_NOT_READ_BEFORE,
    )


def _departure(assessment: Assessment, after: Places, forgotten: Collection[str]) -> Change:
    identity = assessment.identity
    if identity.key in forgotten:
        return _identity_change(
            "forgotten", assessment, before=f"was {_states_of(assessment)}", next_step=aspects.after_leaving(assessment)
        )
    if not after.rechecked(identity):
        return _identity_change("not_rechecked", assessment, next_step=aspects.NOT_RECHECKED)
    return _identity_change(
        "left", assessment, before=f"was {_states_of(assessment)}", next_step=aspects.after_leaving(assessment)
    )


def _move(assessment: Assessment, found: Difference) -> Change:
    return _identity_change(
        "replaced" if found.aspect == "unique_id" else "moved",
        assessment,
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
    return _identity_change(
        "moved",
        new,
        aspect="name",
        before=old.identity.key,
        after=new.identity.key,
        next_step=aspects.AFTER_RENAMING.format(entry=entry) if lost else None,
    )


def _identity_change(change: ChangeName, assessment: Assessment, **facts: Any) -> Change:
    identity = assessment.identity
    return Change(
        subject="identity",
        change=change,
        key=identity.key,
        name=identity.shown_name,
        provider=identity.provider,
        source=identity.source,
        scope=identity.scope,
        kind=identity.kind,
        ask=assessment.contact,
        **facts,
    )


def _states_of(assessment: Assessment) -> str:
    """An identity's verdicts in a few words."""
    words = [
        assessment.registry.state,
        assessment.ownership.state.replace("_", " "),
        f"privilege {assessment.privilege.level}",
    ]
    return ", ".join([*words, *(["AI agent"] if assessment.agent.is_agent else [])])


def _with_names(assessment: Assessment, names: Mapping[str, str]) -> Assessment:
    """The identity with the new id of its renamed entry."""
    entry = names.get(assessment.registry.entry or "")
    return assessment if entry is None else replace(assessment, registry=replace(assessment.registry, entry=entry))


def _counted(changes: Sequence[Change]) -> Counts:
    rows = Counter((row.subject, row.change) for row in changes)
    moved = {row.key for row in changes if row.subject == "identity" and row.change in ("moved", "replaced")}
    return Counts(
        joined=rows["identity", "joined"],
        moved=len(moved),
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
        worsened=rows["finding", "worsened"],
        appeared=sum(row.appeared for row in changes),
    )
