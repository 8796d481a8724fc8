"""The JSON reports, without characters that a terminal or an editor would interpret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any, BinaryIO, ClassVar, Literal, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import asdict, replace

from reports.base import Screen, View
from reports.blast_radius import published, radii_of
from reports.judged import Judged, judged_identities
from reports.views import select
from scanner.model import SCHEMA, BlastRadius, EntryAssessment, Finding, ScanInfo, ScanResult, Workload
from scanner.rules.next_step import next_step
from scanner.rules.wording import evidence_of
from scanner.text import without_surrogates

# Characters that JSON allows but a terminal or an editor interprets, in UTF-8: DEL, C1 controls, zero-width and
# bidirectional marks, line and paragraph separators, the byte order mark. JSON has an escape for each.
_ACTIVE = re.compile(
    rb"\x7f|\xc2[\x80-\x9f\xad]|\xd8\x9c|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf"
)

_Order: TypeAlias = Literal["deterministic"] | None


def encoded(value: Any) -> bytes:
    """The value on one line, in the given order. Lone surrogates, which UTF-8 cannot encode, are replaced."""
    return _encoded(value, None)


def encoded_record(fields: Mapping[str, Any]) -> bytes:
    """A record on one line: its fields in the given order, and mappings in its fields sorted by name.

    Providers list tags and the like in any order, and so does a store.
    """
    return _encoded(_record(tuple(fields))(*fields.values()), "deterministic")


@cache
def _record(fields: tuple[str, ...]) -> type[Struct]:
    """The record with fields in order; the encoder sorts the mappings in it."""
    return msgspec.defstruct("Record", fields, frozen=True, gc=False)


def _encoded(value: Any, order: _Order) -> bytes:
    try:
        text = msgspec.json.encode(value, order=order)
    except UnicodeEncodeError:
        text = msgspec.json.encode(_encodable(msgspec.to_builtins(value, order=order)))
    return _ACTIVE.sub(_escaped, text)


def _encodable(value: Any) -> Any:
    match value:
        case str():
            return without_surrogates(value)
        case dict():
            return {without_surrogates(name): _encodable(member) for name, member in value.items()}
        case list() | tuple():
            return [_encodable(member) for member in value]
        case _:
            return value


def _escaped(match: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(match[0].decode())


# --- The JSON reports, ``muster.scan/1``: one document, or one object per line ---
#
# Both are written record by record, so memory does not grow with them. The document also has one record per line: it
# is small, and suits line-based tools (grep, diff).

FACTS = (
    "key", "provider", "source", "sources", "scope", "kind", "name", "display_name", "description", "unique_id",
    "aliases", "enabled", "created_at", "created_by", "last_used_at", "use_tracked_days", "environment", "managed_by",
    "tags", "attributes", "observed_at",
)  # fmt: skip
VERDICTS = ("nature", "agent", "registry", "ownership", "usage", "privilege", "drift")
HELD = ("credentials", "grants", "links", "trusts")
JUDGED = ("not_compared", "activity", "consumers", "findings", "rechecked")
"""Fields of an identity and its assessment, in the order of the report."""
WITH_ATTRIBUTES = ("runs_in", "signs_tokens_as")
"""Fields of a workload that are written among its attributes."""
FIRST_SEEN = "first_seen"
"""After the facts: start of the first scan that had the identity."""
BLAST_RADIUS = "blast_radius"
"""After the verdicts, because it is about the whole result."""
NEXT_STEP = "next_step"
"""The last field of an identity: one sentence, empty if nothing is open."""
INPUT = ("role", "name", "sha256")
"""Fields of an input. The config's text is only in the evidence pack."""


