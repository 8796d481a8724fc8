"""The published JSON Schema: what is written fits it, and it knows every key that is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reports.base import VIEWS, View
from reports.json import JsonReport, NdjsonReport
from reports.json_schema import scan_schema
from scanner.model import ScanResult
from tests.factories import make_result
from tests.reports.published import complaints, document, lines
from tests.reports.samples import HOSTILE, estate, estate_with_gaps, hostile_result, without_registry

SCHEMA = scan_schema()
WHOLE = Draft202012Validator(SCHEMA)
LINE = Draft202012Validator({**SCHEMA["$defs"]["line"], "$defs": SCHEMA["$defs"]})
RESULTS: dict[str, Callable[[], ScanResult]] = {
    "estate": estate,
    "gaps": estate_with_gaps,
    "no registry": without_registry,
    "empty": make_result,
}
RESULTS |= {name: partial(hostile_result, text) for name, text in HOSTILE.items()}


def test_it_is_a_schema() -> None:
    """By the dialect that it names."""
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("view", VIEWS)
def test_the_document_fits(name: str, view: View) -> None:
    """In every view, whatever things are called."""
    assert complaints(WHOLE, document(JsonReport(), RESULTS[name](), view)) == []


@pytest.mark.parametrize("name", RESULTS)
def test_every_line_fits(name: str) -> None:
    """Each is one of the kinds of record, and of no other."""
    assert [wrong for line in lines(NdjsonReport(), RESULTS[name]()) for wrong in complaints(LINE, line)] == []


def unknown(value: Any, schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Keys that are written where the schema has properties, and none of that name."""
    schema = _resolved(schema, value)
    if isinstance(value, list):
        for member in value:
            yield from unknown(member, schema.get("items", {}), f"{path}[]")
    elif isinstance(value, dict) and "properties" in schema:
        yield from (f"{path}.{key}" for key in value if key not in schema["properties"])
        for key, member in value.items():
            yield from unknown(member, schema["properties"].get(key, {}), f"{path}.{key}")


def _resolved(schema: dict[str, Any], value: Any) -> dict[str, Any]:
    if "$ref" in schema:
        return _resolved(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], value)
    kind = {"dict": "object", "list": "array"}.get(type(value).__name__)
    for option in schema.get("anyOf", ()):
        resolved = _resolved(option, value)
        if resolved.get("type") == kind:
            return resolved
    return schema


def test_it_knows_every_key() -> None:
    """Validation alone would let new ones through, since the schema is open for them."""
    assert list(unknown(document(JsonReport(), estate_with_gaps()), SCHEMA)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "muster.scan/2"),
        (("scan", "started_at"), 5),
        (("summary", "identities"), "five"),
        (("identities", 0, "registry", "state"), "perhaps"),
        (("findings", 0, "severity"), "awful"),
        (("registry", 0, "declared_identities"), None),
    ],
)
def test_what_does_not_fit_is_found(path: tuple[str | int, ...], value: Any) -> None:
    """It would not help to be held against a schema that takes anything."""
    whole = document(JsonReport(), estate())
    *way, last = path
    place: Any = whole
    for step in way:
        place = place[step]
    place[last] = value
    assert len(complaints(WHOLE, whole)) == 1
    del place[last]
    assert len(complaints(WHOLE, whole)) == 1
