"""Agents by their configuration in files: which tools each can use, before anything runs."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct

from connectors.agents.asking import McpTools, tools_at
from connectors.agents.definitions import KIND as DEFINITION
from connectors.agents.definitions import NAMES as DEFINING
from connectors.agents.definitions import Definitions, as_identity, project_at, read_definitions
from connectors.agents.documents import (
    AgentClient,
    Card,
    agent_signals,
    client_of,
    client_signals,
    described,
    project_of,
    read_document,
)
from connectors.agents.hashes import hashes_of
from connectors.core.contract import Check, DiscoveredRecord, Malformed, Scope, Section, SectionReading, Spec
from connectors.core.offline import file_checks, named_files
from scanner.errors import SourceError
from scanner.model import RUNGS, Coverage, Identity
from scanner.model.attributes import MCP_SERVERS, TOOL_HASHES, TOOLS
from scanner.model.providers import read_providers

SECTION = "agent_config.agents"
LARGEST = 16 * 1024 * 1024
"""Maximum bytes of a file."""
NAMES = DEFINING.union(
    ("mcp.json", ".mcp.json", ".claude.json", "claude_desktop_config.json", "agent-card.json", "agent.json")
)
"""File names that are read in a folder. Other files are read only if ``path`` names them."""
KINDS = ("mcp_client", "a2a_agent", DEFINITION)
_OF_OTHERS = "node_modules"
"""Folders of packages. No client reads its configuration there."""


class AgentConfigSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source of type ``agent_config``. ``path``: a file, a folder with all folders in it, or a glob.

    ``ask_servers``: whether to ask the MCP servers with an address for their tools. ``insecure_http``: also by plain
    http beyond this machine.
    """

    path: Path
    ask_servers: bool = False
    insecure_http: bool = False


class AgentConfigConnector:
    """Reads all files as one scope. An identity is a client with MCP servers, or an agent from a card or definition."""

    spec: ClassVar[Spec] = Spec(
        name="agent_config",
        title="Agents by their configuration",
        settings=AgentConfigSettings,
        kinds=KINDS,
        providers=read_providers("connectors.agent_config", "agent_config"),
        sections=(
            Section(
                name=SECTION,
                title="Configurations of MCP clients, A2A agent cards, and definitions of agents",
                permissions=("read access to the files",),
                without="agents on machines and in repositories, and the tools that they may use",
                kinds=KINDS,
                rungs=RUNGS,
            ),
        ),
    )

    def __init__(self, source: str, settings: AgentConfigSettings) -> None:
        self._source = source
        self._settings = settings
        self._asked: dict[str, McpTools | SourceError] = {}

    def scopes(self) -> Iterator[Scope | Coverage]:
        """One unit of work: all files."""
        yield Scope(source=self._source, spec=self.spec, id=self._source)

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """Yield the agents of each file, then the coverage."""
        with scope.section(SECTION) as reading:
            for path in self._files():
                for identity in self._read(path, scope, reading):
                    reading.found()
                    yield identity
        yield reading.coverage

    def check(self) -> Iterator[Check]:
        """Yield a check for each file: whether it can be read."""
        yield from file_checks(self._settings.path, self._files, self._check)

    def _check(self, path: Path) -> Check:
        return Check(name=str(path), ok=True, detail=_what(self._document(path)))

    def _files(self) -> list[Path]:
        """Paths by name. Raises SourceError if there is none."""
        path = self._settings.path
        files = named_files(path, lambda one: one.name in NAMES and _OF_OTHERS not in one.parts)
        if not files:
            raise SourceError(f"there is no configuration at {path}", hint="correct the path, or remove the source")
        return files

    def _read(self, path: Path, scope: Scope, reading: SectionReading) -> Iterator[Identity]:
        shown = self._shown(path)
        try:
            found = self._document(path)
        except SourceError as error:
            reading.malformed(shown, str(error))
            return
        match found:
            case Card():
                yield _of_card(found, scope, shown)
            case AgentClient():
                for name, why in found.unread.items():
                    reading.malformed(f"{shown}, server {name}", why)
                if found.servers:
                    yield _of_client(found, scope, shown, dict(self._answers(found, shown, reading)))
            case Definitions():
                for name, why in found.unread.items():
                    reading.malformed(f"{shown}, agent {name}", why)
                yield from _of_definitions(found, scope, shown)

    def _answers(self, client: AgentClient, shown: str, reading: SectionReading) -> Iterator[tuple[str, McpTools]]:
        """Yield what the enabled servers with an address list, by name. One that does not answer is a gap."""
        for name, one in client.servers.items() if self._settings.ask_servers else ():
            address = one.url or one.server_url
            if address is None or one.disabled:
                continue
            answer = self._asked.get(address)
            if answer is None:
                try:
                    answer = tools_at(address, insecure_http=self._settings.insecure_http)
                except SourceError as error:
                    answer = error
                self._asked[address] = answer
            if isinstance(answer, McpTools):
                yield name, answer
            else:
                reading.malformed(f"{shown}, server {name}", f"its tools: {answer}")

    def _document(self, path: Path) -> AgentClient | Card | Definitions | None:
        """Decode a file. Raises Malformed.

        A symbolic link out of the folder is refused as well: a repository may link to any file.
        """
        root = self._settings.path
        if root.is_dir() and not path.resolve().is_relative_to(root.resolve()):
            raise Malformed("it is a link to a file elsewhere")
        content = _content(path)
        if path.name in DEFINING:
            return read_definitions(path.name, content, project_at(path))
        return read_document(content)

    def _shown(self, path: Path) -> str:
        """The path relative to the common folder, which is the same on every machine."""
        root = self._settings.path
        if root.is_dir():
            return path.relative_to(root).as_posix()
        fixed = Path(*takewhile(lambda part: not glob.has_magic(part), root.parts[:-1]))
        return path.relative_to(fixed).as_posix() if path != root and path.is_relative_to(fixed) else path.name


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise Malformed(f"it is larger than {LARGEST // 1024**2} MiB")
        return path.read_bytes()
    except OSError as error:
        raise Malformed(f"it cannot be read: {error.strerror}") from None


