"""Requests and answers against a published OpenAPI description."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator, Draft202012Validator

HERE = Path(__file__).parent


class Undescribed(AssertionError):
    """The API has no such request or answer."""


class Description:
    """An OpenAPI 3.0 description, from a file."""

    def __init__(self, file: Path) -> None:
        document = json.loads(file.read_text(encoding="utf-8"))
        self._components = _with_null(document["components"])
        self._validators: dict[int, Draft202012Validator] = {}
        self._operations = [
            (method.upper(), _pattern(path), operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ]

    def operation(self, method: str, path: str) -> Mapping[str, Any]:
        """The operation that serves a path. Raises Undescribed."""
        for its_method, pattern, operation in self._operations:
            if its_method == method and pattern.fullmatch(path):
                found: Mapping[str, Any] = operation
                return found
        raise Undescribed(f"no operation {method} {path}")

    def check_request(self, method: str, path: str, query: Iterable[str], body: object) -> None:
        """Raises Undescribed."""
        operation = self.operation(method, path)
        parameters = [self._resolved(one) for one in operation.get("parameters", ())]
        names = {one["name"] for one in parameters if one["in"] == "query"}
        if unknown := set(query) - names:
            raise Undescribed(f"{method} {path} has no parameters {sorted(unknown)}")
        if body is not None:
            if "requestBody" not in operation:
                raise Undescribed(f"{method} {path} takes no body")
            self._validate(operation["requestBody"], body, f"{method} {path}")

    def check_answer(self, method: str, path: str, status: int, body: object) -> None:
        """Raises Undescribed."""
        responses = self.operation(method, path)["responses"]
        if str(status) not in responses:
            raise Undescribed(f"{method} {path} never answers {status}")
        response = self._resolved(responses[str(status)])
        if body is not None or "content" in response:
            self._validate(response, body, f"{status} of {method} {path}")

    def _resolved(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in part:
            return part
        _, _, kind, name = part["$ref"].split("/")
        found: Mapping[str, Any] = self._components[kind][name]
        return found

    def _validate(self, holder: Mapping[str, Any], body: object, what: str) -> None:
        content = holder["content"]
        if id(content) not in self._validators:  # it lives as long as this
            schema = _with_null(next(iter(content.values()))["schema"])
            self._validators[id(content)] = Draft202012Validator({**schema, "components": self._components})
        for error in self._validators[id(content)].iter_errors(body):
            raise Undescribed(f"{what}: {error.json_path}: {error.message[:500]}")


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("".join(f"(?:{'[^/]+' if part[:1] == '{' else re.escape(part)})" for part in _parts(path)))


def _parts(path: str) -> list[str]:
    return [part for part in re.split(r"(\{[^}]+\})", path) if part]


def _with_null(schema: Any) -> Any:
    """OpenAPI 3.0 has ``nullable``, JSON Schema the type null."""
    if isinstance(schema, list):
        return [_with_null(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _with_null(value) for name, value in schema.items() if name != "nullable"}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


@cache
def description(name: str) -> Description:
    """The description of that name, read once."""
    return Description(HERE / f"{name}.json")


@cache
def _adf() -> Draft4Validator:
    return Draft4Validator(json.loads((HERE / "adf.json").read_text(encoding="utf-8")))


def check_document(document: object) -> None:
    """Raises Undescribed for what is no document of Atlassian's format."""
    for error in _adf().iter_errors(document):
        raise Undescribed(f"{error.json_path}: {error.message[:500]}")
