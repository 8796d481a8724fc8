"""What the viewer may do at an item of a panel, and what people said about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scanner.diff.aspects import eras
from scanner.lifecycle.reviews.campaign import states
from scanner.model import Assessment, Finding
from scanner.model.served import OwnerDenied, OwnerProposed
from scanner.serve.api.needs import suggestion_of, why_mine
from scanner.serve.api.operations import OperationCall
from scanner.serve.api.reviewing import is_mine, listed_item
from scanner.serve.api.writing import is_used, may_approve, must_ask, said_by, was_used


def actions_of(call: OperationCall, findings: Sequence[Finding]) -> dict[str, dict[str, Any]]:
    """By fingerprint: ``asks`` instead of acknowledging, ``approves`` what was asked at ``asked_at``, ``back``.

    ``back``: the viewer may take back what was acknowledged or asked for ``at`` a time.
    """
    return {one.fingerprint: _actions(call, one) for one in findings}


def _actions(call: OperationCall, finding: Finding) -> dict[str, Any]:
    given = call.serving.store.served.given(finding.fingerprint) if finding.acknowledged or finding.asked else ()
    last = given[-1] if given else None
    stored = _stored(call, finding.fingerprint) if last else None
    back = last is not None and call.viewer.person in said_by(last) and not was_used(last, stored)
    return {
        "asks": must_ask(call, finding),
        "approves": may_approve(call, finding),
        "asked_at": finding.asked and finding.asked.at,
        "at": last and last.at,
        "back": back,
    }


def _stored(call: OperationCall, fingerprint: str) -> Finding | None:
    """The finding as the latest scan has it."""
    return next(iter(call.serving.store.memory.findings_beginning(fingerprint)), None)


def identity_of(call: OperationCall, judged: Assessment, *, with_history: bool) -> dict[str, Any]:
    """What was said about an identity's owner, what the viewer may say, and the viewer's open review items of it."""
    store, key = call.serving.store, judged.identity.key
    entry_id = judged.registry.entry
    with store.records() as records:
        entries = call.visible.entries(records.entries([entry_id])) if entry_id else ()
        others = [one for one in (entries[0].identities if entries else ()) if one != key]
        named = {one.identity.key: one.identity.name for one in records.identities(others[:_MOST_NAMED])}
    proposals, denials = store.served.proposals(key), store.served.denials(key)
    every: list[OwnerProposed | OwnerDenied] = [*proposals, *denials]
    standing = [one for one in every if one.withdrawn_at is None and one.by == call.viewer.person]
    last = max(standing, key=lambda one: one.at, default=None)
    owned = call.visible.own.identities((judged,)) if call.viewer.person is not None else ()
    versions = store.history(key) if with_history else ()
    return {
        "key": key,
        "owner": judged.ownership.owner,
        "proposals": proposals,
        "denials": denials,
        "same_entry": [{"key": one, "name": named.get(one) or one} for one in others],
        "entry": entry_id,
        "is_mine": bool(owned),
        "why": why_mine(call, entries[0].entry if entries else None, judged) if owned else None,
        "suggested": suggestion_of(call, judged),
        "back": last is not None and not is_used(call, judged, last),
        "items": _items(call, key),
        "history": eras([(one.since, one.until, one.assessment) for one in versions]),
    }


_MOST_NAMED = 500


def _items(call: OperationCall, key: str) -> list[dict[str, Any]]:
    """The viewer's undecided items about an identity in open reviews."""
    if call.viewer.person is None:
        return []
    return [
        {"review": campaign.review.name, "due": campaign.review.due, "item": listed_item(call, state)}
        for campaign in call.serving.store.reviews.campaigns()
        if campaign.closed_at is None
        for state in states(campaign)
        if state.item.key == key and state.decision is None and is_mine(call, state)
    ]
