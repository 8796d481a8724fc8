"""How findings are kept: what they say alike stands in their wording, once, and what is asked for in columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.json import Decoder
from msgspec.structs import replace
from sqlalchemy import Row

from scanner.errors import DamagedRow
from scanner.history import schema
from scanner.history.bodies import decode
from scanner.history.integrity import HINT
from scanner.history.moments import moment_of, text_of
from scanner.history.records import RecordKind, Sighting, Wordings
from scanner.history.wordings import wording_of
from scanner.model import Acknowledged, Finding, gravest_first
from scanner.text import printable


class _FindingBody(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A finding without what stands in columns and in its wording."""

    credential: str | None = None
    assignment: str | None = None
    evidence: Mapping[str, Any] = {}
    owner: str | None = None
    acknowledged: Acknowledged | None = None


_finding_bodies = Decoder(_FindingBody)
_HELD_BACK = "yes"
ACKNOWLEDGED = "acknowledged"


def _moves(one: Finding) -> bool:
    return one.new or one.reopened or not one.rechecked


def _finding_facts(one: Finding) -> tuple[str | None, ...]:
    first_seen = None if one.first_seen is None else text_of(one.first_seen)
    wording, unannounced = wording_of(one), _why_unannounced(one)
    return one.rule, one.severity, one.identity, one.entry, wording, unannounced, first_seen


def _why_unannounced(one: Finding) -> str | None:
    if one.held_back:
        return _HELD_BACK
    return None if one.acknowledged is None else ACKNOWLEDGED


def _load_finding(row: Row[Any], wordings: Wordings) -> Finding:
    what = f"finding {row.key}"
    first_seen = None if row.first_seen is None else moment_of(row.first_seen)
    body, wording = decode(_finding_bodies, row.body, what), wordings.get(row.wording)
    if wording is None:
        raise DamagedRow(f"the store's {printable(what)} has lost its wording", hint=HINT)
    return Finding(
        fingerprint=row.key,
        rule=row.rule,
        severity=row.severity,
        identity=row.identity,
        credential=body.credential,
        entry=row.entry,
        assignment=body.assignment,
        title=wording.title,
        evidence=body.evidence,
        remediation=wording.remediation,
        controls=wording.controls,
        owner=body.owner,
        held_back=row.held_back == _HELD_BACK,
        first_seen=first_seen,
        acknowledged=body.acknowledged,
    )


FINDINGS = RecordKind(
    name="finding",
    versions=schema.finding,
    sightings=schema.finding_sighting,
    key=lambda one: one.fingerprint,
    order=gravest_first,
    content=lambda one: replace(one, new=False, reopened=False, rechecked=True) if _moves(one) else one,
    facts=_finding_facts,
    body=lambda one: _FindingBody(
        credential=one.credential,
        assignment=one.assignment,
        evidence=one.evidence,
        owner=one.owner,
        acknowledged=one.acknowledged,
    ),
    load=_load_finding,
    moves=_moves,
    sighting=lambda one: Sighting(rechecked=one.rechecked, new=one.new, reopened=one.reopened),
    restore=lambda one, seen: replace(one, new=seen.new, reopened=seen.reopened, rechecked=seen.rechecked),
)
