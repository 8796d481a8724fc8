"""The discovery documents that google-api-python-client brings: what the APIs take and answer, by Google's own word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

API_VERSIONS = (
    "agentidentity.v1",
    "agentregistry.v1",
    "aiplatform.v1",
    "apikeys.v2",
    "cloudasset.v1",
    "cloudfunctions.v2",
    "cloudresourcemanager.v3",
    "compute.v1",
    "container.v1",
    "iam.v1",
    "iam.v2",
    "logging.v2",
    "policyanalyzer.v1",
    "recommender.v1",
    "run.v2",
    "secretmanager.v1",
    "serviceusage.v1",
    "storage.v1",
)
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}


@cache
def document(name: str) -> dict[str, Any]:
    """One API's document, such as ``iam.v1``."""
    path = files("googleapiclient") / "discovery_cache" / "documents" / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def find_method(api: str, verb: str, path: str) -> tuple[str, dict[str, Any]]:
    """Document's name and method of a request. Raises LookupError where no API has such."""
    for name in API_VERSIONS:
        if name.startswith(f"{api}."):
            doc = document(name)
            for method, pattern in _methods(name):
                if method["httpMethod"] == verb and pattern.fullmatch(path):
                    return name, {**doc.get("parameters", {}), **method}
    raise LookupError(f"{api} has no {verb} {path}")


def check_answer(api: str, verb: str, path: str, answer: Any) -> None:
    """Raises AssertionError where the answer is not of the schema that the method promises."""
    name, method = find_method(api, verb, path)
    _check(document(name)["schemas"], {"$ref": method["response"]["$ref"]}, answer, path)


def check_resource(name: str, schema: str, row: Any) -> None:
    """The same for a single resource, such as an asset has as its data, by the name of its schema."""
    _check(document(name)["schemas"], {"$ref": schema}, row, schema)


@cache
def _methods(name: str) -> list[tuple[dict[str, Any], re.Pattern[str]]]:
    doc = document(name)
    return [(method, _pattern(doc["servicePath"], method)) for method in _walk(doc)]


def _walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from node.get("methods", {}).values()
    for child in node.get("resources", {}).values():
        yield from _walk(child)


def _pattern(service: str, method: dict[str, Any]) -> re.Pattern[str]:
    """The most exact one that the document has: flatPath names every segment."""
    path = "/" + service + method.get("flatPath", method["path"])
    parts = re.split(r"\{\+?\w+\}", path)
    return re.compile("[^/:]+".join(map(re.escape, parts)))


def _check(schemas: dict[str, Any], schema: dict[str, Any], value: Any, where: str) -> None:
    if "$ref" in schema:
        schema = schemas[schema["$ref"]]
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        assert isinstance(value, dict), where
        for name, inner in value.items():
            assert name in schema["properties"], f"{where}: no field {name}"
            _check(schemas, schema["properties"][name], inner, f"{where}.{name}")
    elif kind == "object":
        assert isinstance(value, dict), where
        more = schema.get("additionalProperties", {})
        for name, inner in value.items():
            _check(schemas, more, inner, f"{where}.{name}")
    elif kind == "array":
        assert isinstance(value, list), where
        for inner in value:
            _check(schemas, schema["items"], inner, f"{where}[]")
    elif kind in _TYPES:
        assert isinstance(value, _TYPES[kind]), f"{where}: {value!r} is no {kind}"
        assert "enum" not in schema or value in schema["enum"], f"{where}: {value!r}"


UNDOCUMENTED = frozenset({"privilegedaccessmanager"})
"""APIs whose discovery documents do not come with Google's client."""
