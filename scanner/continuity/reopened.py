"""New findings that are old acquaintances: resolved once, and back again. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from scanner.model import Earlier, Finding, ScanResult


def unknown_fingerprints(result: ScanResult) -> frozenset[str]:
    """Of those findings that the last scan did not announce."""
    return frozenset(
        one.fingerprint for one in result.findings if one.new or one.held_back or one.acknowledged is not None
    )


def with_earlier(result: ScanResult, earlier: Mapping[str, Earlier]) -> ScanResult:
    """The result with what earlier scans knew of its findings, by fingerprint: since when, and which are reopened."""
    if not earlier:
        return result
    findings = tuple(_known_before(one, earlier.get(one.fingerprint)) for one in result.findings)
    reopened = sum(one.reopened for one in findings)
    return replace(result, findings=findings, summary=replace(result.summary, reopened_findings=reopened))


def _known_before(finding: Finding, earlier: Earlier | None) -> Finding:
    if earlier is None:
        return finding
    came_back = earlier.announced and not earlier.let_be
    return replace(finding, first_seen=earlier.first_seen, reopened=finding.new and came_back)
