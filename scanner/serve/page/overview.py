"""The part above the lists: headline, gaps, numbers and charts, counted by the index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import asdict, replace

from reports.board.numbers import trend
from reports.html.packing import minutes, text, texts
from reports.html.payload import COVERAGE
from reports.limits import limited_numbers
from reports.phrases import ACKNOWLEDGE, ORPHANED_MEANS
from reports.states import STATES
from reports.summary import HEADLINE, NO_REGISTRY, NO_ROSTER, stale_caveat, totals, unread_caveats
from scanner.app.retirements import under_way
from scanner.model import SEVERITIES, ScanResult
from scanner.serve.api.needs import Needs, needs_of
from scanner.serve.api.operations import OperationCall
from scanner.serve.index.files import Cache
from scanner.serve.index.questions import IndexQuestion, ListName, Only, Value
from scanner.serve.index.reading import ScanIndex
from scanner.text import counted

_DIGITS = 12
"""Digits of a fingerprint, distinct among millions."""
_AXES = ("registry", "ownership", "usage", "privilege")
_FACETS: Mapping[ListName, Sequence[str]] = {
    "identities": (*_AXES, "abandoned", "agent", "rechecked"),
    "findings": ("severity", "status"),
    "entries": ("state",),
    "credentials": ("age",),
}
"""The facets that are counted in each list."""

Counts: TypeAlias = Mapping[str, Sequence[tuple[Value, int]]]


def overview(call: OperationCall, index: ScanIndex) -> dict[str, Any]:
    """The report's block of this name, with counts that the report's page computes from its tables.

    See ``overview.js``.
    """
    limit = call.visible.question(index, IndexQuestion(list="identities"))
    found = _COUNTED.get((index.scan, limit.owners, limit.only), lambda: _all_counts(call, index))
    with call.serving.store.records(index.scan) as records:
        frame = records.frame
    sees_all = call.visible.is_everything
    gaps = call.visible.gaps(index, frame)
    limited = limited_numbers(gaps)
    identities, findings = found.lists["identities"], found.lists["findings"]
    number = sum(count for _, count in identities["registry"])
    states = {axis: _named(identities[axis]) for axis in _AXES}
    stale = _of(identities, "rechecked", False)
    caveats = [
        *(unread_caveats(gaps) if sees_all or not gaps else [_UNREAD]),
        *([NO_REGISTRY] if states["registry"].get("unchecked") else []),
        *([NO_ROSTER] if states["ownership"].get("unchecked") and not states["registry"].get("unchecked") else []),
        *([stale_caveat(stale)] if stale else []),
    ]
    latest = call.serving.catalog.latest()
    needs = needs_of(call, index) if index is latest and call.viewer.person is not None else None
    return {
        "scan": {
            "id": text(frame.scan.id),
            "started": minutes(frame.scan.started_at),
            "finished": minutes(frame.scan.finished_at),
            "version": text(frame.scan.version),
        },
        "viewer": {
            "person": call.viewer.person,
            "name": call.viewer.name,
            "sees_all": sees_all,
            "is_reviewer": call.viewer.is_reviewer,
            "names": sorted(call.viewer.owns),
            "keepers": call.visible.keepers,
            "retirements": len(call.visible.retirements(under_way(call.serving.store, frame.scan))),
        },
        "needs": needs,
        "headline": _need_headline(needs)
        if not sees_all
        else _headline(number, states, limited=not HEADLINE.isdisjoint(limited)),
        "caveats": caveats,
        "limited": limited,
        "states": STATES,
        "registry_given": not states["registry"].get("unchecked") or _has_entries(call, index),
        "orphaned_means": ORPHANED_MEANS,
        "summary": {
            "new_findings": _of(findings, "status", "new") + _of(findings, "status", "reopened"),
            "unregistered": states["registry"].get("unregistered", 0),
            "orphaned": states["ownership"].get("orphaned", 0),
            "abandoned": _of(identities, "abandoned", True),
            "admins": states["privilege"].get("admin", 0),
            "agents": _of(identities, "agent", "yes"),
            "not_found": _of(found.lists["entries"], "state", "not_found"),
            "findings": {severity: _of(findings, "severity", severity) for severity in SEVERITIES},
            "gaps": len(gaps),
        },
        "policy": frame.policy,
        "ages": _named(found.lists["credentials"]["age"]),
        "trend": [{**asdict(one), "at": minutes(one.at)} for one in _trend(call, frame)],
        "notices": texts(frame.notices) if sees_all else (),
        "digits": _DIGITS,
        "acknowledge": f" {ACKNOWLEDGE}",
        "since": _since(call, index),
        "counts": states,
        "gaps": [{name: cell(one) for name, cell in COVERAGE.items()} for one in gaps if sees_all],
        "holders": found.holders,
        "changed": found.changed,
        "left": found.left,
    }


_UNREAD = "Not everything where your identities are could be read: numbers may be incomplete."


def _need_headline(needs: Needs | None) -> str:
    """What an owner reads first: how much needs them."""
    if needs is None:
        return "What was yours in an older scan."
    if not needs.waiting:
        asked = counted(needs.suggestions, "thing", "things")
        return f"Nothing needs you; {asked} may be yours." if needs.suggestions else "Nothing needs you now."
    return f"{counted(needs.waiting, 'thing needs', 'things need')} you."


class _Counted(Struct, frozen=True, kw_only=True):
    """The counts of a scan's index, for viewers with the same owners."""

    lists: Mapping[ListName, Counts]
    holders: list[dict[str, Any]]
    changed: dict[str, int]
    left: list[str]


