"""The JSON reports, ``muster.scan/1``: one document, or one object a line.

Both are written record by record, so memory does not grow with them. The document has one record a line as well,
which keeps it small and lets line-based tools (grep, diff) see records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, ClassVar

from msgspec.structs import asdict

from reports.base import Screen, View
from reports.json_text import encoded
from reports.phrases import evidence_of
from reports.views import select
from scanner.model import SCHEMA, Assessment, EntryAssessment, Finding, ScanResult

FACTS = (
    "key", "provider", "source", "sources", "scope", "kind", "name", "display_name", "description", "unique_id",
    "aliases", "enabled", "created_at", "created_by", "last_used_at", "use_tracked_days", "environment", "managed_by",
    "tags", "attributes", "observed_at",
)  # fmt: skip
VERDICTS = ("nature", "agent", "registry", "ownership", "usage", "privilege", "drift")
HELD = ("credentials", "grants", "links", "trusts")
JUDGED = ("consumers", "findings", "rechecked")
"""Fields of an identity, and between them of its assessment, in the order in which they are written."""


class JsonReport:
    """The whole result as one document."""

    name: ClassVar[str] = "json"
    title: ClassVar[str] = "the whole result for programs"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the document; every key is there in every view, only the lists get shorter."""
        del screen
        out.write(b"{\n" + b",\n".join(encoded(key) + b": " + encoded(value) for key, value in _head(result).items()))
        for key, _, records in _lists(select(result, view)):
            out.write(b",\n" + encoded(key) + b": [")
            separator = b"\n"
            for record in records:
                out.write(separator + encoded(record))
                separator = b",\n"
            out.write(b"\n]")
        out.write(b"\n}\n")
        return ()


class NdjsonReport:
    """The same records, one object a line, each with its ``type``; the scan comes first."""

    name: ClassVar[str] = "ndjson"
    title: ClassVar[str] = "the whole result, one JSON object a line"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the scan's line, then a line for each record."""
        del screen
        out.write(encoded({"type": "scan", **_head(result)}) + b"\n")
        for _, kind, records in _lists(select(result, view)):
            out.writelines(encoded({"type": kind, **record}) + b"\n" for record in records)
        return ()


def _head(result: ScanResult) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "scan": result.scan,
        "summary": result.summary,
        "policy": result.policy,
        "notices": result.notices,
    }


def _lists(result: ScanResult) -> Iterator[tuple[str, str, Iterable[dict[str, Any]]]]:
    """Each list's key in the document, the type of its records on lines of their own, and its records."""
    yield "coverage", "coverage", map(asdict, result.coverage)
    yield "identities", "identity", map(_identity, result.identities)
    yield "secrets", "secret", map(asdict, result.secrets)
    yield "workloads", "workload", map(asdict, result.workloads)
    yield "registry", "registry", map(_entry, result.entries)
    yield "findings", "finding", map(_finding, result.findings)


def _identity(judged: Assessment) -> dict[str, Any]:
    identity = judged.identity
    return {
        **{field: getattr(identity, field) for field in FACTS},
        **{field: getattr(judged, field) for field in VERDICTS},
        **{field: getattr(identity, field) for field in HELD},
        **{field: getattr(judged, field) for field in JUDGED},
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {**asdict(finding), "evidence": evidence_of(finding), "status": finding.status}


def _entry(judged: EntryAssessment) -> dict[str, Any]:
    declared = asdict(judged.entry)
    return {
        "id": declared.pop("id"),
        "state": judged.state,
        "identities": judged.identities,
        "evidence": judged.evidence,
        "candidates": judged.candidates,
        "rechecked": judged.rechecked,
        "declared_identities": declared.pop("identities"),
        **declared,
    }
