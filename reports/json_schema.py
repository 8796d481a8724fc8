"""The JSON Schema of ``muster.scan/1``, generated from the records: for the document and for NDJSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from inspect import cleandoc
from typing import Any, TypeAlias

import msgspec

from reports.blast_radius import PublishedRadius
from reports.json import BLAST_RADIUS, FACTS, FIRST_SEEN, HELD, INPUT, JUDGED, NEXT_STEP, VERDICTS, WITH_ATTRIBUTES
from scanner.model import (
    SCHEMA,
    Assessment,
    Assignment,
    Coverage,
    EntryAssessment,
    Exposure,
    Finding,
    FindingState,
    FindingStatus,
    Policy,
    ScanInfo,
    StoredSecret,
    Summary,
    Workload,
)
from scanner.model.retirement import RetirementState

Schema: TypeAlias = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/{name}"
_WRITTEN = (
    Assessment,
    EntryAssessment,
    Coverage,
    StoredSecret,
    Workload,
    Assignment,
    Exposure,
    Finding,
    ScanInfo,
    Summary,
    Policy,
    PublishedRadius,
    RetirementState,
)
_LISTS: Mapping[str, tuple[str, str]] = {
    "coverage": ("coverage", "Coverage"),
    "identities": ("identity", "IdentityRecord"),
    "secrets": ("secret", "StoredSecret"),
    "workloads": ("workload", "Workload"),
    "assignments": ("assignment", "Assignment"),
    "exposures": ("exposure", "Exposure"),
    "registry": ("registry", "EntryRecord"),
    "findings": ("finding", "Finding"),
    "retirements": ("retirement", "RetirementState"),
}
"""By key of the document: the ``type`` of its NDJSON lines, and their description."""


def scan_schema() -> Schema:
    """The schema of the document. Its definition ``line`` is that of an NDJSON line. Keys may be added."""
    _, components = msgspec.json.schema_components(_WRITTEN, ref_template=_REF)
    for name in ("Way", "TokenSubject", "Said"):  # written among an identity's attributes
        del components[name]
    for component in components.values():  # docstrings, which Python 3.13 and newer keep without their indentation
        component["description"] = cleandoc(component["description"])
    defs = {name: _as_written(component) for name, component in components.items()}
    judged, entry = defs.pop("Assessment"), defs.pop("EntryAssessment")
    defs["IdentityRecord"] = _identity(judged, defs.pop("Identity"))
    workload = {name: of for name, of in defs["Workload"]["properties"].items() if name not in WITH_ATTRIBUTES}
    defs["Workload"] = {**defs["Workload"], **_object(workload)}
    defs["EntryRecord"] = _entry(entry, defs.pop("Entry"))
    defs["Input"] = _input(defs["Input"])
    status = {
        "status": msgspec.json.schema(FindingStatus),
        "worsened": {"type": "boolean"},
        "state": msgspec.json.schema(FindingState),
    }
    defs["Finding"] = {**defs["Finding"], **_object({**defs["Finding"]["properties"], **status})}
    head = _object(
        {
            "schema": {"const": SCHEMA},
            "scan": _ref("ScanInfo"),
            "summary": _ref("Summary"),
            "policy": _ref("Policy"),
            "notices": {"type": "array", "items": {"type": "string"}},
        }
    )
    lists = {key: {"type": "array", "items": _ref(record)} for key, (_, record) in _LISTS.items()}
    lines = [_line("scan", head), *(_line(kind, _ref(record)) for kind, record in _LISTS.values())]
    return {
        "$schema": _DIALECT,
        "$id": f"urn:{SCHEMA.replace('/', ':')}",
        "title": SCHEMA,
        "description": "The result of a scan. Times are in UTC, unknown is null. Keys may be added, none goes.",
        **_object({**head["properties"], **lists}),
        "$defs": {**dict(sorted(defs.items())), "line": {"oneOf": lines}},
    }


@cache
def scan_schema_text() -> str:
    """The schema as a file; made once for all bundles of evidence."""
    return json.dumps(scan_schema(), indent=2) + "\n"


def _as_written(component: Schema) -> Schema:
    """The schema of a written record, which has every field."""
    fields = {
        name: {name: value for name, value in field.items() if name != "default"}
        for name, field in component["properties"].items()
    }
    return {"description": component["description"], **_object(fields)}


def _input(given: Schema) -> Schema:
    """The schema of an input, without the config's text."""
    described = "A file that the scan went by, with the hash of its bytes; or a query to a database, which has none."
    return {"description": described, **_object({name: given["properties"][name] for name in INPUT})}


def _identity(judged: Schema, identity: Schema) -> Schema:
    ours, theirs = judged["properties"], identity["properties"]
    fields = {
        **{name: theirs[name] for name in FACTS},
        FIRST_SEEN: msgspec.json.schema(datetime | None),
        **{name: ours[name] for name in VERDICTS},
        BLAST_RADIUS: {"anyOf": [{"type": "null"}, _ref("PublishedRadius")]},
        **{name: theirs[name] for name in HELD},
        **{name: ours[name] for name in JUDGED},
        NEXT_STEP: msgspec.json.schema(str),
    }
    return {"description": judged["description"], **_object(fields)}


def _entry(judged: Schema, entry: Schema) -> Schema:
    """The entry's fields and its state; ``identities`` are the matched ones."""
    declared = {"declared_identities" if name == "identities" else name: of for name, of in entry["properties"].items()}
    became = {name: of for name, of in judged["properties"].items() if name != "entry"}
    return {"description": judged["description"], **_object({**became, **declared})}


def _object(fields: Schema) -> Schema:
    return {"type": "object", "properties": fields, "required": list(fields)}


def _line(kind: str, record: Schema) -> Schema:
    return {"allOf": [_object({"type": {"const": kind}}), record]}


def _ref(name: str) -> Schema:
    return {"$ref": _REF.format(name=name)}
