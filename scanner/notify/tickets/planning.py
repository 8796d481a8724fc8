"""Plan the tickets of a scan and their content. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from scanner.model import SEVERITIES, Assessment, Finding, Person, ScanResult
from scanner.notify.notices import shortened
from scanner.notify.planning import accountable, rules_in_turn, subject_of
from scanner.notify.tickets.content import Content, Line, marker_of
from scanner.notify.tickets.settings import Target
from scanner.registry.roster import Roster
from scanner.rules.next_step import step_of
from scanner.rules.tickets import ABOUT_TICKETS
from scanner.text import cut, without_surrogates


class TicketsKnown(Struct, frozen=True, kw_only=True):
    """A ticket that the store knows. ``content``: written or wanted; ``closed_at``: when people closed it."""

    marker: str
    target: str
    content: Content
    closed_at: datetime | None = None


class Wanted(Struct, frozen=True, kw_only=True):
    """The wanted content of a ticket."""

    marker: str
    target: str
    content: Content


class Context(Struct, frozen=True):
    """The inputs of the plan: the roster, and the wording of a finding's evidence."""

    roster: Roster | None
    evidence: Callable[[Finding], str | None]


class _Owner(Struct, frozen=True):
    """The owner of a ticket's findings. ``person``: on the roster, if listed and active."""

    name: str | None
    person: Person | None


def plan(
    targets: Sequence[Target], result: ScanResult, known: Sequence[TicketsKnown], context: Context
) -> list[Wanted]:
    """The wanted tickets, and known tickets whose findings are resolved."""
    identities = {one.identity.key: one for one in result.identities} if targets else {}
    planned: list[Wanted] = []
    for target in targets:
        there = {one.marker: one for one in known if one.target == target.name}
        groups: dict[str, list[Finding]] = {}
        owners: dict[str, _Owner] = {}
        for finding in (one for one in result.findings if _is_chosen(one, target)):
            owner = _owner(finding, identities, context.roster)
            if not target.teams or _is_in(owner.person, target.teams):
                owners[finding.fingerprint] = owner
                groups.setdefault(_subject(finding, owner, target), []).append(finding)
        for subject, findings in groups.items():
            marker = marker_of(target.name, target.per, subject)
            owner = owners[findings[0].fingerprint]
            before = there.pop(marker, None)
            content = _content(target, findings, owner, identities, context.evidence)
            disputed = before is not None and _is_disputed(before, findings, result.scan.started_at)
            planned.append(_wanted(target, marker, msgspec.structs.replace(content, disputed=disputed)))
        planned += [
            _wanted(target, one.marker, msgspec.structs.replace(one.content, findings=(), lines=(), disputed=False))
            for one in there.values()
        ]
    return planned


def _wanted(target: Target, marker: str, content: Content) -> Wanted:
    return Wanted(marker=marker, target=target.name, content=content)


def _owner(finding: Finding, identities: Mapping[str, Assessment], roster: Roster | None) -> _Owner:
    """Without a roster, the owner is who the registry names."""
    named = accountable(finding, identities)
    if roster is None:
        return _Owner(named, None)
    person = roster.resolve(named or "")
    return _Owner(person.email, person) if person is not None and roster.is_active(person) else _Owner(None, None)


def _is_chosen(finding: Finding, target: Target) -> bool:
    severities = SEVERITIES[: SEVERITIES.index(target.min_severity) + 1]
    return (
        finding.severity in severities
        and finding.acknowledged is None
        and not finding.held_back
        and finding.rule not in ABOUT_TICKETS
        and (not target.rules or finding.rule in target.rules)
    )


def _is_in(person: Person | None, teams: Iterable[str]) -> bool:
    if person is None:
        return False
    its = {text.casefold() for text in (person.team, person.email, person.name) if text}
    return any(team.casefold() in its for team in teams)


def _subject(finding: Finding, owner: _Owner, target: Target) -> str:
    if target.per == "owner":
        return owner.name or ""
    return finding.subject or finding.about


def _is_disputed(before: TicketsKnown, findings: Sequence[Finding], started: datetime) -> bool:
    """Whether the ticket was closed before this scan, which confirms one of its findings."""
    closed_at = before.closed_at
    if closed_at is None or closed_at >= started:
        return False
    in_it = frozenset(before.content.findings)
    return any(
        one.fingerprint in in_it and one.rechecked and (one.first_seen is None or one.first_seen <= closed_at)
        for one in findings
    )


def _content(
    target: Target,
    findings: Sequence[Finding],
    owner: _Owner,
    identities: Mapping[str, Assessment],
    evidence: Callable[[Finding], str | None],
) -> Content:
    whose = f"for {owner.name}" if owner.name else "without an owner"
    what = whose if target.per == "owner" else f"on {subject_of(findings[0], identities)}"
    highest = min(findings, key=lambda finding: SEVERITIES.index(finding.severity)).severity
    return Content(
        of=cut(what, 180),
        severity=highest,
        findings=tuple(sorted(finding.fingerprint for finding in findings)),
        lines=tuple(
            _line(finding, identities, evidence(finding)) for finding in rules_in_turn(findings)[: target.max_findings]
        ),
        assignee=None if owner.person is None else _account(owner.person, target.type),
    )


def _line(finding: Finding, identities: Mapping[str, Assessment], evidence: str | None) -> Line:
    return Line(
        fingerprint=finding.fingerprint,
        severity=finding.severity,
        title=shortened(finding.title),
        subject=shortened(subject_of(finding, identities)),
        evidence=shortened(without_surrogates(evidence)) if evidence else None,
        remediation=shortened(step_of(finding, identities.get(finding.identity or ""))),
        rechecked=finding.rechecked,
    )


def _account(person: Person, system: str) -> str | None:
    """The alias that names the person's account in that system, such as ``github:ada``."""
    prefix = f"{system}:"
    return next((alias[len(prefix) :] for alias in person.aliases if alias.lower().startswith(prefix)), None)
