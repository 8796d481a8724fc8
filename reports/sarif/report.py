"""The SARIF report: one run, written result by result, within the limits of code-scanning hosts."""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import PurePath
from typing import Any, BinaryIO, ClassVar
from urllib.parse import quote

from reports.base import Screen, View
from reports.json import encoded
from reports.judged import with_identities
from reports.phrases import asked_text, evidence_line, joined
from reports.summary import Digest, gap_text
from reports.views import select
from scanner.model import Assessment, CoverageStatus, Finding, Origin, ScanResult, Severity
from scanner.rules.base import Rule
from scanner.rules.catalog import RULES
from scanner.rules.next_step import step_of
from scanner.rules.wording import explained, iso
from scanner.text import markdown_sentence, printable

RESULTS_TAKEN = 25_000
"""Code-scanning hosts refuse a file with more results in a run; they show the 5,000 with the highest severity."""
BYTES_TAKEN = 9_000_000
"""Maximum compressed bytes.

Hosts accept 10 MB; the margin is for content after the results, and for other compressors.
"""
LONGEST_MESSAGE = 2_000
GAPS_NAMED = 100
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_GAP_LEVELS: Mapping[CoverageStatus, str] = {"denied": "error", "failed": "error"}
# In a message square brackets make a link and braces a placeholder.
_MARKUP = re.compile(r"[\[\]\\]")


