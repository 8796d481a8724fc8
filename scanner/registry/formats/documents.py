"""Reads JSON and YAML files as objects with the line where each begins; YAML can have several documents.

They are parsed as all lists, but of a repeated key the last counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import yaml
from msgspec import Struct

from scanner.errors import Problem, RegistryError
from scanner.registry.formats import agent_lists, backstage, directories, terraform
from scanner.registry.formats import backstage as backstage_people
from scanner.registry.formats.declaration import Document, ListReader
from scanner.registry.lists import Format
from scanner.registry.tables.documents import json_lines
from scanner.registry.tables.files import check_file, read_text
from scanner.registry.tables.parsing import parse_json, parse_yaml, yaml_value

_YAML_SUFFIXES = (".yaml", ".yml")


class Content(Protocol):
    """The documents of a file."""

    @property
    def roots(self) -> Iterable[Any]:
        """Return the documents; of a JSON list, its elements."""

    def documents(self, listed: str | None) -> list[Document]:
        """Return all objects; if the file has a list under the key ``listed``, the objects in it."""


def parse(path: Path, text: str) -> Content:
    """Return the file's content, as YAML or JSON by its suffix. Raises RegistryError with the line."""
    return _Yaml(path, text) if path.suffix.lower() in _YAML_SUFFIXES else _Json(path, text)


# --- JSON ---


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


# --- YAML ---


class _Yaml:
    def __init__(self, path: Path, text: str) -> None:
        nodes = parse_yaml(path, text, lambda text: list(yaml.compose_all(text, Loader=yaml.CBaseLoader)))
        self._file = str(path)
        self._located = [(node.start_mark.line + 1, yaml_value(path, node, unique=False)) for node in nodes]

    @property
    def roots(self) -> Iterable[Any]:
        return [data for _, data in self._located]

    def documents(self, listed: str | None) -> list[Document]:
        """Each YAML document is one object; no tool writes such lists in YAML."""
        del listed
        return [
            Document(file=self._file, line=line, data=data) for line, data in self._located if isinstance(data, dict)
        ]


# --- The formats of other tools: how a file of each is recognised, and who reads entries or people from it ---

Declared: TypeAlias = Literal["entries", "people"]
"""What a list declares."""


class Foreign(Struct, frozen=True, kw_only=True):
    """A format of another tool.

    ``marks``: texts of which every such file has at least one; a file without any is not parsed. ``recognise``: returns
    whether an object is the root of such a file. ``listed``: the key of the list in it, if there is one. ``entries``,
    ``people``: the readers; None if the format has none. ``names_owners``: whether its entries can have an owner.
    """

    title: str
    marks: tuple[str, ...]
    recognise: Callable[[Mapping[str, Any]], bool]
    listed: str | None = None
    entries: ListReader | None = None
    people: ListReader | None = None
    names_owners: bool = True


FORMATS: Mapping[Format, Foreign] = {
    "backstage": Foreign(
        title="a Backstage catalog",
        marks=("backstage.io/",),
        recognise=backstage.is_entity,
        listed="items",
        entries=backstage.entries,
        people=backstage_people.people,
    ),
    "terraform": Foreign(
        title="a Terraform state",
        marks=('"terraform_version"', '"format_version"'),
        recognise=terraform.is_state,
        listed="resources",
        entries=terraform.entries,
        names_owners=False,
    ),
    "scim": Foreign(
        title="SCIM",
        marks=(directories.URN,),
        recognise=directories.is_scim,
        listed="Resources",
        entries=directories.scim_entries,
        people=directories.scim_people,
    ),
    "entra": Foreign(
        title="an answer of Microsoft Graph",
        marks=("graph.microsoft.com", "#microsoft.graph.", '"appId"'),
        recognise=directories.is_graph,
        listed="value",
        entries=directories.entra_entries,
        people=directories.entra_people,
    ),
    "a2a": Foreign(
        title="an A2A agent card",
        marks=('"skills"',),
        recognise=agent_lists.is_card,
        entries=agent_lists.a2a_entries,
        names_owners=False,
    ),
    "mcp": Foreign(
        title="an MCP server.json",
        marks=("modelcontextprotocol",),
        recognise=agent_lists.is_server,
        listed="servers",
        entries=agent_lists.mcp_entries,
        names_owners=False,
    ),
}
_BY_SUFFIX: Mapping[str, Format] = {".tfstate": "terraform"}
_MAY_BE_FOREIGN = (".json", ".yaml", ".yml", *_BY_SUFFIX)


def read_foreign(path: Path, wanted: Format | None) -> tuple[Format, list[Document]] | None:
    """Return the file's format and objects; None for a table.

    ``wanted``: the configured format; None detects it. Raises RegistryError.
    """
    suffix = path.suffix.lower()
    wanted = wanted or _BY_SUFFIX.get(suffix)
    if wanted == "table" or (wanted is None and suffix not in _MAY_BE_FOREIGN):
        return None
    check_file(path)
    text = read_text(path)
    candidates = [wanted] if wanted else [name for name, one in FORMATS.items() if any(m in text for m in one.marks)]
    if not candidates:
        return None
    content = parse(path, text)
    for name in candidates:
        if any(isinstance(root, dict) and FORMATS[name].recognise(root) for root in content.roots):
            return name, content.documents(FORMATS[name].listed)
    if wanted is None:
        return None
    fix = "leave out format to detect it from the file"
    raise RegistryError(Problem(file=str(path), field="format", message=f"is not {FORMATS[wanted].title}", fix=fix))
