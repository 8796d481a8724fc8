"""JSON and YAML text as data. What is wrong is a RegistryError with its line, absurd nesting and YAML's aliases too."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml

from scanner.errors import Problem, RegistryError

T = TypeVar("T")

DEEPEST = 100
"""Levels of a YAML document; people write five."""
TOO_DEEP = "is nested too deeply"

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_READABLE_YAML = "YAML that can be read"


def invalid(path: Path, what: str, why: str, line: int | None = None) -> RegistryError:
    """The error for a text that is not what it should be."""
    return RegistryError(Problem(file=str(path), line=line, message=f"is not {what}: {why}"))


def parse_json(path: Path, text: str, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """``pairs``: makes an object of its members, and raises ValueError for those that it does not take."""
    try:
        return json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise invalid(path, "JSON", error.msg, error.lineno) from error
    except RecursionError as error:
        raise invalid(path, "JSON", TOO_DEEP) from error
    except ValueError as error:  # or a number of too many digits
        raise invalid(path, "JSON", str(error)) from error


def parse_yaml(path: Path, text: str, compose: Callable[[str], T]) -> T:
    """What ``compose`` makes of a text that unfolds to nothing absurd: with aliases, a few lines become gigabytes."""
    try:
        _refuse_bombs(path, text)
        return compose(text)
    except yaml.MarkedYAMLError as error:
        raise invalid(path, "YAML", error.problem or "it breaks off", _line(error.problem_mark)) from error
    except yaml.YAMLError as error:
        raise invalid(path, "YAML", str(error).splitlines()[0]) from error


def _refuse_bombs(path: Path, text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CBaseLoader):
        if isinstance(event, yaml.AliasEvent):
            raise invalid(path, _READABLE_YAML, "an alias (*name)", _line(event.start_mark))
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise invalid(path, "YAML", TOO_DEEP, _line(event.start_mark))


def _line(mark: Any) -> int | None:
    return None if mark is None else mark.line + 1


def yaml_value(path: Path, node: Any, *, unique: bool) -> Any:
    """What a node holds. Every scalar stays the text that was written: no octal account ids, no ``no`` as false.

    ``unique``: refuse keys that stand twice in a mapping; else the last counts.
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
            raise invalid(path, _READABLE_YAML, "a key that is no text", _line(name.start_mark))
        key = str(name.value)
        if unique and key in mapping:
            raise invalid(path, _READABLE_YAML, f"the key {key} stands twice", _line(name.start_mark))
        mapping[key] = yaml_value(path, value, unique=unique)
    return mapping
