"""Parses JSON, YAML and TOML. Errors have a line, including too deep nesting and YAML's aliases.

Callers can use recursion: no data is nested deeper than ``DEEPEST``.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml

from scanner.errors import InputError, Problem, RegistryError

T = TypeVar("T")

DEEPEST = 100
"""The deepest nesting; documents of people have about five levels."""
TOO_DEEP = "is nested too deeply"

# An unclosed string ends with its line or with the text, so that no text is searched twice.
_JSON_TOKENS = re.compile(r""""(?:[^"\\]|\\.)*+"?|[\[\]{}]""", re.DOTALL)
_TOML_TOKENS = re.compile(
    r'''"""(?:[^"\\]|\\.|"(?!""))*+(?:"{3,5})?'''
    r"""|'{3}(?:[^']|'(?!''))*+(?:'{3,5})?"""
    r"""|"(?:[^"\\\n]|\\.)*+"?|'[^'\n]*+'?|\#[^\n]*+|[\[\]{}.=,\n]""",
    re.DOTALL,
)

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_READABLE_YAML = "YAML that can be read"


def invalid(path: Path, what: str, why: str, line: int | None = None) -> RegistryError:
    """The error for an invalid text."""
    return RegistryError(Problem(file=str(path), line=line, message=f"is not {what}: {why}"))


def parse_json(path: Path, text: str, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """Parse JSON. ``pairs``: makes an object from its members; raises ValueError to refuse them."""
    try:
        data = json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise invalid(path, "JSON", error.msg, error.lineno) from error
    except RecursionError as error:
        raise invalid(path, "JSON", TOO_DEEP, _too_deep_json(text)) from error
    except ValueError as error:  # also a number with too many digits
        raise invalid(path, "JSON", str(error)) from error
    if is_too_deep(data):
        raise invalid(path, "JSON", TOO_DEEP, _too_deep_json(text))
    return data


def _too_deep_json(text: str) -> int | None:
    """Return the line on which the text is nested too deeply."""
    depth = 0
    for token in _JSON_TOKENS.finditer(text):
        depth += (token[0] in "[{") - (token[0] in "]}")
        if depth > DEEPEST:
            return _line_at(text, token.start())
    return None


def is_too_deep(data: Any) -> bool:
    """Return whether data is nested too deeply for recursion."""
    level = [data]
    for _ in range(DEEPEST + 1):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def parse_toml(file: str, text: str, wrong: type[InputError]) -> dict[str, Any]:
    """Parse a TOML document. Raises ``wrong`` with the line.

    The nesting is checked first: for a key with thousands of parts, tomllib needs a gigabyte.
    """
    if (line := _too_deep_toml(text)) is not None:
        raise wrong(Problem(file=file, line=line, message=f"is not TOML: {TOO_DEEP}"))
    try:
        return tomllib.loads(text)
    except ValueError as error:  # also a number with thousands of digits
        message, _, place = str(error).partition(" (at line ")
        number = place.partition(",")[0]
        problem = Problem(file=file, line=int(number) if number.isdigit() else None, message=f"is not TOML: {message}")
        raise wrong(problem) from error


def _too_deep_toml(text: str) -> int | None:
    """Return the line with too many levels of brackets and key parts, including those of the table's header."""
    header = inside = parts = 0
    opened: list[int] = []
    in_header = in_value = False
    for token in _TOML_TOKENS.finditer(text):
        match token[0]:
            case ".":
                parts += 1
            case "[" | "{":
                if not opened and not in_value:
                    in_header, header = True, 0
                opened.append(parts + 1)
                inside, parts = inside + parts + 1, 0
            case "]" | "}":
                header = max(header, parts + 1) if in_header else header
                inside, parts = inside - (opened.pop() if opened else 0), 0
            case "=":
                in_value = True
            case ",":
                parts = 0
            case "\n":
                parts = 0
                in_header, in_value = in_header and bool(opened), in_value and bool(opened)
        if header + inside + parts > DEEPEST:
            return _line_at(text, token.start())
    return None


def _line_at(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def parse_yaml(path: Path, text: str, compose: Callable[[str], T], *, aliases: bool = False) -> T:
    """Return what ``compose`` makes of a text without aliases, because a few lines could expand to gigabytes.

    ``aliases``: allow them; the caller limits what they expand to.
    """
    try:
        _refuse_bombs(path, text, aliases=aliases)
        return compose(text)
    except yaml.MarkedYAMLError as error:
        raise invalid(path, "YAML", error.problem or "it breaks off", _line(error.problem_mark)) from error
    except yaml.YAMLError as error:
        raise invalid(path, "YAML", str(error).splitlines()[0]) from error


def _refuse_bombs(path: Path, text: str, *, aliases: bool) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CBaseLoader):
        if isinstance(event, yaml.AliasEvent) and not aliases:
            raise invalid(path, _READABLE_YAML, "an alias (*name); write its value out", _line(event.start_mark))
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise invalid(path, "YAML", TOO_DEEP, _line(event.start_mark))


def _line(mark: Any) -> int | None:
    return None if mark is None else mark.line + 1


def yaml_value(path: Path, node: Any, *, unique: bool) -> Any:
    """Return the value of a node. Scalars stay the text as written: no octal account ids, no ``no`` as false.

    ``unique``: refuse repeated keys in a mapping; otherwise the last counts.
    """
    match node:
        case yaml.SequenceNode():
            return [yaml_value(path, item, unique=unique) for item in node.value]
        case yaml.MappingNode():
            return _mapping(path, node, unique=unique)
        case _:
            return None if not node.style and node.value in _NULLS else node.value


def _mapping(path: Path, node: yaml.MappingNode, *, unique: bool) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for name, value in node.value:
        if not isinstance(name, yaml.ScalarNode):
            raise invalid(path, _READABLE_YAML, "a key that is not text", _line(name.start_mark))
        key = str(name.value)
        if unique and key in mapping:
            raise invalid(path, _READABLE_YAML, f"the key {key} is repeated", _line(name.start_mark))
        mapping[key] = yaml_value(path, value, unique=unique)
    return mapping
