"""JSON and YAML files as objects, each with the line it begins on; YAML may hold several documents.

As in every list: YAML scalars stay the text that was written, aliases are refused (a few lines of them unfold to
gigabytes), and so is absurd nesting.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import yaml

from scanner.errors import Problem, RegistryError
from scanner.registry.formats.declaration import Document
from scanner.tables.documents import DEEPEST

_DECODER = json.JSONDecoder()
_BLANKS = re.compile(r"[ \t\n\r]*")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_YAML_SUFFIXES = (".yaml", ".yml")
_TOO_DEEP = "is nested too deeply"


class Content(Protocol):
    """What a file holds."""

    @property
    def roots(self) -> Iterable[Any]:
        """The documents as they are; of a JSON list its elements."""

    def documents(self, listed: str | None) -> list[Document]:
        """Every object; where the file is one that holds a list under the key ``listed``, those in it."""


def parse(path: Path, text: str) -> Content:
    """The file's content, YAML by its ending, else JSON. Raises RegistryError with the line of what is wrong."""
    return _Yaml(path, text) if path.suffix.lower() in _YAML_SUFFIXES else _Json(path, text)


def _invalid(path: Path, what: str, why: str, line: int | None) -> RegistryError:
    return RegistryError(Problem(file=str(path), line=line, message=f"is not {what}: {why}"))


# --- JSON -------------------------------------------------------------------------


class _Json:
    def __init__(self, path: Path, text: str) -> None:
        self._file, self._text = str(path), text
        try:
            self._data = json.loads(text)
        except json.JSONDecodeError as error:
            raise _invalid(path, "JSON", error.msg, error.lineno) from error
        except RecursionError as error:
            raise _invalid(path, "JSON", _TOO_DEEP, None) from error
        except ValueError as error:  # a number of too many digits
            raise _invalid(path, "JSON", str(error), None) from error

    @property
    def roots(self) -> Iterable[Any]:
        return self._data if isinstance(self._data, list) else [self._data]

    def documents(self, listed: str | None) -> list[Document]:
        items, start = self._data, _after_blanks(self._text, 0)
        if isinstance(items, dict) and isinstance(items.get(listed), list):
            items, start = items[listed], _member_at(self._text, start, listed)
        if not isinstance(items, list):
            return [Document(file=self._file, line=1, data=items)] if isinstance(items, dict) else []
        located = zip(_element_lines(self._text, start), items, strict=True)
        return [Document(file=self._file, line=line, data=item) for line, item in located if isinstance(item, dict)]


def _element_lines(text: str, start: int) -> Iterator[int]:
    """The line each element begins on, of the list that opens there in a text known to be valid JSON."""
    line, last, at = 1, 0, _after_blanks(text, start + 1)
    while text[at] != "]":
        line += text.count("\n", last, at)
        last = at
        yield line
        at = _after_value(text, at)


def _member_at(text: str, start: int, key: str | None) -> int:
    """Where the value of a key begins, in the object that opens there; of a key that stands twice, the last."""
    found, at = start, _after_blanks(text, start + 1)
    while text[at] != "}":
        name, colon = _DECODER.raw_decode(text, at)
        value = _after_blanks(text, _after_blanks(text, colon) + 1)
        found = value if name == key else found
        at = _after_value(text, value)
    return found


def _after_value(text: str, at: int) -> int:
    at = _after_blanks(text, _DECODER.raw_decode(text, at)[1])
    return _after_blanks(text, at + 1) if text[at] == "," else at


def _after_blanks(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return blanks.end() if blanks else at


# --- YAML -------------------------------------------------------------------------


class _Yaml:
    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        try:
            _refuse_bombs(path, text)
            nodes = list(yaml.compose_all(text, Loader=yaml.CBaseLoader))
        except yaml.MarkedYAMLError as error:
            raise _invalid(path, "YAML", error.problem or "it breaks off", _line(error.problem_mark)) from error
        except yaml.YAMLError as error:
            raise _invalid(path, "YAML", str(error).splitlines()[0], None) from error
        self._located = [(node.start_mark.line + 1, _value(path, node)) for node in nodes]

    @property
    def roots(self) -> Iterable[Any]:
        return [data for _, data in self._located]

    def documents(self, listed: str | None) -> list[Document]:
        """Nobody writes such lists in YAML: each document is one object."""
        del listed
        file = str(self._path)
        return [Document(file=file, line=line, data=data) for line, data in self._located if isinstance(data, dict)]


def _refuse_bombs(path: Path, text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CBaseLoader):
        if isinstance(event, yaml.AliasEvent):
            raise _invalid(path, "YAML that can be read", "an alias (*name)", _line(event.start_mark))
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise _invalid(path, "YAML", _TOO_DEEP, _line(event.start_mark))


def _line(mark: Any) -> int | None:
    return None if mark is None else mark.line + 1


def _value(path: Path, node: Any) -> Any:
    match node:
        case yaml.SequenceNode():
            return [_value(path, item) for item in node.value]
        case yaml.MappingNode():
            return {_key(path, name): _value(path, value) for name, value in node.value}
        case _:
            return None if not node.style and node.value in _NULLS else node.value


def _key(path: Path, node: Any) -> str:
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    raise _invalid(path, "YAML that can be read", "a key that is no text", _line(node.start_mark))
