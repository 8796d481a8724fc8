"""JSON, NDJSON, YAML and TOML as rows: a list of mappings, a mapping with one such list, or one mapping as one row."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import yaml

from scanner.errors import Problem, RegistryError
from scanner.tables.document_lines import json_lines, toml_lines, yaml_lines
from scanner.tables.files import read_lines, read_text
from scanner.tables.parsing import TOO_DEEP, invalid, is_too_deep, parse_json, parse_toml, parse_yaml, yaml_value
from scanner.tables.rows import EmptyTable, Row, Table


def read_json(path: Path) -> Table:
    """A JSON document. Raises RegistryError with the line of what is wrong."""
    text = read_text(path)
    data = parse_json(path, text, _unique)
    if not _is_writable(text, data):
        raise invalid(path, "JSON", "half of a surrogate pair (\\ud800 to \\udfff) stands alone")
    key, items = _listed(path, data)
    return _table(path, zip(json_lines(text, key, items), items, strict=True))


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
    """A YAML document. Raises RegistryError with the line."""
    node = parse_yaml(path, read_text(path), partial(yaml.compose, Loader=yaml.CBaseLoader))
    if node is None:
        raise EmptyTable(Problem(file=str(path), message="is empty"))
    key, items = _listed(path, yaml_value(path, node, unique=True))
    return _table(path, zip(yaml_lines(node, key), items, strict=True))


def read_toml(path: Path) -> Table:
    """A TOML document. Raises RegistryError with the line."""
    text = read_text(path)
    data = parse_toml(str(path), text, RegistryError)
    if not data:
        raise EmptyTable(Problem(file=str(path), message="is empty"))
    key, items = _listed(path, data)
    return _table(path, zip(toml_lines(text, key, items), items, strict=False))


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
        twice = next(name for name, times in Counter(name for name, _ in members).items() if times > 1)
        raise ValueError(f"the key {twice} stands twice in one object")
    return unique


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
            deep = is_too_deep(item)
            yield Problem(file=file, line=number, message=TOO_DEEP) if deep else _row(file, number, item)
