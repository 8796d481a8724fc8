"""JSON, NDJSON, YAML and TOML as rows: a list of mappings, a mapping with one such list, or one mapping as one row."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import msgspec
import yaml

from scanner.errors import Problem, RegistryError, toml_problem
from scanner.tables.files import read_lines, read_text
from scanner.tables.rows import EmptyTable, Row, Table

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_DECODER = json.JSONDecoder()
_BLANKS = re.compile(r"[ \t\n\r]*")
DEEPEST = 100
"""Levels of a YAML document; people write five."""
_TOO_DEEP = "is nested too deeply"


def read_json(path: Path) -> Table:
    """A JSON document. Raises RegistryError with the line of what is wrong."""
    text = read_text(path)
    try:
        data = json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        raise _invalid(path, "JSON", error.msg, error.lineno) from error
    except RecursionError as error:
        raise _invalid(path, "JSON", _TOO_DEEP, None) from error
    except ValueError as error:
        raise _invalid(path, "JSON", str(error), None) from error
    if not _is_writable(text, data):
        raise _invalid(path, "JSON", "half of a surrogate pair (\\ud800 to \\udfff) stands alone", None)
    key, items = _listed(path, data)
    return _table(path, zip(_json_lines(text, key, items), items, strict=True))


def read_ndjson(path: Path) -> Table:
    """One JSON object a line, streamed; a line that is none is a Problem in its place."""
    numbered = _filled_lines(path)
    first = next(numbered, None)
    if first is None:
        raise EmptyTable(Problem(file=str(path), message="is empty"))
    return Table(file=str(path), rows=_ndjson_rows(str(path), chain([first], numbered)))


def _filled_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that hold anything, numbered; the file is closed however the reading ends."""
    with closing(read_lines(path)) as lines:
        yield from ((number, line) for number, line in enumerate(lines, start=1) if not line.isspace())


def read_yaml(path: Path) -> Table:
    """A YAML document. Every scalar stays the text that was written: no octal account ids, no ``no`` as false.

    Aliases are refused: with them, a few lines unfold to gigabytes. Raises RegistryError with the line.
    """
    text = read_text(path)
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CBaseLoader):
            if isinstance(event, yaml.AliasEvent):
                raise _invalid(path, "YAML that can be read", "an alias (*name)", _line(event.start_mark))
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise _invalid(path, "YAML", _TOO_DEEP, _line(event.start_mark))
        node = yaml.compose(text, Loader=yaml.CBaseLoader)
    except yaml.MarkedYAMLError as error:
        raise _invalid(path, "YAML", error.problem or "it breaks off", _line(error.problem_mark)) from error
    except yaml.YAMLError as error:
        raise _invalid(path, "YAML", str(error).splitlines()[0], None) from error
    if node is None:
        raise EmptyTable(Problem(file=str(path), message="is empty"))
    key, items = _listed(path, _yaml_value(path, node))
    return _table(path, zip(_yaml_lines(node, key), items, strict=True))


def read_toml(path: Path) -> Table:
    """A TOML document. Raises RegistryError with the line."""
    text = read_text(path)
    try:
        data = tomllib.loads(text)
    except ValueError as error:
        raise RegistryError(toml_problem(str(path), error)) from error
    except RecursionError as error:
        raise _invalid(path, "TOML", _TOO_DEEP, None) from error
    if not data:
        raise EmptyTable(Problem(file=str(path), message="is empty"))
    key, items = _listed(path, data)
    return _table(path, zip(_toml_lines(text, key, items), items, strict=False))


def _is_writable(text: str, data: Any) -> bool:
    """Whether all texts in it can be written as UTF-8 again; an escape is the one way around that."""
    if "\\ud" not in text.lower():
        return True
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(members)
    if len(unique) < len(members):
        names = [name for name, _ in members]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)} stands twice in one object")
    return unique


def _invalid(path: Path, what: str, why: str, line: int | None) -> RegistryError:
    return RegistryError(Problem(file=str(path), line=line, message=f"is not {what}: {why}"))


# --- which of it are the rows -----------------------------------------------------


