"""Configurations of MCP clients and A2A agent cards (pure). Only names, hosts and kinds are kept.

Values of variables and headers, arguments and inputs are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import dropwhile
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from connectors.core.contract import Malformed, own_words
from connectors.core.offline import Unreadable, text_of
from scanner.model import Signal

_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*", re.ASCII | re.IGNORECASE)
# An unclosed comment extends to the end: searching for the end from each start would take hours.
_STRING = r'("(?:[^"\\]|\\.)*+(?:"|\\?\Z))'
_COMMENT = re.compile(rf"{_STRING}|//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_TRAILING_COMMA = re.compile(rf"{_STRING}|,(?=\s*+[}}\]])", re.DOTALL)
NOT_TEXT = "it is not text"
_REMOTE = ("mcp-remote",)
"""Packages that only forward to the address in their arguments."""


class Server(Struct, frozen=True, kw_only=True, rename="camel"):
    """An MCP server in the configuration of a client.

    ``args`` may hold secrets: only the host of an address is kept.
    """

    command: str | None = None
    args: tuple[Any, ...] = ()
    url: str | None = None
    server_url: str | None = None
    type: str | None = None
    env: Mapping[str, Raw] | None = None
    headers: Mapping[str, Raw] | None = None
    disabled: bool | None = None

    @property
    def host(self) -> str | None:
        """The host of the server's address, also if a local proxy forwards to it."""
        own = host_of(self.url or self.server_url)
        if own is not None or not any(str(one).partition("@")[0] in _REMOTE for one in self.args):
            return own
        return next((host for one in self.args if "://" in str(one) and (host := host_of(str(one)))), None)

    @property
    def package(self) -> str | None:
        """The package or program that is started. Arguments may be secrets: only one in a package's place counts."""
        program = PurePath((self.command or "").replace("\\", "/")).name.removesuffix(".exe").removesuffix(".cmd")
        if program in _RUNNERS:
            after = list(dropwhile(lambda one: isinstance(one, str) and one in _SWITCHES, self.args))
            if after and isinstance(after[0], str) and _PACKAGE.fullmatch(after[0]):
                return after[0]
        return program if _PROGRAM.fullmatch(program) else None


_RUNNERS = frozenset(("npx", "bunx", "pnpx", "uvx", "pipx"))
_SWITCHES = frozenset(("-y", "--yes", "-q", "--quiet", "run", "-p", "--package", "--from"))
"""Options that may precede the package."""
_PROGRAM = re.compile(r"[\w.+-]{1,60}", re.ASCII)
_PACKAGE = re.compile(r"(?:@[a-z0-9][\w.-]{0,60}/)?[a-z0-9][\w.-]{0,80}(?:@[\w.^~-]{1,30})?", re.ASCII | re.IGNORECASE)


class _Client(Struct, frozen=True, kw_only=True):
    """A client's configuration. Visual Studio Code calls the servers ``servers``, all others ``mcpServers``.

    Claude Code's own file has servers for single folders in ``projects``, too.
    """

    mcp_servers: Mapping[str, Raw] | None = field(default=None, name="mcpServers")
    servers: Mapping[str, Raw] | None = None
    projects: Mapping[str, Raw] | None = None


class AgentClient(Struct, frozen=True):
    """MCP servers by name, and why others could not be read."""

    servers: Mapping[str, Server]
    unread: Mapping[str, str]


class _Interface(Struct, frozen=True, rename="camel"):
    url: str | None = None
    protocol_binding: str | None = None


class _Organization(Struct, frozen=True):
    organization: str | None = None


class Skill(Struct, frozen=True):
    """What an agent says that it can do. Only a hash of the description is stored."""

    id: str | None = None
    name: str | None = None
    description: Any = None


class Card(Struct, frozen=True, kw_only=True, rename="camel"):
    """An agent card. Source: the A2A specification, 0.3 and 1.0, AgentCard."""

    name: str
    skills: tuple[Skill, ...]
    capabilities: Raw | UnsetType = UNSET
    description: str | None = None
    version: str | None = None
    url: str | None = None
    provider: _Organization | None = None
    supported_interfaces: tuple[_Interface, ...] = ()
    additional_interfaces: tuple[_Interface, ...] = ()
    security_schemes: Mapping[str, Mapping[str, Raw]] | None = None

    @property
    def urls(self) -> tuple[str, ...]:
        """The URLs of the agent, without users, queries and fragments."""
        every = (self.url, *(one.url for one in (*self.supported_interfaces, *self.additional_interfaces)))
        return tuple(dict.fromkeys(shown for one in every if one and (shown := bare(one))))

    @property
    def schemes(self) -> tuple[str, ...]:
        """The kinds of authentication that it accepts, such as ``oauth2`` or ``apiKey``."""
        return tuple(sorted({_kind_of(one) for one in (self.security_schemes or {}).values()} - {""}))


