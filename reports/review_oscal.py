"""A closed access review as OSCAL assessment results (NIST, version 1.1.2), for tools of governance and audit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from scanner import __version__
from scanner.lifecycle.reviews.campaign import ItemState, states
from scanner.model.reviews import Campaign
from scanner.text import counted, without_surrogates

OSCAL_VERSION = "1.1.2"
_NAMESPACE = UUID("7c1d6d5c-6c38-5c6a-9d0c-5a1f1f6f0d3e")
"""The namespace of ids: a campaign has the same ids in every export."""
_PROPERTIES = "https://muster.invalid/ns/oscal"
_CONTROLS = ("ac-2", "ac-6.7")
"""NIST SP 800-53: account management, and review of user privileges."""


def assessment_results(campaign: Campaign) -> Mapping[str, Any]:
    """The document, as JSON values: an observation for each item, and one finding for each control."""
    review, found = campaign.review, states(campaign)
    at = _moment(campaign.closed_at or review.opened_at)
    undecided = sum(state.decision is None for state in found)
    observations = [_observation(campaign, state) for state in found]
    result = {
        "uuid": _id(review.name, "result"),
        "title": f"Access review {review.name}",
        "description": f"{_identities(len(found))}, {undecided} without a decision; facts of scan {review.scan}.",
        "start": _moment(review.opened_at),
        "end": at,
        "reviewed-controls": {
            "control-selections": [{"include-controls": [{"control-id": control} for control in _CONTROLS]}]
        },
        **({"observations": observations} if observations else {}),
        "findings": [_finding(campaign, control, undecided, observations) for control in _CONTROLS],
    }
    return {
        "assessment-results": {
            "uuid": _id(review.name, at),
            "metadata": {
                "title": f"Access review {review.name}",
                "last-modified": at,
                "version": __version__,
                "oscal-version": OSCAL_VERSION,
            },
            "import-ap": {"href": "#", "remarks": "The campaign was planned in Muster."},
            "results": [result],
        }
    }


def _observation(campaign: Campaign, state: ItemState) -> Mapping[str, Any]:
    item, decision = state.item, state.decision
    said = "undecided" if decision is None else decision.decision
    about = {
        "key": item.key,
        "decision": said,
        "reviewer": state.reviewer,
        "decided-by": None if decision is None else decision.by,
        "reason": None if decision is None else decision.reason,
        "new-owner": None if decision is None else decision.new_owner,
        "self-review": "true" if decision is not None and decision.self_review else None,
        "facts-sha256": item.facts_hash,
    }
    return {
        "uuid": _id(campaign.review.name, item.id),
        "title": _text(item.facts.name),
        "description": _text(f"{item.facts.name} ({item.facts.provider} {item.facts.scope}): {said}"),
        "props": [
            {"name": name, "ns": _PROPERTIES, "value": _text(value)}
            for name, value in about.items()
            if value is not None
        ],
        "methods": ["EXAMINE"],
        "collected": _moment(campaign.review.opened_at if decision is None else decision.at),
    }


def _finding(
    campaign: Campaign, control: str, undecided: int, observations: list[Mapping[str, Any]]
) -> Mapping[str, Any]:
    state = "not-satisfied" if undecided else "satisfied"
    return {
        "uuid": _id(campaign.review.name, control),
        "title": f"Access review {campaign.review.name}: {control}",
        "description": f"{undecided} of {_identities(len(observations))} without a decision.",
        "target": {"type": "objective-id", "target-id": f"{control}_obj", "status": {"state": state}},
        **(
            {"related-observations": [{"observation-uuid": one["uuid"]} for one in observations]}
            if observations
            else {}
        ),
    }


def _id(*parts: str) -> str:
    return str(uuid5(_NAMESPACE, _text("\0".join(parts))))


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _text(text: str) -> str:
    """Text on one line without surrounding blanks, as OSCAL requires; never empty."""
    return " ".join(without_surrogates(text).split()) or "unknown"


def _identities(number: int) -> str:
    return counted(number, "identity", "identities")
