"""What needs the signed-in person, what is theirs, and what they are suggested for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from reports.json import encoded
from reports.states import STATES
from scanner.lifecycle.reviews.campaign import is_overdue, states
from scanner.matching.keys import fold
from scanner.model import SEVERITIES, Assessment, Entry, Finding, FindingState, Severity
from scanner.model.served import OwnerDenied, OwnerProposed
from scanner.rules.next_step import step_of
from scanner.serve.api.lists import index_of
from scanner.serve.api.operations import OperationCall, Reply
from scanner.serve.api.reviewing import is_mine
from scanner.serve.api.rows import with_facts
from scanner.serve.api.writing import must_ask
from scanner.serve.index.questions import IndexQuestion
from scanner.serve.index.reading import ScanIndex
from scanner.store.records import Records

MOST = 10
_LOOKED_AT = 500
"""Findings among which the subjects are looked for, the most severe first."""
_MOST_FINDINGS = 5
_WAITING: frozenset[str] = frozenset({"open", "worsened"})
_ROLES: Mapping[str, str] = {"owner": "owner", "technical_owner": "technical owner", "backup_owner": "backup owner"}


class NeedFinding(Struct, frozen=True, kw_only=True):
    """A finding that waits for its owner. ``next_step``: what to do.

    ``asks``: to acknowledge it, a reviewer is asked.
    """

    fingerprint: str
    rule: str
    severity: Severity
    state: FindingState
    title: str
    next_step: str
    asks: bool


class Need(Struct, frozen=True, kw_only=True):
    """An identity or entry with findings that wait, the most severe first. ``more``: how many are not listed.

    ``why``: why it is the signed-in person's. ``review``: instead, the access review with ``more`` items to decide,
    and its last day. ``asked``: instead, acknowledgements that wait for a reviewer.
    """

    kind: Literal["identity", "entry", "review", "asked"]
    key: str
    name: str
    place: str | None = None
    severity: Severity | None = None
    why: str
    findings: tuple[NeedFinding, ...] = ()
    more: int = 0
    due: date | None = None


class Suggestion(Struct, frozen=True, kw_only=True):
    """An identity without an active owner that may be the signed-in person's, and why. ``score``: 0 to 1."""

    key: str
    name: str
    provider: str
    scope: str
    kind: str
    created_at: datetime | None
    last_used_at: datetime | None
    person: str
    score: float
    evidence: str


class Needs(Struct, frozen=True, kw_only=True):
    """``needs``: at most ten, the worst first; ``waiting``: the subjects of all of them.

    ``identities``: how many are the person's. ``findings``: theirs by severity, those that wait. ``states``: all of
    theirs by state. ``suggested``: at most ten of ``suggestions``.
    """

    scan: str
    needs: tuple[Need, ...]
    waiting: int
    identities: int
    findings: Mapping[str, int]
    states: Mapping[str, int]
    suggested: tuple[Suggestion, ...]
    suggestions: int


def needs(call: OperationCall) -> Reply:
    """What needs the signed-in person."""
    return Reply(body=encoded(needs_of(call, index_of(call, None))))


def needs_of(call: OperationCall, index: ScanIndex) -> Needs:
    """What needs the viewer, whatever else a viewer of everything may see."""
    mine = call.visible.own
    question = mine.question(index, IndexQuestion(list="findings", chosen={"state": _WAITING}))
    found = index.page(question, limit=_LOOKED_AT)
    counts = index.counts(question, facets=("severity", "state"))
    subjects: dict[tuple[str | None, str], list[str]] = {}
    for fingerprint, row in zip(found.keys, found.rows, strict=True):
        subjects.setdefault((row["about"], row["key"] or row["subject"] or ""), []).append(fingerprint)
    first = [*_approvals(call), *_reviews(call)]
    with call.serving.store.records() as records:
        room = max(MOST - len(first), 0)
        theirs = [_need(call, records, about, key, prints) for (about, key), prints in list(subjects.items())[:room]]
    listed, total = _suggested(call, index)
    return Needs(
        scan=index.scan,
        needs=(*first, *theirs)[:MOST],
        waiting=len(first) + len(subjects),
        identities=index.page(mine.question(index, IndexQuestion(list="identities")), limit=0).total,
        findings={name: number for name, number in _named(counts["severity"]) if name in SEVERITIES},
        states={name: number for name, number in _named(counts["state"]) if name in STATES["finding"]},
        suggested=listed,
        suggestions=total,
    )


def _named(counts: Iterable[tuple[str | bool | None, int]]) -> Iterator[tuple[str, int]]:
    return ((str(name), number) for name, number in counts if number)


# --- what is theirs ---


