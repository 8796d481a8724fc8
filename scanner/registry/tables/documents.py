"""Reads JSON, NDJSON, YAML and TOML as rows, each with the line on which it begins.

``key``: the key of the list of rows; None if the document is the list, or the only row itself.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import msgspec
import yaml

from scanner.errors import Problem, RegistryError
from scanner.registry.tables.files import NUL, BrokenLines, read_lines, read_text
from scanner.registry.tables.parsing import (
    DEEPEST,
    TOO_DEEP,
    invalid,
    is_too_deep,
    parse_json,
    parse_toml,
    parse_yaml,
    yaml_value,
)
from scanner.registry.tables.rows import EmptyTable, Ending, Row, Table

_DECODER = json.JSONDecoder()
_BLANKS = re.compile(r"[ \t\n\r]*")


# --- The line on which each row begins, in a text known to be valid ---


def json_lines(text: str, key: str | None, items: list[Any]) -> Iterator[int]:
    """Yield the line of each item in a JSON text."""
    start = _after_blanks(text, 0)
    if key is not None:
        start = dict(_json_members(text, start))[key]  # of a repeated key the last one, as the parser does
    at_line, last = 1, 0
    for offset in _json_elements(text, start) if text[start] == "[" else repeat(start, len(items)):
        at_line += text.count("\n", last, offset)
        last = offset
        yield at_line


def json_member_lines(text: str, key: str) -> dict[str, int]:
    """Return the line of each member of the object under ``key``, in a JSON text that is an object."""
    start = dict(_json_members(text, _after_blanks(text, 0)))[key]
    lines: dict[str, int] = {}
    at_line, last = 1, 0
    for name, offset in _json_members(text, start):
        at_line += text.count("\n", last, offset)
        last = offset
        lines[name] = at_line
    return lines


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
    """Return the position after the value there, and after the comma that follows it."""
    at = _after_blanks(text, _DECODER.raw_decode(text, at)[1])
    return _after_blanks(text, at + 1) if text[at] == "," else at


def _after_blanks(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return blanks.end() if blanks else at


def yaml_lines(node: Any, key: str | None) -> list[int]:
    """Return the line of each item under the root node."""
    if key is not None:
        node = next(value for name, value in node.value if name.value == key)
    items = node.value if isinstance(node, yaml.SequenceNode) else [node]
    return [item.start_mark.line + 1 for item in items]


def toml_lines(text: str, key: str | None, items: list[Any]) -> Iterable[int]:
    """Return the line of each ``[[key]]``, or of the key if the items are in one inline list."""
    if key is None:
        return repeat(1)
    name = re.escape(key)
    headers = re.compile(rf"""\s*\[\[\s*["']?{name}["']?\s*\]\]""")
    lines = [number for number, line in enumerate(text.split("\n"), start=1) if headers.match(line)]
    if len(lines) == len(items):
        return lines
    inline = re.compile(rf"""\s*["']?{name}["']?\s*=""")
    return repeat(next((number for number, line in enumerate(text.split("\n"), start=1) if inline.match(line)), 1))


# --- JSON, NDJSON, YAML and TOML as rows ---
#
# A document is a list of mappings, a mapping with one such list, or one mapping, which is one row.


def read_json(path: Path) -> Table:
    """Return a JSON document as a table. Raises RegistryError with the line."""
    text = read_text(path)
    data = parse_json(path, text, _unique)
    if not _is_writable(text, data):
        raise invalid(path, "JSON", "half of a surrogate pair (\\ud800 to \\udfff) is alone")
    key, items = _listed(path, data)
    return _table(path, zip(json_lines(text, key, items), items, strict=True))


def read_ndjson(path: Path) -> Table:
    """Return a file with one JSON object per line as a table, streamed; another line is yielded as a Problem."""
    ending, broken = Ending(), BrokenLines(path)
    numbered = _filled_lines(path, ending, broken)
    first = next(numbered, None)
    if first is None:
        raise EmptyTable(Problem(file=str(path), message="is empty"))
    rows = _ndjson_rows(str(path), chain([first], numbered), broken)
    return Table(file=str(path), rows=ending.of_rows(rows), ending=ending)


def _filled_lines(path: Path, ending: Ending, broken: BrokenLines) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines with content; the file is closed in any case."""
    with closing(read_lines(path, broken)) as lines:
        noted = ending.noted(lines)
        yield from ((number, line) for number, line in enumerate(noted, start=1) if not line.isspace())


def read_yaml(path: Path) -> Table:
    """Return a YAML document as a table. Raises RegistryError with the line."""
    text = read_text(path)
    node = parse_yaml(path, text, partial(yaml.compose, Loader=yaml.CBaseLoader))
    if node is None:
        raise EmptyTable(Problem(file=str(path), message="is empty"))
    key, items = _listed(path, yaml_value(path, node, unique=True))
    return _table(path, zip(yaml_lines(node, key), items, strict=True), text)


def read_toml(path: Path) -> Table:
    """Return a TOML document as a table. Raises RegistryError with the line."""
    text = read_text(path)
    data = parse_toml(str(path), text, RegistryError)
    if not data:
        raise EmptyTable(Problem(file=str(path), message="is empty"))
    key, items = _listed(path, data)
    return _table(path, zip(toml_lines(text, key, items), items, strict=False), text)


def _is_writable(text: str, data: Any) -> bool:
    """Return whether all texts can be encoded as UTF-8: an escape sequence can produce one that cannot."""
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
        twice = next(name for name, times in Counter(name for name, _ in members).items() if times > 1)
        raise ValueError(f"the key {twice} is repeated in one object")
    return unique


# --- The rows in a document ---


def _listed(path: Path, data: Any) -> tuple[str | None, list[Any]]:
    """Return the rows of a document, and their key if there is one."""
    if isinstance(data, list):
        return None, data
    if not isinstance(data, dict):
        raise RegistryError(Problem(file=str(path), line=1, message="is neither a list of entries nor one entry"))
    lists = [
        key
        for key, value in data.items()
        if value and isinstance(value, list) and all(isinstance(item, dict) for item in value)
    ]
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


def _table(path: Path, items: Iterable[tuple[int, Any]], text: str | None = None) -> Table:
    """Return the items as rows. ``text``: of a format that may be read if it was cut."""
    file, ending = str(path), Ending()
    for _ in ending.noted([] if text is None else [text]):
        pass
    return Table(file=file, rows=ending.of_rows(_row(file, line, item) for line, item in items), ending=ending)


def _row(file: str, line: int, item: Any) -> Row | Problem:
    if isinstance(item, dict):
        return Row(line, tuple(item), tuple(item.values()))
    return Problem(file=file, line=line, message="is not an entry", fix="write its columns as name and value")


def _ndjson_rows(file: str, lines: Iterable[tuple[int, str]], broken: BrokenLines) -> Iterator[Row | Problem]:
    for number, line in lines:
        if NUL in line:
            yield broken.problem(number, number)
            continue
        try:
            item = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            yield Problem(file=file, line=number, message=f"is not a JSON object: {error}")
        else:
            # Counting brackets takes a tenth of the time of looking into nearly every line.
            deep = line.count("{") + line.count("[") > DEEPEST and is_too_deep(item)
            yield Problem(file=file, line=number, message=TOO_DEEP) if deep else _row(file, number, item)
