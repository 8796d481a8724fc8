"""Validators for the published schemas in ``schemas/``, and what a report wrote."""

from __future__ import annotations

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from jsonschema import Draft4Validator, Draft202012Validator
from jsonschema.protocols import Validator

from reports.base import Report, Screen, View
from scanner.model import ScanResult

SCHEMAS = Path(__file__).parent / "schemas"


@cache
def sarif() -> Validator:
    return Draft4Validator(_schema("sarif-schema-2.1.0"))


@cache
def ocsf(class_name: str, *, cloud: bool) -> Validator:
    return Draft202012Validator(_schema(f"ocsf-1.6.0-{class_name}{'-cloud' if cloud else ''}"))


def complaints(validator: Validator, value: Any) -> list[str]:
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(value)]


def document(report: Report, result: ScanResult, view: View | None = None) -> Any:
    return msgspec.json.decode(written(report, result, view))


def lines(report: Report, result: ScanResult, view: View | None = None) -> list[Any]:
    return [msgspec.json.decode(line) for line in written(report, result, view).splitlines()]


def written(report: Report, result: ScanResult, view: View | None = None) -> bytes:
    out = io.BytesIO()
    report.write(result, view or report.default_view, out, Screen())
    return out.getvalue()


def _schema(name: str) -> Any:
    return json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