def _listed(path: Path, data: Any) -> tuple[str | None, list[Any]]:
    """The rows of a document, and the key they stand under, if they stand under one."""
    if isinstance(data, list):
        return None, data
    if not isinstance(data, dict):
        raise RegistryError(Problem(file=str(path), line=1, message="is neither a list of entries nor one entry"))
    lists = [key for key, value in data.items() if value and isinstance(value, list) and _all_mappings(value)]
    if len(lists) > 1:
        named = " and ".join(sorted(lists))
        raise RegistryError(
            Problem(file=str(path), line=1, message=f"holds several lists: {named}", fix="give each its own file")
        )
    if lists:
        return lists[0], data[lists[0]]
    if not data:
        raise RegistryError(
            Problem(file=str(path), line=1, message="is empty: it holds no list", fix="write [] for none")
        )
    if all(value == [] for value in data.values()):
        return next(iter(data)), []
    return None, [data]


def _all_mappings(items: list[Any]) -> bool:
    return all(isinstance(item, dict) for item in items)


def _table(path: Path, items: Iterable[tuple[int, Any]]) -> Table:
    file = str(path)
    return Table(file=file, rows=(_row(file, line, item) for line, item in items))


def _row(file: str, line: int, item: Any) -> Row | Problem:
    if isinstance(item, dict):
        return Row(line, tuple(item), tuple(item.values()))
    return Problem(file=file, line=line, message="is not an entry", fix="write its columns as name and value")


def _ndjson_rows(file: str, lines: Iterable[tuple[int, str]]) -> Iterator[Row | Problem]:
    for number, line in lines:
        try:
            item = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            yield Problem(file=file, line=number, message=f"is not a JSON object: {error}")
        else:
            yield _row(file, number, item)


# --- where they are ---------------------------------------------------------------


def _json_lines(text: str, key: str | None, items: list[Any]) -> Iterator[int]:
    """The line each item begins on, in a text that is known to be valid JSON."""
    start = _after_blanks(text, 0)
    if key is not None:
        start = next(offset for name, offset in _json_members(text, start) if name == key)
    at_line, last = 1, 0
    for offset in _json_elements(text, start) if text[start] == "[" else repeat(start, len(items)):
        at_line += text.count("\n", last, offset)
        last = offset
        yield at_line


def _json_elements(text: str, start: int) -> Iterator[int]:
    at = _after_blanks(text, start + 1)
    while text[at] != "]":
        yield at
        at = _after_value(text, at)


def _json_members(text: str, start: int) -> Iterator[tuple[str, int]]:
    at = _after_blanks(text, start + 1)
    while text[at] != "}":
        name, colon = _DECODER.raw_decode(text, at)
        value = _after_blanks(text, _after_blanks(text, colon) + 1)
        yield name, value
        at = _after_value(text, value)


def _after_value(text: str, at: int) -> int:
    """Behind the value there, and behind the comma that follows it."""
    at = _after_blanks(text, _DECODER.raw_decode(text, at)[1])
    return _after_blanks(text, at + 1) if text[at] == "," else at


def _after_blanks(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return blanks.end() if blanks else at


def _line(mark: Any) -> int | None:
    return None if mark is None else mark.line + 1


def _yaml_lines(node: Any, key: str | None) -> list[int]:
    if key is not None:
        node = next(value for name, value in node.value if name.value == key)
    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    return [item.start_mark.line + 1 for item in items]


def _yaml_value(path: Path, node: Any) -> Any:
    match node:
        case yaml.SequenceNode():
            return [_yaml_value(path, item) for item in node.value]
        case yaml.MappingNode():
            return _yaml_mapping(path, node)
        case _:
            return None if not node.style and node.value in _NULLS else node.value


def _yaml_mapping(path: Path, node: yaml.MappingNode) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for name, value in node.value:
        key = _yaml_key(path, name)
        if key in mapping:
            raise _invalid(path, "YAML that can be read", f"the key {key} stands twice", name.start_mark.line + 1)
        mapping[key] = _yaml_value(path, value)
    return mapping


def _yaml_key(path: Path, node: Any) -> str:
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    raise _invalid(path, "YAML that can be read", "a key that is no text", node.start_mark.line + 1)


def _toml_lines(text: str, key: str | None, items: list[Any]) -> Iterable[int]:
    """The line of each ``[[key]]``; of the key itself where the items stand in one inline list."""
    if key is None:
        return repeat(1)
    name = re.escape(key)
    headers = re.compile(rf"""\s*\[\[\s*["']?{name}["']?\s*\]\]""")
    lines = [number for number, line in enumerate(text.split("\n"), start=1) if headers.match(line)]
    if len(lines) == len(items):
        return lines
    inline = re.compile(rf"""\s*["']?{name}["']?\s*=""")
    return repeat(next((number for number, line in enumerate(text.split("\n"), start=1) if inline.match(line)), 1))
