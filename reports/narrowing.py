"""A result filtered by provider, team, rule and the like, or split by recipient.

The filtered result counts its numbers again, so that they agree with its lists. Coverage stays complete, because
numbers depend on the gaps. The result names the filters.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from reports.base import View
from reports.views import select
from scanner.access.assignments import held_by
from scanner.model import SEVERITY_RANK, Assessment, Entry, Finding, ScanResult, Severity, most_severe_first
from scanner.model.summary import summarise


class Wanted(Struct, frozen=True, kw_only=True):
    """The filters; empty: all. Texts are compared case-insensitively; any of several values in a field matches.

    ``severity``: findings of at least this severity, and their identities. ``owners`` also matches the likely owner of
    an orphaned identity.
    """

    severity: Severity | None = None
    providers: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.severity is not None or any((self.providers, self.teams, self.rules, self.owners))

    @property
    def in_words(self) -> str:
        """The filters as text, such as ``provider aws or gcp, severity high or above``."""
        named = {"provider": self.providers, "team": self.teams, "rule": self.rules, "owner": self.owners}
        text = [f"{name} {' or '.join(values)}" for name, values in named.items() if values]
        return ", ".join([*text, *([f"severity {self.severity} or above"] if self.severity else [])])


def narrowed(result: ScanResult, wanted: Wanted) -> ScanResult:
    """The result with only the wanted records and those that they refer to."""
    if not wanted:
        return result
    about = {
        assessment.identity.key: assessment for assessment in result.identities if _fits(wanted, _facts(assessment))
    }
    entries = {declared.entry.id: declared.entry for declared in result.entries}
    rights = {assignment.key: assignment.provider for assignment in result.assignments}
    findings = [
        finding
        for finding in result.findings
        if (not wanted.rules or finding.rule in wanted.rules)
        and (wanted.severity is None or SEVERITY_RANK[finding.severity] <= SEVERITY_RANK[wanted.severity])
        and (finding.identity in about if finding.identity else _fits(wanted, _facts_without(finding, entries, rights)))
    ]
    by_finding = bool(wanted.rules or wanted.severity)
    with_one = {finding.identity for finding in findings}
    kept = [key for key in about if not by_finding or key in with_one]
    text = f"Filtered by {wanted.in_words}; everything else is left out."
    return _of(result, [about[key] for key in kept], findings, wanted, text)


def parted(result: ScanResult, view: View, label: Callable[[Assessment], str | None]) -> dict[str | None, ScanResult]:
    """A result for each label of the view's identities, by label; None comes last."""
    groups: dict[str | None, list[Assessment]] = {}
    findings: dict[str, list[Finding]] = {}
    for identity in select(result, view).identities:
        groups.setdefault(label(identity), []).append(identity)
    for finding in result.findings:
        findings.setdefault(finding.identity or "", []).append(finding)
    parts = {}
    for name in sorted(groups, key=lambda name: (name is None, name)):
        found = [finding for one in groups[name] for finding in findings.get(one.identity.key, ())]
        text = f"Only what is for {name or 'no owner or team'}."
        parts[name] = _of(result, groups[name], sorted(found, key=most_severe_first), None, text)
    return parts


class _NarrowingFacts(Struct, frozen=True):
    """The facts that filters compare."""

    provider: str | None
    teams: tuple[str | None, ...]
    owners: tuple[str | None, ...]


def _facts(assessment: Assessment) -> _NarrowingFacts:
    return _NarrowingFacts(
        assessment.identity.provider, (assessment.ownership.team,), (assessment.ownership.owner, assessment.contact)
    )


def _facts_without(finding: Finding, entries: Mapping[str, Entry], rights: Mapping[str, str]) -> _NarrowingFacts:
    """The facts of a finding without an identity: those of its entry or assignment."""
    entry = entries.get(finding.entry or "")
    provider = entry.provider if entry else rights.get(finding.assignment or "")
    owners = (finding.owner, *(entry.owner if entry else ()))
    return _NarrowingFacts(provider, (entry.team if entry else None,), owners)


def _fits(wanted: Wanted, facts: _NarrowingFacts) -> bool:
    asked = ((wanted.providers, (facts.provider,)), (wanted.teams, facts.teams), (wanted.owners, facts.owners))
    return all(not texts or _any_of(texts, found) for texts, found in asked)


def _any_of(texts: Iterable[str], found: Iterable[str | None]) -> bool:
    known = {_plain(one) for one in found if one}
    return any(_plain(text) in known for text in texts)


def _plain(text: str) -> str:
    return text.casefold().strip().removeprefix("team:")


def _of(
    result: ScanResult,
    identities: list[Assessment],
    findings: Collection[Finding],
    wanted: Wanted | None,
    text: str,
) -> ScanResult:
    """The result with these identities and findings, and the records that they refer to."""
    shown = {finding.fingerprint for finding in findings}
    kept = tuple(
        replace(assessment, findings=tuple(fp for fp in assessment.findings if fp in shown))
        for assessment in identities
    )
    keys = {one.identity.key for one in kept}
    named = {one.registry.entry for one in kept} | {finding.entry for finding in findings}
    # Records without an identity can only be filtered by provider.
    by_provider = wanted is not None and wanted == Wanted(providers=wanted.providers)
    providers = wanted.providers if wanted is not None and by_provider else ()
    entries = tuple(
        declared
        for declared in result.entries
        if declared.entry.id in named or _is_at(declared.entry.provider, providers)
    )
    held = (
        held_by((assessment.identity for assessment in result.identities), result.assignments)
        if result.assignments
        else {}
    )
    rights = {right.key for key in keys for right in held.get(key, ())} | {finding.assignment for finding in findings}
    secrets = tuple(secret for secret in result.secrets if _is_at(secret.provider, providers))
    workloads = tuple(workload for workload in result.workloads if not keys.isdisjoint(workload.runs_as))
    assignments = tuple(
        assignment
        for assignment in result.assignments
        if assignment.key in rights or _is_at(assignment.provider, providers)
    )
    part = replace(
        result,
        identities=kept,
        secrets=secrets,
        workloads=workloads,
        assignments=assignments,
        exposures=tuple(one for one in result.exposures if one.identity in keys or _is_at(one.provider, providers)),
        entries=entries,
        findings=tuple(findings),
        only=text,
        trend=(),
        since=None,
    )
    return replace(part, summary=summarise(part))


def _is_at(provider: str | None, providers: Iterable[str]) -> bool:
    return provider is not None and _any_of(providers, (provider,))


def unknown_terms(result: ScanResult, wanted: Wanted) -> Iterator[tuple[str, str, list[str]]]:
    """Terms without any match in the result: the filter, the term, and the known terms."""
    if not wanted:
        return
    facts = [_facts(identity) for identity in result.identities]
    known: Mapping[str, tuple[tuple[str, ...], set[str]]] = {
        "provider": (wanted.providers, {fact.provider for fact in facts if fact.provider}),
        "team": (wanted.teams, {team for fact in facts for team in fact.teams if team}),
        "owner": (wanted.owners, {owner for fact in facts for owner in fact.owners if owner}),
    }
    for sort, (terms, there) in known.items():
        yield from ((sort, term, sorted(there)) for term in terms if not _any_of((term,), there))