class JsonReport:
    """The whole result as one document."""

    name: ClassVar[str] = "json"
    title: ClassVar[str] = "the whole result for programs"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the document. Every view has every key, with shorter lists."""
        del screen
        out.write(b"{\n" + b",\n".join(encoded(key) + b": " + encoded(value) for key, value in head_of(result).items()))
        for key, _, records in _lists(result, view):
            out.write(b",\n" + encoded(key) + b": [")
            separator = b"\n"
            for record in records:
                out.write(separator + record)
                separator = b",\n"
            out.write(b"\n]")
        out.write(b"\n}\n")
        return ()


class NdjsonReport:
    """The same records, one object per line, each with its ``type``; the scan comes first."""

    name: ClassVar[str] = "ndjson"
    title: ClassVar[str] = "the whole result, one JSON object a line"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the scan's line, then a line for each record."""
        del screen
        out.write(encoded({"type": "scan", **head_of(result)}) + b"\n")
        for _, kind, records in _lists(result, view):
            begin = encoded({"type": kind})[:-1] + b","
            out.writelines(begin + record[1:] + b"\n" for record in records)
        return ()


def head_of(result: ScanResult) -> dict[str, Any]:
    """The members before the lists."""
    return {
        "schema": SCHEMA,
        "scan": scan_record(result.scan),
        "summary": result.summary,
        "policy": result.policy,
        "notices": (*filter(None, (result.only,)), *result.notices),
    }


def scan_record(scan: ScanInfo) -> dict[str, Any]:
    """The scan and its inputs, without the config's text."""
    return {**asdict(scan), "inputs": [{field: getattr(one, field) for field in INPUT} for one in scan.inputs]}


def _lists(whole: ScanResult, view: View) -> Iterator[tuple[str, str, Iterable[bytes]]]:
    """For each list: its key in the document, the ``type`` of its NDJSON lines, and its records."""
    result, radius_of = select(whole, view), radii_of(whole)
    listed = judged_identities(replace(whole, identities=result.identities))  # with all their findings
    yield "coverage", "coverage", map(plain_record, result.coverage)
    yield (
        "identities",
        "identity",
        (identity_record(judged, result.first_seen, radius_of(judged.identity.key)) for judged in listed),
    )
    yield "secrets", "secret", map(plain_record, result.secrets)
    yield "workloads", "workload", map(workload_record, result.workloads)
    yield "assignments", "assignment", map(plain_record, result.assignments)
    yield "exposures", "exposure", map(plain_record, result.exposures)
    yield "registry", "registry", map(entry_record, result.entries)
    yield "findings", "finding", map(finding_record, result.findings)
    yield "retirements", "retirement", map(plain_record, result.retirements)


def plain_record(record: Struct) -> bytes:
    """A record of the list coverage, secrets, assignments or exposures."""
    return encoded_record(asdict(record))


def workload_record(workload: Workload) -> bytes:
    """A record of the list workloads."""
    held = {name: value for name, value in asdict(workload).items() if name not in WITH_ATTRIBUTES}
    return encoded_record({**held, "attributes": workload.published_attributes})


def identity_record(judged: Judged, first_seen: Mapping[str, datetime], radius: BlastRadius | None) -> bytes:
    """A record of the list identities."""
    identity, verdicts = judged.identity, judged.verdicts
    return encoded_record(
        {
            **{field: getattr(identity, field) for field in FACTS},
            "attributes": identity.published_attributes,
            FIRST_SEEN: first_seen.get(identity.key),
            **{field: getattr(verdicts, field) for field in VERDICTS},
            BLAST_RADIUS: None if radius is None else published(radius),
            **{field: getattr(identity, field) for field in HELD},
            **{field: getattr(verdicts, field) for field in JUDGED},
            NEXT_STEP: next_step(verdicts, judged.findings),
        }
    )


def finding_record(finding: Finding) -> bytes:
    """A record of the list findings."""
    more = {
        "evidence": evidence_of(finding),
        "status": finding.status,
        "state": finding.state,
        "worsened": finding.worsened,
    }
    return encoded({**asdict(finding), **more})


def entry_record(judged: EntryAssessment) -> bytes:
    """A record of the list registry."""
    declared = asdict(judged.entry)
    record = {
        "id": declared.pop("id"),
        "state": judged.state,
        "identities": judged.identities,
        "evidence": judged.evidence,
        "candidates": judged.candidates,
        "renamed": judged.renamed,
        "first_seen": judged.first_seen,
        "rechecked": judged.rechecked,
        "declared_identities": declared.pop("identities"),
        **declared,
    }
    return encoded_record(record)
