"""Asks MCP servers for their tools, without any credential: names, and hashes of what defines them.

Source: the Model Context Protocol, revision 2025-06-18, "Transports" (streamable HTTP) and "Tools".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from connectors.agents.documents import bare
from connectors.agents.hashes import hashes_of
from connectors.core.contract import Malformed, own_words
from connectors.core.refusals import OK, refusal
from scanner.errors import SourceError

if TYPE_CHECKING:
    from requests import Response

    from connectors.core.http import Client

_REVISION: Final = "2025-06-18"
_TIMEOUT: Final = 10.0
"""Seconds without a byte."""
_MOST_PAGES: Final = 20
_MOST_TOOLS: Final = 2_000
_LONGEST: Final = 200
_SESSION: Final = "Mcp-Session-Id"
_HEADERS: Final = {
    "User-Agent": "muster",
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": _REVISION,
}
_START: Final[Mapping[str, Any]] = {
    "protocolVersion": _REVISION,
    "capabilities": {},
    "clientInfo": {"name": "muster", "version": "1"},
}


class _Tool(Struct, frozen=True, kw_only=True):
    name: str
    title: Any = None
    description: Any = None
    schema: Any = field(default=None, name="inputSchema")


class _Tools(Struct, frozen=True, kw_only=True):
    tools: tuple[_Tool, ...]
    next: str | None = field(default=None, name="nextCursor")


class _Message(Struct, frozen=True, kw_only=True):
    result: Raw | UnsetType = UNSET


_messages = msgspec.json.Decoder(_Message)
_listings = msgspec.json.Decoder(_Tools)


class McpTools(Struct, frozen=True):
    """The tools of a server, and the hashes of their definitions."""

    names: tuple[str, ...]
    hashes: Mapping[str, str]


def tools_at(address: str, *, insecure_http: bool = False) -> McpTools:
    """Return the tools that a server lists to anybody. Raises SourceError, also if it wants a credential.

    ``address``: of its user, query and fragment, which may be secrets, nothing is sent.
    """
    from connectors.core.http import Client

    url = bare(address)
    if url is None:
        raise Malformed("its address is no URL")
    client = Client(
        url, headers=_HEADERS, timeout=_TIMEOUT, attempts=1, insecure_http=insecure_http, workers=1, cache_bytes=0
    )
    try:
        tools = list(_listed(client))
    finally:
        client.close()
    named = [(own_words(tool.name)[:_LONGEST], tool) for tool in tools]
    definitions = (
        (name, {"title": tool.title, "description": tool.description, "schema": tool.schema}) for name, tool in named
    )
    return McpTools(tuple(sorted({name for name, _ in named if name})), hashes_of(definitions))


def _listed(client: Client) -> Iterator[_Tool]:
    """Yield the tools of all pages, in a session if the server starts one."""
    started = _sent(client, {"id": 0, "method": "initialize", "params": _START})
    _result(started)
    session = {_SESSION: value} if (value := started.headers.get(_SESSION)) else {}
    client.request("", body={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=session)
    cursor: str | None = None
    seen = 0
    for page in range(1, _MOST_PAGES + 1):
        params = {} if cursor is None else {"cursor": cursor}
        asked = {"id": page, "method": "tools/list", "params": params}
        try:
            rows = _listings.decode(_result(_sent(client, asked, session)))
        except (msgspec.MsgspecError, RecursionError) as error:
            raise Malformed(f"its tools cannot be read: {own_words(error)}") from None
        seen += len(rows.tools)
        if seen > _MOST_TOOLS:
            break
        yield from rows.tools
        cursor = rows.next
        if not cursor:
            return
    raise Malformed(f"it lists more than {_MOST_TOOLS:,} tools, or more than {_MOST_PAGES} pages of them")


def _sent(client: Client, message: Mapping[str, Any], headers: Mapping[str, str] = {}) -> Response:
    response = client.request("", body={"jsonrpc": "2.0", **message}, headers=headers)
    if response.status_code != OK:
        raise refusal(response)
    return response


def _result(response: Response) -> Raw:
    """The result in an answer, which is a message or a stream of them. Raises SourceError."""
    is_stream = response.headers.get("Content-Type", "").startswith("text/event-stream")
    text = response.content.decode(errors="replace")
    parts = _events(text) if is_stream else [text]
    for part in parts:
        try:
            message = _messages.decode(part)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            continue
        if message.result is not UNSET:
            return message.result
    raise SourceError("its answer has no result of the Model Context Protocol")


def _events(text: str) -> Iterator[str]:
    """Yield the data of each event of a stream."""
    for event in text.replace("\r\n", "\n").split("\n\n"):
        lines = (line.removeprefix("data:").removeprefix(" ") for line in event.split("\n") if line.startswith("data:"))
        if data := "\n".join(lines):
            yield data