class SarifReport:
    """Findings as results, highest severity first; gaps and notices as notifications."""

    name: ClassVar[str] = "sarif"
    title: ClassVar[str] = "findings for code scanning (SARIF 2.1.0)"
    default_view: ClassVar[View] = "findings"
    extra: ClassVar[str | None] = None

    def __init__(self, *, results_taken: int = RESULTS_TAKEN, bytes_taken: int = BYTES_TAKEN) -> None:
        self._results_taken = results_taken
        self._bytes_taken = bytes_taken

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the run; a notice reports how many results were left out."""
        shown = select(result, view)
        rules = rules_of(shown.findings)
        out.write(b'{"$schema": ' + encoded(_SCHEMA) + b', "version": "2.1.0", "runs": [{\n')
        head = _head(result, list(rules.values()))
        out.writelines(encoded(key) + b": " + encoded(value) + b",\n" for key, value in head.items())
        out.write(b'"results": [')
        written, compressor, size = 0, zlib.compressobj(), 0
        for one in _results(
            with_identities(result, shown.findings),
            SarifPlaces(result),
            {name: index for index, name in enumerate(rules)},
        ):
            line = encoded(one)
            size += len(compressor.compress(line))
            if written == self._results_taken or size > self._bytes_taken:
                break
            out.write((b",\n" if written else b"\n") + line)
            written += 1
        left_out = len(shown.findings) - written
        notices = (_left_out(left_out, len(shown.findings)),) if left_out else ()
        out.write(b'\n],\n"invocations": [' + encoded(_invocation(Digest(result), notices, screen)) + b"]\n}]}\n")
        return notices


def _head(result: ScanResult, rules: list[dict[str, Any]]) -> dict[str, Any]:
    driver = {"name": "Muster", "version": result.scan.version, "rules": rules}
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"muster/{printable(result.scan.id)}"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The folder that Muster ran in."}}},
    }


def _results(
    findings: Iterable[tuple[Finding, Assessment | None]], places: SarifPlaces, indexes: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    for finding, about in findings:
        yield {
            "ruleId": finding.rule,
            "ruleIndex": indexes[finding.rule],
            "level": LEVELS[finding.severity],
            "message": {"text": _message(finding, about)},
            "locations": [places.of(finding)],
            "partialFingerprints": {
                "muster/v1": finding.fingerprint,
                # Hosts identify results by it; otherwise they would use the line of the file, which moves.
                "primaryLocationLineHash": f"{finding.fingerprint}:1",
            },
            "baselineState": "new" if finding.new else "updated" if finding.worsened else "unchanged",
            **_suppressed(finding),
            "properties": {
                "severity": finding.severity,
                "owner": finding.owner,
                "rechecked": finding.rechecked,
                **({} if (asked := asked_text(finding)) is None else {"asked": printable(asked)}),
                "controls": finding.controls,
                **_of_a_day(finding),
            },
        }


def _of_a_day(finding: Finding) -> dict[str, Any]:
    state = explained(finding)
    return {} if state is None else {"explained": state, "eventIds": finding.evidence.get("event_ids") or []}


def _suppressed(finding: Finding) -> dict[str, Any]:
    known = finding.acknowledged
    if known is None:
        return {}
    why = printable(f"{known.reason} ({known.by}, until {known.until})")
    return {"suppressions": [{"kind": "external", "status": "accepted", "justification": why}]}


def _message(finding: Finding, identity: Assessment | None) -> str:
    about = joined(filter(None, (*finding.subjects, evidence_line(finding))))
    said = f"{finding.title}: {about}" if about else finding.title
    text = printable(said)
    cut = text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]} …"
    return f"{_plain(cut)}. {_plain(printable(step_of(finding, identity)))}"


def _plain(text: str) -> str:
    """Text without links and placeholders."""
    return _MARKUP.sub(r"\\\g<0>", text).replace("{", "{{").replace("}", "}}")


def _invocation(digest: Digest, notices: tuple[str, ...], screen: Screen) -> dict[str, Any]:
    """The scan. It was no success if it could not read everything, because missing results may only be unread."""
    return {
        "executionSuccessful": not digest.gaps,
        "startTimeUtc": iso(digest.result.scan.started_at),
        "endTimeUtc": iso(digest.result.scan.finished_at),
        "toolExecutionNotifications": list(_notifications(digest, notices, screen)),
    }


def _notifications(digest: Digest, notices: tuple[str, ...], screen: Screen) -> Iterator[dict[str, Any]]:
    texts = [(text, "warning") for text in (*notices, *digest.caveats)]
    texts += [(f"{gap.status}: {gap_text(gap)}", _GAP_LEVELS.get(gap.status, "warning")) for gap in digest.gaps]
    texts += [(text, "note") for text in digest.result.notices]
    for text, level in islice(texts, GAPS_NAMED):
        yield {"level": level, "message": {"text": _MARKUP.sub(r"\\\g<0>", printable(text))}}
    if len(texts) > GAPS_NAMED:
        more = f"and {len(texts) - GAPS_NAMED:,} more: {screen.command('muster report --view coverage')}"
        yield {"level": "warning", "message": {"text": more}}


def _left_out(results: int, of: int) -> str:
    return (
        f"it holds {of - results:,} of {of:,} findings, highest severity first: code-scanning hosts take no more. "
        "The others are in every other format"
    )


# --- Locations: a line of the registry, or for the gate the place in the file, and the identity as a logical one ---

ROOT = "%SRCROOT%"
_NO_REGISTRY = Origin(file="registry.csv", row=1)
"""The file for results without a registry, because hosts refuse a result without a file."""


class SarifPlaces:
    """The places of a whole result's findings."""

    def __init__(self, result: ScanResult) -> None:
        self._origins: Mapping[str, Origin] = {judged.entry.id: judged.entry.origin for judged in result.entries}
        self._entries = {judged.identity.key: judged.registry.entry for judged in result.identities}
        self._names = {judged.identity.key: judged.identity.name for judged in result.identities}
        first = next(iter(self._origins.values()), _NO_REGISTRY)
        self._undeclared = Origin(file=first.file, row=1)
        self._are_planned = bool(result.plans)

    def of(self, finding: Finding) -> dict[str, Any]:
        """The line of the finding's entry; for an unregistered identity, the top of its registry.

        A file without lines of its own, such as a plan, is named by its first: hosts refuse a result without a line.
        """
        if self._are_planned:
            return self._planned(finding)
        entry = finding.entry or self._entries.get(finding.identity or "")
        origin = self._origins.get(entry or "", self._undeclared)
        return {
            "physicalLocation": {"artifactLocation": artifact(origin.file), "region": {"startLine": origin.row or 1}},
            "logicalLocations": [_logical(name, self._names) for name in _subjects(finding)],
        }

    def _planned(self, finding: Finding) -> dict[str, Any]:
        place = finding.evidence
        resource = printable(str(place["resource"]))
        declared = {"name": resource, "fullyQualifiedName": resource, "kind": "resource"}
        return {
            "physicalLocation": {
                "artifactLocation": artifact(str(place["file"])),
                "region": {"startLine": place.get("line") or 1},
            },
            "logicalLocations": [declared, *(_logical(name, self._names) for name in _subjects(finding))],
        }


