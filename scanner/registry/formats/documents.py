"""JSON and YAML files as objects, each with the line it begins on; YAML may hold several documents.

They are parsed as every list is, but that a key may stand twice: the last counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import yaml

from scanner.registry.formats.declaration import Document
from scanner.tables.document_lines import json_lines
from scanner.tables.parsing import parse_json, parse_yaml, yaml_value

_YAML_SUFFIXES = (".yaml", ".yml")


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


# --- JSON -------------------------------------------------------------------------


class _Json:
    def __init__(self, path: Path, text: str) -> None:
        self._file, self._text, self._data = str(path), text, parse_json(path, text)

    @property
    def roots(self) -> Iterable[Any]:
        return self._data if isinstance(self._data, list) else [self._data]

    def documents(self, listed: str | None) -> list[Document]:
        items, key = self._data, None
        if isinstance(items, dict) and isinstance(items.get(listed), list):
            items, key = items[listed], listed
        if not isinstance(items, list):
            return [Document(file=self._file, line=1, data=items)] if isinstance(items, dict) else []
        located = zip(json_lines(self._text, key, items), items, strict=True)
        return [Document(file=self._file, line=line, data=item) for line, item in located if isinstance(item, dict)]


# --- YAML -------------------------------------------------------------------------


class _Yaml:
    def __init__(self, path: Path, text: str) -> None:
        nodes = parse_yaml(path, text, lambda text: list(yaml.compose_all(text, Loader=yaml.CBaseLoader)))
        self._file = str(path)
        self._located = [(node.start_mark.line + 1, yaml_value(path, node, unique=False)) for node in nodes]

    @property
    def roots(self) -> Iterable[Any]:
        return [data for _, data in self._located]

    def documents(self, listed: str | None) -> list[Document]:
        """Nobody writes such lists in YAML: each document is one object."""
        del listed
        return [
            Document(file=self._file, line=line, data=data) for line, data in self._located if isinstance(data, dict)
        ]
