"""Files of custom agents: only the front matter is parsed, never the prompt (pure).

Source: GitHub's "Custom agents configuration".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from connectors.agents.definitions import Definitions
from connectors.agents.documents import Server
from connectors.github.client.payloads import McpServer, mcp_servers
from connectors.planned.documents import parse_document
from scanner.errors import InputError
from scanner.redaction.shapes import shortened

FOLDER: Final = ".github/agents"
SHARED: Final = "agents"
"""The folder of ``.github-private`` with the agents of all repositories."""
PRIVATE: Final = ".github-private"
SUFFIX: Final = ".md"
_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^---[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_LONGEST: Final = 1000
_MOST: Final = 200


class AgentFile(Struct, frozen=True, kw_only=True):
    """A custom agent. ``path``: from the root of its repository. ``tools``: None for all of them.

    ``problem``: why its front matter could not be read.
    """

    path: str
    title: str | None = None
    description: str | None = None
    model: str | None = None
    tools: tuple[str, ...] | None = None
    servers: Mapping[str, McpServer] = {}
    problem: str | None = None

    @property
    def name(self) -> str:
        """The name in tasks: the file's name without its suffixes."""
        return self.path.rpartition("/")[2].removesuffix(SUFFIX).removesuffix(".agent")


class ClientFile(Struct, frozen=True, kw_only=True):
    """A configuration of an MCP client. ``path``: from the root of its repository. ``problem``: what was not read."""

    path: str
    servers: Mapping[str, Server] = {}
    problem: str = ""


class DefinitionFile(Struct, frozen=True, kw_only=True):
    """A file that defines agents. ``path``: from the root of its repository. ``problem``: what was not read."""

    path: str
    found: Definitions = Definitions()
    problem: str = ""


def agent_file(path: str, text: str) -> AgentFile:
    """The agent of a file. A file without front matter has only a name."""
    front = _FRONT.match(text)
    if front is None:
        return AgentFile(path=path)
    try:
        values = parse_document(Path(path), front[1])
    except InputError as error:
        return AgentFile(path=path, problem="; ".join(problem.message for problem in error.problems))
    return AgentFile(
        path=path,
        title=_text(values.get("name")),
        description=_text(values.get("description")),
        model=_text(values.get("model")),
        tools=_tools(values.get("tools")),
        servers=mcp_servers(values.get("mcp-servers")),
    )


def _text(value: Any) -> str | None:
    return shortened(value.strip(), _LONGEST) or None if isinstance(value, str) else None


def _tools(value: Any) -> tuple[str, ...] | None:
    """The tools from a list or a comma-separated text; None, for all tools, without either."""
    named = value.split(",") if isinstance(value, str) else value
    if not isinstance(named, list):
        return None
    found = {shortened(one.strip(), _LONGEST) for one in named[:_MOST] if isinstance(one, str)}
    if len(named) > _MOST:
        found.add(f"(and {len(named) - _MOST:,} more)")
    return tuple(sorted(found - {""}))
