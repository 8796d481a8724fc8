"""Trends over the scans: of everything for viewers, of what they own for everybody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from reports.json import encoded
from scanner.model.trends import TRENDS, TrendName, Trends
from scanner.serve.api.lists import index_of
from scanner.serve.api.operations import OperationCall, Reply, Schema, schema_of
from scanner.serve.index.files import Cache
from scanner.serve.index.questions import IndexQuestion
from scanner.store.trends import About

_KEPT = Cache[tuple[str, frozenset[str] | None], Trends](32)
"""Trends by scan, and by the names of who asked; None for everything."""
_NUMBERS: Schema = {"type": "array", "items": {"type": "integer", "minimum": 0}}
_EACH: dict[str, Schema] = dict.fromkeys(TRENDS, _NUMBERS)
GIVES = schema_of(
    scan={"type": "string"},
    scans={
        "type": "array",
        "items": schema_of(id={"type": "string"}, started_at={"type": "string", "format": "date-time"}),
    },
    whole=schema_of(**_EACH),
    teams={"type": "array", "items": schema_of(team={"type": ["string", "null"]}, **_EACH)},
    more={"type": "integer", "minimum": 0},
)


class TrendsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many teams to give."""

    limit: Annotated[int, Meta(ge=0, le=1_000, description="The most teams, those with most orphans first.")] = 100


def trends(call: OperationCall) -> Reply:
    """Numbers of each scan, oldest first: of all, and of each team."""
    found = _trends(call, index_of(call, None).scan)
    teams: list[dict[str, Any]] = [
        {"team": one.team, **_numbers(one.numbers)} for one in found.teams[: call.query.limit]
    ]
    body = {
        "scan": found.scans[-1].id,
        "scans": found.scans,
        "whole": _numbers(found.whole),
        "teams": teams,
        "more": len(found.teams) - len(teams),
    }
    return Reply(body=encoded(body))


def _numbers(numbers: Mapping[TrendName, tuple[int, ...]]) -> dict[str, Any]:
    return {name: numbers[name] for name in TRENDS}


def _trends(call: OperationCall, scan: str) -> Trends:
    store, visible = call.serving.store, call.visible
    if visible.is_everything:
        return _KEPT.get((scan, None), lambda: store.trends(scan))
    index = index_of(call, None)

    def made() -> Trends:
        identities, entries = (
            frozenset(index.keys(visible.question(index, IndexQuestion(list=name))))
            for name in ("identities", "entries")
        )
        return store.trends(scan, About(identities, entries))

    return _KEPT.get((scan, call.viewer.owns), made)