def _need(call: OperationCall, records: Records, about: str | None, key: str, prints: Sequence[str]) -> Need:
    identities = records.identities([key]) if about != "entry" else ()
    named = key if about == "entry" else (identities[0].registry.entry if identities else None)
    entries = records.entries([named] if named else [])
    part = replace(records.frame, findings=records.findings(prints[:_MOST_FINDINGS]), identities=identities)
    findings = with_facts(call.visible, part).findings
    identity = identities[0].identity if identities else None
    entry = entries[0].entry if entries else None
    return Need(
        kind="entry" if about == "entry" else "identity",
        key=key,
        name=(identity.display_name or identity.name or key) if identity else ((entry and entry.name) or key),
        place=f"{identity.kind} in {identity.provider} {identity.scope}".replace("_", " ") if identity else None,
        severity=findings[0].severity if findings else None,
        why=why_mine(call, entry, identities[0] if identities else None),
        findings=tuple(_listed(call, one, identities[0] if identities else None, findings) for one in findings),
        more=max(len(prints) - _MOST_FINDINGS, 0),
    )


def _listed(
    call: OperationCall, finding: Finding, judged: Assessment | None, findings: Sequence[Finding]
) -> NeedFinding:
    return NeedFinding(
        fingerprint=finding.fingerprint,
        rule=finding.rule,
        severity=finding.severity,
        state=finding.state,
        title=finding.title,
        next_step=step_of(finding, judged, findings, to_owner=True),
        asks=must_ask(call, finding),
    )


def why_mine(call: OperationCall, entry: Entry | None, judged: Assessment | None) -> str:
    """Why a subject is the viewer's, as a sentence: as which kind of owner, in person or by a group."""
    roster, person = call.serving.lists.roster, call.viewer.person
    named = [(role, text) for role in _ROLES for text in (getattr(entry, role) if entry is not None else ())]
    if judged is not None and judged.ownership.owner is not None:
        named.append(("owner", judged.ownership.owner))
    for role, text in named:
        if fold(text) not in call.viewer.owns:
            continue
        meant = roster.identified(text)
        where = f"by entry {entry.id}" if entry is not None else "by its owner"
        if meant is not None and meant.email != person:
            return f"Your group {meant.name or meant.email} is its {_ROLES[role]}, {where}."
        return f"You are its {_ROLES[role]}, {where}."
    return "It is yours." if person is not None else "You see everything."


# --- what is asked of them ---


def _approvals(call: OperationCall) -> Iterator[Need]:
    """Acknowledgements that the viewer may approve, as one."""
    if not call.viewer.is_reviewer:
        return
    waiting = [one for one in call.visible.waiting() if one.asked is not None and one.asked.by != call.viewer.person]
    if waiting:
        yield Need(
            kind="asked", key="", name="Acknowledgements to approve", more=len(waiting), why="You are a reviewer."
        )


def _reviews(call: OperationCall) -> Iterator[Need]:
    """Open reviews with items of the viewer, the first due first."""
    if call.viewer.person is None:
        return
    today = call.serving.clock().date()
    campaigns = [one for one in call.serving.store.reviews.campaigns() if one.closed_at is None]
    for campaign in sorted(campaigns, key=lambda one: one.review.due):
        left = sum(state.decision is None and is_mine(call, state) for state in states(campaign))
        if left:
            why = "Its last day is over." if is_overdue(campaign, today) else "You review these."
            name = campaign.review.name
            yield Need(kind="review", key=name, name=name, more=left, due=campaign.review.due, why=why)


def _suggested(call: OperationCall, index: ScanIndex) -> tuple[tuple[Suggestion, ...], int]:
    """Identities that the viewer is to be asked about, without those that they said are not theirs."""
    person, store = call.viewer.person, call.serving.store
    if person is None:
        return (), 0
    every: list[OwnerProposed | OwnerDenied] = [*store.served.denials(), *store.served.proposals()]
    said = {one.identity for one in every if one.withdrawn_at is None and one.by == person}
    keys = [key for key in index.keys(call.visible.suggested()) if key not in said]
    with store.records() as records:
        found = records.identities(keys[:MOST])
    return tuple(one for judged in found if (one := suggestion_of(call, judged)) is not None), len(keys)


def suggestion_of(call: OperationCall, judged: Assessment) -> Suggestion | None:
    """What a person who is suggested as the owner sees of an identity; None for others."""
    owns, identity = call.viewer.owns, judged.identity
    asked = frozenset(judged.suggested)
    mine = next((one for one in judged.ownership.candidates if one.person in asked and fold(one.person) in owns), None)
    if mine is None:
        return None
    return Suggestion(
        key=identity.key,
        name=identity.display_name or identity.name or identity.key,
        provider=identity.provider,
        scope=identity.scope,
        kind=identity.kind,
        created_at=identity.created_at,
        last_used_at=judged.usage.last_used_at,
        person=mine.person,
        score=mine.score,
        evidence=mine.evidence,
    )