def _kind_of(scheme: Mapping[str, Raw]) -> str:
    if "type" in scheme:
        try:
            return msgspec.json.decode(scheme["type"], type=str)
        except msgspec.MsgspecError:
            return ""
    return next((name.removesuffix("SecurityScheme") for name in sorted(scheme) if name.endswith("Scheme")), "")


def host_of(address: str | None) -> str | None:
    """The host of an address, in lower case: user, path and query may hold tokens."""
    try:
        host = urlsplit(address or "").hostname
    except ValueError:
        return None
    return host if host and _HOST.fullmatch(host) else None


def bare(address: str) -> str | None:
    """An address without user, query and fragment, which may hold tokens."""
    host = host_of(address)
    if host is None:
        return None
    parts = urlsplit(address)
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


class _Marks(Struct, frozen=True):
    """The keys that distinguish documents."""

    mcp_servers: Raw | UnsetType = field(default=UNSET, name="mcpServers")
    servers: Raw | UnsetType = UNSET
    projects: Raw | UnsetType = UNSET
    skills: Raw | UnsetType = UNSET


_marks = msgspec.json.Decoder(_Marks)
_clients = msgspec.json.Decoder(_Client)
_servers = msgspec.json.Decoder(Server)
_cards = msgspec.json.Decoder(Card)


def read_document(data: bytes) -> AgentClient | Card:
    """Decode a configuration, which may have comments and trailing commas, or a card.

    Raises Malformed without quoting any value.
    """
    try:
        text = text_of(data)
    except Unreadable:
        raise Malformed(NOT_TEXT) from None
    if "//" in text or "/*" in text:
        text = _COMMENT.sub(lambda found: found[1] or " ", text)
    text = _TRAILING_COMMA.sub(lambda found: found[1] or "", text)
    try:
        content = text.encode()
        marks = _marks.decode(content)
        if not (marks.mcp_servers is marks.servers is marks.projects is UNSET):
            return _client(_clients.decode(content))
        if marks.skills is not UNSET:
            return _cards.decode(content)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise Malformed(own_words(error)) from None
    raise Malformed("it is neither a configuration of an MCP client nor an A2A agent card")


def _client(config: _Client) -> AgentClient:
    servers: dict[str, Server] = {}
    unread: dict[str, str] = {}
    listed = {**(config.servers or {}), **(config.mcp_servers or {})}
    for folder, content in (config.projects or {}).items():
        try:
            own = _clients.decode(content).mcp_servers or {}
        except (msgspec.MsgspecError, RecursionError) as error:
            unread[f"of {folder}"] = own_words(error)
        else:
            listed |= {f"{name} ({_last(folder)})": server for name, server in own.items()}
    for name, content in listed.items():
        try:
            servers[name] = _servers.decode(content)
        except (msgspec.MsgspecError, RecursionError) as error:
            unread[name] = own_words(error)
    return AgentClient(servers, unread)


def _last(folder: str) -> str:
    """The last part of a POSIX or Windows path."""
    return PurePath(folder.replace("\\", "/")).name or folder


def client_of(path: PurePath) -> str:
    """The client that reads its configuration at this path, such as ``claude-code``."""
    return _BY_FILE.get(path.name) or _BY_FOLDER.get(path.parent.name) or "mcp-client"


def project_of(path: PurePath) -> PurePath:
    """The folder that a configuration is for."""
    return path.parent.parent if path.parent.name in _BY_FOLDER else path.parent


_BY_FOLDER = {".cursor": "cursor", ".vscode": "vscode", ".windsurf": "windsurf", ".claude": "claude-code"}
_BY_FILE = {"claude_desktop_config.json": "claude-desktop", ".mcp.json": "claude-code", ".claude.json": "claude-code"}


def client_signals(servers: Iterable[str]) -> tuple[Signal, ...]:
    """The signals that a client with servers is an agent."""
    return agent_signals(f"configuration of an MCP client with the servers {', '.join(sorted(servers))}")


def agent_signals(evidence: str) -> tuple[Signal, ...]:
    """The signal that a configuration defines an agent. ``evidence`` holds names from outside."""
    shown = own_words(evidence)
    return tuple(Signal(says=says, sort="provider", evidence=shown) for says in ("machine", "agent"))


def described(servers: Mapping[str, Server]) -> Iterator[dict[str, Any]]:
    """Yield each MCP server as an attribute: its package or host, and the names of its variables and headers."""
    for name, one in sorted(servers.items()):
        facts = {
            "name": name,
            "type": one.type or ("stdio" if one.command else None),
            "package": one.package,
            "host": one.host,
            "variables": sorted(one.env or ()) or None,
            "headers": sorted(one.headers or ()) or None,
            "enabled": None if one.disabled is None else not one.disabled,
        }
        yield {key: fact for key, fact in facts.items() if fact is not None}
