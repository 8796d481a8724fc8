"""Reads a file as JSON or YAML documents, with the lines of what is in them.

YAML's scalars stay the text as written (no octal account ids, no ``on`` as true), but for ``true``, ``false`` and
null. The short form of a CloudFormation intrinsic (``!Sub x``) becomes its long form (``{"Fn::Sub": "x"}``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from scanner.errors import UsageError
from scanner.registry.tables.documents import json_lines, json_member_lines
from scanner.registry.tables.files import check_file, read_text, unreadable
from scanner.registry.tables.parsing import DEEPEST, invalid, is_too_deep, parse_json, parse_yaml

LARGEST_JSON = 256 * 1024 * 1024
LARGEST_YAML = 4 * 1024 * 1024
"""Bytes of a file; the plan of 2,000 resources has some ten million, a template at most one."""
_ARCHIVE = b"PK\x03\x04"
_BLANKS = b"\xef\xbb\xbf \t\r\n"
_YAML = (".yaml", ".yml")
_PLAIN: Mapping[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
}
MOST_NODES = 1_000_000
"""The nodes of a YAML file with its aliases written out; a file of the largest size has fewer without any."""
_MERGE = "<<"
_READABLE = "YAML that can be read"
_WITHOUT_PREFIX = frozenset({"Ref", "Condition"})


class PlannedDocument(Struct, frozen=True, kw_only=True):
    """A mapping at the root of a file. ``line``: where it begins. ``source``: JSON's text or YAML's node."""

    data: Mapping[str, Any]
    line: int
    source: Any

    def member_lines(self, key: str) -> Mapping[str, int]:
        """The line of each member of the mapping under ``key``; of none that a merge or a tag made."""
        if isinstance(self.source, str):
            return json_member_lines(self.source, key)
        under = _under(self.source, key)
        members = under.value if isinstance(under, yaml.MappingNode) else ()
        return {name.value: name.start_mark.line + 1 for name, _ in members}

    def item_lines(self, key: str) -> list[int]:
        """The line of each item of the list under ``key``; that of the document where a merge brought the list."""
        if isinstance(self.source, str):
            return list(json_lines(self.source, key, self.data[key]))
        under = _under(self.source, key)
        if not isinstance(under, yaml.SequenceNode):
            return [self.line] * len(self.data[key])
        return [item.start_mark.line + 1 for item in under.value]


def _under(node: Any, key: str) -> Any:
    """The node of a member, the last one of that name; None if a merge brought it."""
    return next((value for name, value in reversed(node.value) if name.value == key), None)


def read_documents(path: Path) -> list[PlannedDocument]:
    """Return the mappings at the root of a file. Raises InputError with the line, UsageError for an archive."""
    check_file(path)
    begin = _beginning(path)
    if begin.startswith(_ARCHIVE):
        raise UsageError(
            f"{path}: is an archive, not text",
            hint=f"of a saved Terraform plan, give the JSON: terraform show -json {path.name} > plan.json",
        )
    looks_like_json = b"{" in begin[:8] or begin.lstrip(_BLANKS)[:1] in (b"{", b"[")
    is_json = looks_like_json and path.suffix.lower() not in _YAML
    text = read_text(path, most=LARGEST_JSON if is_json else LARGEST_YAML, instead="split it")
    return [_json(path, text)] if is_json else _yaml(path, text)


def parse_document(path: Path, text: str) -> Mapping[str, Any]:
    """Return the mapping that a YAML text is, which is called by that path. Raises InputError for any other."""
    if len(text) > LARGEST_YAML:
        raise invalid(path, _READABLE, f"more than {LARGEST_YAML} characters")
    try:
        documents = _yaml(path, text)
    except UnicodeError as error:
        raise invalid(path, _READABLE, "it holds half of a surrogate pair") from error
    if len(documents) != 1:
        raise invalid(path, _READABLE, "its root is not a mapping" if not documents else "several documents")
    return documents[0].data


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(64)
    except OSError as error:
        raise unreadable(path, error) from error


def _json(path: Path, text: str) -> PlannedDocument:
    try:
        data = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        parse_json(path, text)  # names the line
        raise invalid(path, "JSON", str(error)) from error
    if not isinstance(data, dict):
        raise invalid(path, "a plan or a template", "its root is not an object", 1)
    if is_too_deep(data):
        parse_json(path, text)
    return PlannedDocument(data=data, line=1, source=text)


def _yaml(path: Path, text: str) -> list[PlannedDocument]:
    nodes = parse_yaml(path, text, lambda text: list(yaml.compose_all(text, Loader=yaml.CSafeLoader)), aliases=True)
    values = _Values(path)
    return [
        PlannedDocument(data=values.of(node), line=node.start_mark.line + 1, source=node)
        for node in nodes
        if isinstance(node, yaml.MappingNode)
    ]


class _Values:
    """The values of a file's nodes. Aliases are written out, up to so many nodes in all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = MOST_NODES

    def of(self, node: Any, depth: int = 0) -> Any:
        """The value of a node. Raises InputError where aliases expand too far, or lead to themselves."""
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            raise invalid(self._path, _READABLE, "aliases that expand too far", node.start_mark.line + 1)
        content: Any
        match node:
            case yaml.SequenceNode():
                content = [self.of(item, depth + 1) for item in node.value]
            case yaml.MappingNode():
                content = self._mapping(node, depth)
            case _:
                content = node.value if node.style else _PLAIN.get(node.value, node.value)
        if not node.tag.startswith("!") or node.tag == "!":
            return content
        name = node.tag[1:]
        return {name if name in _WITHOUT_PREFIX else f"Fn::{name}": content}

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise invalid(self._path, _READABLE, "a key that is not text", key.start_mark.line + 1)
            value = self.of(item, depth + 1)
            if key.value == _MERGE and not key.style:
                for each in reversed(value if isinstance(value, list) else [value]):
                    merged |= each if isinstance(each, dict) else {}
            else:
                own[str(key.value)] = value
        return {**merged, **own}