def _what(found: AgentClient | Card | Definitions | None) -> str:
    match found:
        case Card():
            return "an agent card"
        case AgentClient():
            return f"MCP servers: {len(found.servers):,}"
        case Definitions():
            return f"agents: {len(found.agents):,}"
    return "it defines no agent"


def _of_definitions(found: Definitions, scope: Scope, shown: str) -> Iterator[Identity]:
    for one in found.agents:
        yield Identity(
            key=f"agent_config:{scope.source}:{shown}/{one.name}",
            provider="agent_config",
            source=scope.source,
            scope=scope.id,
            name=one.name,
            **as_identity(found, one, shown),
        )


def _of_client(client: AgentClient, scope: Scope, shown: str, answers: Mapping[str, McpTools]) -> Identity:
    path = Path(shown)
    host, folder = client_of(path), project_of(path)
    servers = [
        facts | (_listed(answers[name]) if (name := facts["name"]) in answers else {})
        for facts in described(client.servers)
    ]
    return Identity(
        key=f"agent_config:{scope.source}:{shown}",
        provider="agent_config",
        source=scope.source,
        scope=scope.id,
        kind="mcp_client",
        name=f"{host} {folder.name}" if folder.name else host,
        enabled=any(one.disabled is not True for one in client.servers.values()),
        attributes={"path": shown, "client": host, MCP_SERVERS: servers},
        signals=client_signals(client.servers),
    )


def _listed(answer: McpTools) -> dict[str, Any]:
    return {"tools": list(answer.names), "hashes": answer.hashes}


def _of_card(card: Card, scope: Scope, shown: str) -> Identity:
    facts = {
        "path": shown,
        "version": card.version,
        "organization": card.provider.organization if card.provider else None,
        "authentication": list(card.schemes) or None,
        TOOLS: [name for one in card.skills if (name := one.name or one.id)] or None,
        TOOL_HASHES: hashes_of((one.name or one.id, {"description": one.description}) for one in card.skills) or None,
    }
    return Identity(
        key=f"agent_config:{scope.source}:{shown}",
        provider="agent_config",
        source=scope.source,
        scope=scope.id,
        kind="a2a_agent",
        name=card.name,
        description=card.description,
        aliases=card.urls,
        attributes={name: fact for name, fact in facts.items() if fact is not None},
        signals=agent_signals("its A2A agent card"),
    )
