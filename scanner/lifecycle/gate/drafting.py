"""Drafts the registry entries that a change is missing: proposed, to be completed by its author. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scanner.matching.ladder import match
from scanner.model import Assessment, Entry, ScanResult
from scanner.model.planned import DECLARES, PLANNED, PlannedIdentity
from scanner.registry.columns import REGISTRY
from scanner.registry.editing.adoption import Change
from scanner.registry.editing.values import Value, can_be_written, literal_identity


def drafts(result: ScanResult, entries: Sequence[Entry]) -> tuple[Change, ...]:
    """Return a new entry for each planned identity without one. ``entries``: of the file that they are written to.

    Without a registry, each identity is without an entry. An identity whose name is computed cannot be declared yet.
    """
    planned = {one.identity.key: one for plan in result.plans for one in plan.identities}
    missing = [one for one in result.identities if _is_missing(one, planned[one.identity.key])]
    today = result.scan.started_at.date()
    verdicts = match([one.identity for one in missing], entries, tag_keys=(), today=today).verdicts
    return tuple(
        Change(entry=None, cells=_cells(one, planned[one.identity.key]), places=(str(one.identity.source),))
        for one in missing
        if verdicts[one.identity.key].state == "unregistered" and verdicts[one.identity.key].proposed is None
    )


def _is_missing(one: Assessment, planned: PlannedIdentity) -> bool:
    if "name" in planned.computed or one.registry.proposed is not None:
        return False
    return one.registry.state in ("unregistered", "unchecked") and one.nature.verdict != "human"


def _cells(one: Assessment, planned: PlannedIdentity) -> dict[str, Value]:
    cells: dict[str, Value] = {"owner": (), "blast_radius": (), **dict(_described(one, planned)), "status": "proposed"}
    return {column: cells[column] for column in REGISTRY.names if column in cells}


def _described(one: Assessment, planned: PlannedIdentity) -> Iterator[tuple[str, Value]]:
    identity, place = one.identity, planned.places[0]
    known = planned.account_known
    named = identity.key if known else next(iter(identity.aliases), identity.name)
    yield "identities", (literal_identity(named),)
    texts = {
        "name": identity.name,
        "provider": identity.provider,
        "scope": identity.scope if known else "",
        "purpose": identity.description or f"to be described: {place.resource} in {place.file}",
        "environment": identity.environment or "",
    }
    yield from ((column, text) for column, text in texts.items() if text and can_be_written(text, in_sheet=True))
    yield from identity.attributes[PLANNED].get(DECLARES, {}).items()
    if one.agent.is_agent:
        yield "kind", "agent"