_COUNTED = Cache[tuple[str, frozenset[str] | None, Only | None], _Counted](32)


def _all_counts(call: OperationCall, index: ScanIndex) -> _Counted:
    return _Counted(
        lists={name: _counts(call, index, name, facets) for name, facets in _FACETS.items()},
        holders=_holders(call, index),
        changed=_named(_counts(call, index, "changes", ("change",), subject="identity")["change"]),
        left=_left(call, index),
    )


def _headline(number: int, states: Mapping[str, Mapping[str, int]], *, limited: bool) -> str:
    if not number:
        return "No identities could be read." if limited else "No identities were found."
    return totals(
        identities=number,
        unregistered=states["registry"].get("unregistered", 0),
        orphaned=states["ownership"].get("orphaned", 0),
        unchecked=states["registry"].get("unchecked") == number,
        limited=limited,
    )


def _trend(call: OperationCall, frame: ScanResult) -> Sequence[Any]:
    """The trend of the whole estate, only for people who see everything."""
    if not call.visible.is_everything:
        return ()
    return trend(replace(frame, trend=call.serving.store.trend(frame.scan.id)))


def _since(call: OperationCall, index: ScanIndex) -> dict[str, Any] | None:
    before = call.serving.store.started_before(index.scan)
    return None if before == index.started_at else {"at": minutes(before)}


def _counts(call: OperationCall, index: ScanIndex, name: ListName, facets: Sequence[str], **chosen: str) -> Counts:
    narrowed = {facet: frozenset({value}) for facet, value in chosen.items()}
    return index.counts(call.visible.question(index, IndexQuestion(list=name, chosen=narrowed)), facets=facets)


def _has_entries(call: OperationCall, index: ScanIndex) -> bool:
    return index.page(call.visible.question(index, IndexQuestion(list="entries")), limit=0).total > 0


def _holders(call: OperationCall, index: ScanIndex) -> list[dict[str, Any]]:
    """Orphans by team, and without a team by reason."""
    orphans = _counts(call, index, "identities", ("team",), ownership="orphaned")
    homeless = _counts(call, index, "identities", ("reason",), ownership="orphaned", team="")
    by_team = [{"team": team, "reason": None, "number": count} for team, count in orphans["team"] if team and count]
    by_reason = [{"team": None, "reason": reason, "number": count} for reason, count in homeless["reason"] if count]
    return by_team + by_reason


def _left(call: OperationCall, index: ScanIndex) -> list[str]:
    departed = _counts(call, index, "identities", ("owner",), reason="departed")["owner"]
    return [str(owner) for owner, count in departed if owner and count]


def _named(values: Sequence[tuple[Value, int]]) -> dict[str, int]:
    return {str(value): count for value, count in values if count}


def _of(counts: Counts, facet: str, wanted: Value) -> int:
    return next((count for value, count in counts[facet] if value == wanted), 0)
