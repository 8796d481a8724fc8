"""Agents by their configuration in files: which tools each can use, before anything runs."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from msgspec import Struct

from connectors.agent_documents import (
    Card,
    Client,
    agent_signals,
    client_of,
    client_signals,
    described,
    project_of,
    read_document,
)
from connectors.base import Check, DiscoveredRecord, Malformed, Scope, Section, SectionReading, Spec
from connectors.exported import named_files
from scanner.errors import SourceError
from scanner.model import RUNGS, Coverage, Identity
from scanner.model.attributes import MCP_SERVERS, TOOLS
from scanner.model.providers import read_providers

SECTION = "agent_config.agents"
LARGEST = 16 * 1024 * 1024
"""Bytes of one file."""
NAMES = frozenset(
    ("mcp.json", ".mcp.json", ".claude.json", "claude_desktop_config.json", "agent-card.json", "agent.json")
)
"""Files that are read of a folder; others are read where ``path`` names them."""
_OF_OTHERS = "node_modules"
"""A folder with packages: no client takes its configuration from there."""


class AgentConfigSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source of type ``agent_config``. ``path``: a file, a folder with all folders in it, or a glob."""

    path: Path


class AgentConfigConnector:
    """Reads all files as one scope. An identity is a client with servers, or the agent of a card."""

    spec: ClassVar[Spec] = Spec(
        name="agent_config",
        title="Agents by their configuration",
        settings=AgentConfigSettings,
        kinds=("mcp_client", "a2a_agent"),
        providers=read_providers("connectors.agent_config", "agent_config"),
        sections=(
            Section(
                name=SECTION,
                title="Configurations of MCP clients, and A2A agent cards",
                permissions=("read access to the files",),
                without="agents on machines and in repositories, and the tools that they may use",
                kinds=("mcp_client", "a2a_agent"),
                rungs=RUNGS,
            ),
        ),
    )

    def __init__(self, source: str, settings: AgentConfigSettings) -> None:
        self._source = source
        self._settings = settings

    def scopes(self) -> Iterator[Scope | Coverage]:
        """One unit of work: all files."""
        yield Scope(source=self._source, spec=self.spec, id=self._source)

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """The agents, file by file, then the coverage."""
        with scope.section(SECTION) as reading:
            for path in self._files():
                identity = self._read(path, scope, reading)
                if identity is not None:
                    reading.found()
                    yield identity
        yield reading.coverage

    def check(self) -> Iterator[Check]:
        """Which files can be read."""
        try:
            paths = self._files()
        except SourceError as error:
            yield Check(name=str(self._settings.path), ok=False, detail=str(error), fix=error.hint)
            return
        for path in paths:
            try:
                found = self._document(path)
            except SourceError as error:
                yield Check(name=str(path), ok=False, detail=str(error))
            else:
                what = "an agent card" if isinstance(found, Card) else f"MCP servers: {len(found.servers):,}"
                yield Check(name=str(path), ok=True, detail=what)

    def _files(self) -> list[Path]:
        """The files, by name. Raises SourceError if there is none."""
        path = self._settings.path
        files = named_files(path, lambda one: one.name in NAMES and _OF_OTHERS not in one.parts)
        if not files:
            raise SourceError(f"there is no configuration at {path}", hint="correct the path, or remove the source")
        return files

    def _read(self, path: Path, scope: Scope, reading: SectionReading) -> Identity | None:
        shown = self._shown(path)
        try:
            found = self._document(path)
        except SourceError as error:
            reading.malformed(shown, str(error))
            return None
        if isinstance(found, Card):
            return _of_card(found, scope, shown)
        for name, why in found.unread.items():
            reading.malformed(f"{shown}, server {name}", why)
        return _of_client(found, scope, shown) if found.servers else None

    def _document(self, path: Path) -> Client | Card:
        """Raises Malformed, also for a link that leads out of the folder: a repository may hold one to any file."""
        root = self._settings.path
        if root.is_dir() and not path.resolve().is_relative_to(root.resolve()):
            raise Malformed("it is a link to a file elsewhere")
        return read_document(_content(path))

    def _shown(self, path: Path) -> str:
        """The path below what is common to all: the same on every machine."""
        root = self._settings.path
        if root.is_dir():
            return path.relative_to(root).as_posix()
        fixed = Path(*(part for part in _before_glob(root)))
        return path.relative_to(fixed).as_posix() if path != root and path.is_relative_to(fixed) else path.name


def _before_glob(path: Path) -> Iterator[str]:
    for part in path.parts[:-1]:
        if glob.has_magic(part):
            return
        yield part


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise Malformed(f"it is larger than {LARGEST // 1024**2} MiB")
        return path.read_bytes()
    except OSError as error:
        raise Malformed(f"it cannot be read: {error.strerror}") from None


def _of_client(client: Client, scope: Scope, shown: str) -> Identity:
    path = Path(shown)
    host, folder = client_of(path), project_of(path)
    return Identity(
        key=f"agent_config:{scope.source}:{shown}",
        provider="agent_config",
        source=scope.source,
        scope=scope.id,
        kind="mcp_client",
        name=f"{host} {folder.name}" if folder.name else host,
        enabled=any(one.disabled is not True for one in client.servers.values()),
        attributes={"path": shown, "client": host, MCP_SERVERS: list(described(client.servers))},
        signals=client_signals(client.servers),
    )


def _of_card(card: Card, scope: Scope, shown: str) -> Identity:
    facts = {
        "path": shown,
        "version": card.version,
        "organization": card.provider.organization if card.provider else None,
        "authentication": list(card.schemes) or None,
        TOOLS: [name for one in card.skills if (name := one.name or one.id)] or None,
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
