"""What each tool of an agent does, by a table: reads what others write, reads private data, acts outwards."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from typing import Any

from msgspec import Struct

from scanner.catalog import read_table
from scanner.model import AgentTool, Identity
from scanner.model.agents import Audience
from scanner.model.attributes import MCP_SERVERS, TOOLS

ALL = "*"
"""The name of a tool that stands for all tools of a server."""
OWN_ONLY = frozenset({"mcp_client"})
"""Kinds of identities whose platform's own tools are not theirs: of a client, only the declared servers count."""
_VERSION = re.compile(r"(?<=.)[@:][\w.^~-]{1,60}$", re.ASCII)
"""The version of a package or an image, which does not change what its tools are for."""


class ToolKind(Struct, frozen=True, kw_only=True, gc=False):
    """A tool with what only the judgement of exposures needs. None of ``uses_rights``: unknown."""

    tool: AgentTool
    opened_by: Audience | None = None
    what: str = ""
    uses_rights: bool | None = None


class _Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"opened_by": "from"}):
    source: str
    publisher: str
    name: str = ""
    provider: str = ""
    packages: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    opened_by: Audience | None = None
    what: str = ""
    outside: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    outwards: tuple[str, ...] = ()
    neither: tuple[str, ...] = ()
    rights: tuple[str, ...] = ()


class _Tables(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    servers: tuple[_Table, ...]
    platforms: tuple[_Table, ...]


@cache
def _tables() -> _Tables:
    return read_table("scanner.judging.agents", "tools.toml", _Tables)


def tools_of(identity: Identity) -> tuple[ToolKind, ...] | None:
    """Return the tools of an agent as far as its source lists them, by server and name; None if it lists none.

    A server without a list of tools is one tool, ``*``: all that it has.
    """
    facts = identity.attributes
    if not (isinstance(facts.get(TOOLS), list | tuple) or isinstance(facts.get(MCP_SERVERS), list | tuple)):
        return None
    own = [] if identity.kind in OWN_ONLY else [name for name in _list(facts, TOOLS) if isinstance(name, str) and name]
    found = [_kind(_platform(identity.provider), name, None) for name in sorted(set(own))]
    for server in _list(facts, MCP_SERVERS):
        if isinstance(server, Mapping) and server.get("enabled") is not False:
            found += _of_server(server)
    return tuple(found)


def _of_server(server: Mapping[str, Any]) -> Iterator[ToolKind]:
    called = server.get("name")
    shown = called if isinstance(called, str) and called else "an MCP server"
    table = _server(*(value if isinstance(value := server.get(fact), str) else "" for fact in ("package", "host")))
    names = [name for name in _list(server, "tools") if isinstance(name, str) and name]
    is_whole = not names or ALL in names
    if isinstance(server.get("tools"), list | tuple) and not names:
        return  # none of its tools is enabled
    for name in (ALL,) if is_whole else sorted(set(names)):
        yield _kind(table, name, shown)


def _list(facts: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = facts.get(name)
    return value if isinstance(value, list | tuple) else ()


@cache
def _platform(provider: str) -> _Table | None:
    return next((table for table in _tables().platforms if table.provider == provider), None)


@lru_cache(maxsize=4096)
def _server(package: str, host: str) -> _Table | None:
    """The table of a server. An unknown package of a known host is that of the host: a proxy, such as mcp-remote."""
    name = _VERSION.sub("", package).lower()
    for table in _tables().servers:
        if name and name in table.packages:
            return table
        if host and _matches(host, table.hosts):
            return table
    return None


@lru_cache(maxsize=65536)
def _kind(table: _Table | None, name: str, server: str | None) -> ToolKind:
    if table is None:
        return ToolKind(tool=AgentTool(name=name, server=server))
    if name == ALL:
        is_outside, is_private, is_outwards, uses_rights = map(
            bool, (table.outside, table.private, table.outwards, table.rights)
        )
    else:
        is_neither = _matches(name, table.neither)
        lists = (table.outside, table.private, table.outwards, table.rights)
        is_outside, is_private, is_outwards, uses_rights = (not is_neither and _matches(name, its) for its in lists)
        if not (is_neither or is_outside or is_private or is_outwards or uses_rights):
            return ToolKind(tool=AgentTool(name=name, server=server, publisher=table.publisher))
    return ToolKind(
        tool=AgentTool(
            name=name,
            server=server,
            publisher=table.publisher,
            reads_outside=is_outside,
            reads_private=is_private,
            acts_outwards=is_outwards,
        ),
        opened_by=table.opened_by if is_outside else None,
        what=table.what if is_outside else "",
        uses_rights=uses_rights,
    )


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name.lower(), pattern) for pattern in patterns)


def tools_markdown() -> Iterator[str]:
    """Yield the tables as rows of a Markdown table: whose tools, recognised by, and what they do, with the source."""
    for table in (*_tables().servers, *_tables().platforms):
        known = [f"`{text}`" for text in (*table.packages, *table.hosts)] or [f"agents of `{table.provider}`"]
        written = f" ({table.what}; {table.opened_by})" if table.what and table.opened_by else ""
        cells = (
            f"[{table.name or table.publisher}]({table.source})",
            ", ".join(known),
            _patterns(table.outside) + (written if table.outside else ""),
            *map(_patterns, (table.private, table.outwards, table.neither)),
        )
        yield f"| {' | '.join(cells)} |"


def _patterns(patterns: Sequence[str]) -> str:
    return ", ".join(f"`{pattern}`" for pattern in patterns)
