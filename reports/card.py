"""One identity on one screen: each verdict with its evidence, and everything it holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from reports.base import Screen
from reports.diff_table import difference_text
from reports.judged import findings_by_fingerprint, joined_with_findings
from reports.page import Page
from reports.phrases import (
    ACKNOWLEDGE,
    acknowledged_text,
    agent_text,
    credential_text,
    drift_text,
    evidence_of,
    facts_text,
    fingerprint_digits,
    next_step,
    tags_text,
    words,
)
from scanner.diff.records import Era
from scanner.model import Assessment, Finding, Identity, OwnershipVerdict, ScanResult, Signal


def identity_card(
    judged: Assessment,
    result: ScanResult,
    history: Sequence[Era] = (),
    screen: Screen | None = None,
) -> str:
    """Everything known about one identity, as text. ``history``: oldest first."""
    found = joined_with_findings(judged, findings_by_fingerprint(result))
    page = Page(screen or Screen())
    digits = fingerprint_digits(found.findings)
    page.line(judged.identity.key, "bold")
    for label, texts in (
        ("identity", _identity(judged, result.first_seen.get(judged.identity.key))),
        ("nature", [words(judged.nature.verdict), *_signals(judged.nature.signals)]),
        ("agent", [agent_text(judged.agent), *_signals(judged.agent.signals)]),
        ("registry", _registry(judged)),
        ("ownership", _ownership(judged)),
        ("drift", [drift_text(one) for one in judged.drift]),
        ("usage", [words(judged.usage.state), judged.usage.evidence]),
        ("privilege", [judged.privilege.level, *judged.privilege.evidence]),
        ("holds", [credential_text(one) for one in judged.identity.credentials]),
        ("grants", [_grant(one.name, one.via, one.resource, one.admin) for one in judged.identity.grants]),
        ("consumers", _consumers(judged, result)),
        ("links", [f"{one.relation} {one.target} ({one.evidence})" for one in judged.identity.links]),
        ("trusts", dict.fromkeys(f"{one.kind} {one.principal}: {one.evidence}" for one in judged.identity.trusts)),
        ("findings", [_finding(one, digits) for one in found.findings]),
        ("next step", [next_step(found)]),
        ("history", [_era(one) for one in history]),
    ):
        told = [text for text in texts if text]
        if told:
            page.item(label, told, first="")
    if open_ones := [one for one in found.findings if one.acknowledged is None]:
        page.line()
        suppress = f"muster acknowledge {open_ones[0].fingerprint[:digits]} {ACKNOWLEDGE}"
        page.hint("Suppress a finding by the start of its fingerprint", suppress)
    return page.text


def _identity(judged: Assessment, first_seen: datetime | None) -> list[str | None]:
    one = judged.identity
    return [
        f"{one.kind} {one.name} in {one.provider} {one.scope}" + ("" if one.enabled is not False else ", disabled"),
        one.display_name,
        one.description,
        _created(one),
        f"first seen {first_seen:%Y-%m-%d}" if first_seen else None,
        f"seen by {', '.join(one.sources)}" if one.sources else None,
        "" if judged.rechecked else "not re-checked by this scan: its scope could not be read; shown as last seen",
        (tags := tags_text(one.tags)) and f"tags: {tags}",
    ]


def _consumers(judged: Assessment, result: ScanResult) -> list[str]:
    """Workloads that run as it; agents, which are identities themselves, by their key."""
    of_key = {one.key: one for one in result.workloads}
    known = ((key, of_key.get(key)) for key in judged.consumers)
    return [key if one is None else f"{words(one.kind)} {one.name} ({key})" for key, one in known]


def _created(identity: Identity) -> str | None:
    day = f"created {identity.created_at:%Y-%m-%d}" if identity.created_at else None
    if identity.created_by is None:
        return day
    return f"{day or 'created'} by {identity.created_by}"


def _registry(judged: Assessment) -> list[str | None]:
    verdict = judged.registry
    state = f"{verdict.state}, provisional: a gap hides possible matches" if verdict.provisional else verdict.state
    by = f"entry {verdict.entry} by {verdict.rung}" if verdict.entry else None
    return [
        state,
        by,
        verdict.evidence,
        verdict.look_alike.evidence if verdict.look_alike else None,
        f"declared the same by {', '.join(verdict.agreeing)}" if verdict.agreeing else None,
        f"declared differently by {', '.join(verdict.contradictions)}" if verdict.contradictions else None,
        *(f"candidate {candidate.entry}: {candidate.evidence}" for candidate in verdict.candidates),
    ]


def _ownership(judged: Assessment) -> list[str | None]:
    verdict = judged.ownership
    return [
        verdict.state + (f": {words(verdict.reason)}" if verdict.reason else ""),
        verdict.owner and f"owner {verdict.owner}",
        verdict.evidence,
        _leaving(verdict),
        *(f"ask {candidate.person}: {candidate.evidence}" for candidate in verdict.candidates),
    ]


def _leaving(verdict: OwnershipVerdict) -> str | None:
    """Owners who are about to leave."""
    if not verdict.leaving:
        return None
    return f"about to leave{f' ({verdict.last_day})' if verdict.last_day else ''}: {', '.join(verdict.leaving)}"


def _signals(signals: Iterable[Signal]) -> list[str]:
    return [f"{signal.says} ({signal.sort}, {signal.strength}): {signal.evidence}" for signal in signals]


def _grant(name: str, via: str, resource: str | None, admin: bool) -> str:
    on = f" on {resource}" if resource else ""
    return f"{name} via {via}{on}" + (" [admin]" if admin else "")


def _finding(one: Finding, digits: int) -> str:
    since = f" since {one.first_seen:%Y-%m-%d}" if one.first_seen else ""
    status = "" if one.status == "open" else f", {one.status}"
    facts = facts_text(evidence_of(one))
    told = f"{one.fingerprint[:digits]} [{one.severity}{status}]{since} {one.title}{f': {facts}' if facts else ''}"
    acknowledged = acknowledged_text(one)
    return f"{told} (acknowledged: {acknowledged})" if acknowledged else told


def _era(one: Era) -> str:
    """When, and what was different from before; of the first, what it was."""
    told = [difference_text(each.aspect, each.before, each.after) for each in one.differences]
    gone = [f"came back{'' if told else ' as it was'}"] if one.was_gone else []
    said = [*gone, *told] or [", ".join(map(words, one.states)) or "details that affect no verdict"]
    return f"{one.since:%Y-%m-%d} to {f'{one.until:%Y-%m-%d}' if one.until else 'now'}: {'; '.join(said)}"