def artifact(file: str) -> dict[str, str]:
    """A file by its URI: relative to the root of the sources if the registry's path is relative."""
    path = PurePath(file)
    uri = quote(path.as_posix(), safe="/", encoding="utf-8", errors="replace")
    if path.is_absolute():
        return {"uri": f"file://{uri}"}
    return {"uri": uri} if ".." in path.parts else {"uri": uri, "uriBaseId": ROOT}


def _subjects(finding: Finding) -> list[str]:
    """The subjects of a finding, the most specific last; an exemption has only a pattern, which is evidence."""
    return [name for name in (finding.entry, finding.assignment, finding.identity, finding.credential) if name]


def _logical(key: str, names: Mapping[str, str]) -> dict[str, str]:
    return {"name": printable(names.get(key, key)), "fullyQualifiedName": printable(key), "kind": "resource"}


# --- Descriptors of the rules: title, reason, remediation, severity ---

LEVELS: Mapping[Severity, str] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
    "info": "note",
}
_SCORES: Mapping[Severity, str] = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0", "info": "0.0"}
"""Code-scanning hosts call critical what is above 9.0, high from 7.0, medium from 4.0, low above 0."""
TAGS_SHOWN = 10
"""Number of a rule's tags that a host shows."""
_WORD = re.compile(r"\w+")
_CATALOG = {rule.id: rule for rule in RULES}


def rules_of(findings: Iterable[Finding]) -> dict[str, dict[str, Any]]:
    """By id, sorted: the descriptor of each rule that fired, tagged with the controls that its findings cite.

    A rule that is not in the catalog is described by its finding.
    """
    fired: dict[str, Finding] = {}
    cited: dict[str, dict[str, None]] = defaultdict(dict)
    for finding in findings:
        fired[finding.rule] = finding
        cited[finding.rule] |= dict.fromkeys(finding.controls)
    return {
        name: _described(_CATALOG[name], cited[name]) if name in _CATALOG else _as_found(fired[name], cited[name])
        for name in sorted(fired)
    }


def _described(rule: Rule, controls: Iterable[str]) -> dict[str, Any]:
    severity = f"{rule.severity}; {rule.severity_note}" if rule.severity_note else rule.severity
    text = f"Why it matters: {rule.why}\n\nWhat to do: {rule.remediation}\n\nSeverity: {severity}."
    markdown = f"**Why it matters.** {rule.why}\n\n**What to do.** {rule.remediation}\n\n**Severity**: {severity}."
    return {**_named(rule.id, rule.title, rule.why, text, markdown), **_graded(rule.severity, controls)}


def _as_found(finding: Finding, controls: Iterable[str]) -> dict[str, Any]:
    named = _named(
        finding.rule, finding.title, finding.title, finding.remediation, markdown_sentence(finding.remediation)
    )
    return {**named, **_graded(finding.severity, controls)}


def _named(name: str, title: str, description: str, text: str, markdown: str) -> dict[str, Any]:
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in _WORD.findall(title)),
        "shortDescription": {"text": title},
        "fullDescription": {"text": description},
        "help": {"text": text, "markdown": markdown},
    }


def _graded(severity: Severity, controls: Iterable[str]) -> dict[str, Any]:
    return {
        "defaultConfiguration": {"level": LEVELS[severity]},
        "properties": {
            "tags": ["security", *controls][:TAGS_SHOWN],
            "precision": "high",
            "security-severity": _SCORES[severity],
        },
    }
