"""The formats of other tools, as a table: how a file of each is recognised, and who reads entries or people from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from scanner.errors import Problem, RegistryError
from scanner.registry.formats import a2a, backstage, backstage_people, entra, mcp, scim, terraform
from scanner.registry.formats.declaration import Document, Reader
from scanner.registry.formats.documents import parse
from scanner.registry.lists import Format
from scanner.tables.files import check_file, read_text

Declared: TypeAlias = Literal["entries", "people"]
"""What a list is read for."""


class Foreign(Struct, frozen=True, kw_only=True):
    """A format of another tool.

    ``marks``: texts of which every such file holds one; they spare a table the parsing. ``recognise``: whether an
    object is the root of such a file. ``listed``: the key of the list in it, if it is a list that has a head.
    ``entries``, ``people``: who reads them, None where the format has none. ``names_owners``: whether an entry of it
    can say who answers for it.
    """

    title: str
    marks: tuple[str, ...]
    recognise: Callable[[Mapping[str, Any]], bool]
    listed: str | None = None
    entries: Reader | None = None
    people: Reader | None = None
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
        marks=(scim.URN,),
        recognise=scim.is_scim,
        listed="Resources",
        entries=scim.entries,
        people=scim.people,
    ),
    "entra": Foreign(
        title="an answer of Microsoft Graph",
        marks=("graph.microsoft.com", "#microsoft.graph.", '"appId"'),
        recognise=entra.is_graph,
        listed="value",
        entries=entra.entries,
        people=entra.people,
    ),
    "a2a": Foreign(
        title="an A2A agent card",
        marks=('"skills"',),
        recognise=a2a.is_card,
        entries=a2a.entries,
        names_owners=False,
    ),
    "mcp": Foreign(
        title="an MCP server.json",
        marks=("modelcontextprotocol",),
        recognise=mcp.is_server,
        listed="servers",
        entries=mcp.entries,
        names_owners=False,
    ),
}
_BY_SUFFIX: Mapping[str, Format] = {".tfstate": "terraform"}
_MAY_BE_FOREIGN = (".json", ".yaml", ".yml", *_BY_SUFFIX)


def read_foreign(path: Path, wanted: Format | None) -> tuple[Format, list[Document]] | None:
    """The file's format and objects; None for a table, that is whatever no format of others claims.

    ``wanted``: the format that it must be; None tells it by content. Raises RegistryError.
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
    fix = "leave out format, and it is told by the file itself"
    raise RegistryError(Problem(file=str(path), field="format", message=f"is not {FORMATS[wanted].title}", fix=fix))
