"""A result filtered by provider, team, rule and the like, or split by recipient.

What is left is a result of its own: its numbers are counted anew, so that they agree with its lists. Coverage stays
whole, as no number can be trusted without the gaps it was counted under; and the result says what was asked for.
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
    """What is to be listed; empty: all. Texts are equal but for case; of several in one field, any fits.

    ``severity``: findings that severe or more, and whoever has one. ``owners`` also fits whom to ask where nobody
    answers.
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
        """Such as ``provider aws or gcp, severity high or above``."""
        named = {"provider": self.providers, "team": self.teams, "rule": self.rules, "owner": self.owners}
        text = [f"{name} {' or '.join(values)}" for name, values in named.items() if values]
        return ", ".join([*text, *([f"severity {self.severity} or above"] if self.severity else [])])


def narrowed(result: ScanResult, wanted: Wanted) -> ScanResult:
    """The result with nothing in its lists but what is wanted and what that refers to."""
    if not wanted:
        return result
    about = {one.identity.key: one for one in result.identities if _fits(wanted, _facts(one))}
    entries = {one.entry.id: one.entry for one in result.entries}
    rights = {one.key: one.provider for one in result.assignments}
    findings = [
        one
        for one in result.findings
        if (not wanted.rules or one.rule in wanted.rules)
        and (wanted.severity is None or SEVERITY_RANK[one.severity] <= SEVERITY_RANK[wanted.severity])
        and (one.identity in about if one.identity else _fits(wanted, _facts_without(one, entries, rights)))
    ]
    by_finding = bool(wanted.rules or wanted.severity)
    with_one = {one.identity for one in findings}
    kept = [key for key in about if not by_finding or key in with_one]
    text = f"Filtered by {wanted.in_words}; everything else is left out."
    return _of(result, [about[key] for key in kept], findings, wanted, text)


def parted(result: ScanResult, view: View, label: Callable[[Assessment], str | None]) -> dict[str | None, ScanResult]:
    """A result for each label of the view's identities, by label; None comes last."""
    groups: dict[str | None, list[Assessment]] = {}
    findings: dict[str, list[Finding]] = {}
    for one in select(result, view).identities:
        groups.setdefault(label(one), []).append(one)
    for finding in result.findings:
        findings.setdefault(finding.identity or "", []).append(finding)
    parts = {}
    for name in sorted(groups, key=lambda name: (name is None, name)):
        found = [finding for one in groups[name] for finding in findings.get(one.identity.key, ())]
        text = f"Only what is for {name or 'no owner or team'}."
        parts[name] = _of(result, groups[name], sorted(found, key=most_severe_first), None, text)
    return parts


class _Facts(Struct, frozen=True):
    """What filters go by."""

    provider: str | None
    teams: tuple[str | None, ...]
    owners: tuple[str | None, ...]


def _facts(one: Assessment) -> _Facts:
    return _Facts(one.identity.provider, (one.ownership.team,), (one.ownership.owner, one.contact))


def _facts_without(one: Finding, entries: Mapping[str, Entry], rights: Mapping[str, str]) -> _Facts:
    """Those of a finding that is about no identity: of the entry or the right it is about."""
    entry = entries.get(one.entry or "")
    provider = entry.provider if entry else rights.get(one.assignment or "")
    owners = (one.owner, *(entry.owner if entry else ()))
    return _Facts(provider, (entry.team if entry else None,), owners)


def _fits(wanted: Wanted, facts: _Facts) -> bool:
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
    """The result with these identities and findings, and what they refer to."""
    shown = {one.fingerprint for one in findings}
    kept = tuple(replace(one, findings=tuple(fp for fp in one.findings if fp in shown)) for one in identities)
    keys = {one.identity.key for one in kept}
    named = {one.registry.entry for one in kept} | {one.entry for one in findings}
    # What is about no identity has a provider alone to be asked for by.
    by_provider = wanted is not None and wanted == Wanted(providers=wanted.providers)
    providers = wanted.providers if wanted is not None and by_provider else ()
    entries = tuple(one for one in result.entries if one.entry.id in named or _is_at(one.entry.provider, providers))
    held = held_by((one.identity for one in result.identities), result.assignments) if result.assignments else {}
    rights = {right.key for key in keys for right in held.get(key, ())} | {one.assignment for one in findings}
    secrets = tuple(one for one in result.secrets if _is_at(one.provider, providers))
    workloads = tuple(one for one in result.workloads if not keys.isdisjoint(one.runs_as))
    assignments = tuple(one for one in result.assignments if one.key in rights or _is_at(one.provider, providers))
    return replace(
        result,
        summary=summarise(kept, secrets, workloads, assignments, entries, tuple(findings), result.coverage),
        identities=kept,
        secrets=secrets,
        workloads=workloads,
        assignments=assignments,
        entries=entries,
        findings=tuple(findings),
        only=text,
        trend=(),
        since=None,
    )


def _is_at(provider: str | None, providers: Iterable[str]) -> bool:
    return provider is not None and _any_of(providers, (provider,))


def unknown_terms(result: ScanResult, wanted: Wanted) -> Iterator[tuple[str, str, list[str]]]:
    """What nothing in the result has: the sort of term, the term, and those that there are."""
    facts = [_facts(one) for one in result.identities]
    known: Mapping[str, tuple[tuple[str, ...], set[str]]] = {
        "provider": (wanted.providers, {one.provider for one in facts if one.provider}),
        "team": (wanted.teams, {team for one in facts for team in one.teams if team}),
        "owner": (wanted.owners, {owner for one in facts for owner in one.owners if owner}),
    }
    for sort, (terms, there) in known.items():
        yield from ((sort, term, sorted(there)) for term in terms if not _any_of((term,), there))
