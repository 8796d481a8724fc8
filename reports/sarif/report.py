"""The SARIF report: one run, written result by result, within the limits of code-scanning hosts."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO, ClassVar

from reports.base import Screen, View
from reports.json import encoded
from reports.judged import with_identities
from reports.phrases import asked_text, evidence_line, joined
from reports.sarif.places import ROOT, Places
from reports.sarif.rules import LEVELS, rules_of
from reports.summary import Digest, gap_text
from reports.views import select
from scanner.model import Assessment, CoverageStatus, Finding, ScanResult
from scanner.rules.next_step import step_of
from scanner.rules.wording import explained, iso
from scanner.text import printable

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
            with_identities(result, shown.findings), Places(result), {name: index for index, name in enumerate(rules)}
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
    findings: Iterable[tuple[Finding, Assessment | None]], places: Places, indexes: Mapping[str, int]
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
