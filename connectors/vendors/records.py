"""Records that both vendors have: keys, agents, MCP servers and stored credentials (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from connectors.core.contract import Scope, own_words
from scanner.model import Credential, Identity, Link, Privilege, Signal, StoredSecret, credential_key
from scanner.model.attributes import HUMAN_IN_THE_LOOP, MCP_SERVERS, MODEL, SCHEDULE, TOOLS

Time: TypeAlias = str | int | float | None
"""A time in a row: seconds since 1970, or RFC 3339."""


def moment(when: Time) -> datetime | None:
    """The time in UTC; None if it is missing or invalid."""
    try:
        if isinstance(when, str):
            found = msgspec.convert(when, datetime, strict=False)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
        return None if when is None or when <= 0 else datetime.fromtimestamp(when, UTC)
    except (msgspec.ValidationError, ValueError, OverflowError, OSError):
        return None


def latest(*times: datetime | None) -> datetime | None:
    """The latest known time."""
    return max((one for one in times if one is not None), default=None)


def host_of(url: str | None) -> str | None:
    """Only the host of an address: path and query may contain a token."""
    try:
        parts = urlsplit(url or "")
        return None if parts.hostname is None else parts.hostname.lower()
    except ValueError:
        return None


class VendorOrganization(Struct, frozen=True):
    """An organization and its scope, which all of its records have in common."""

    scope: Scope

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self.scope.spec.name

    def key(self, below: str) -> str:
        """The key of a record. ``below``: kind and id."""
        return f"{self.provider}:{below}"

    def facts(self, below: str, kind: str, id_: str, name: str | None) -> dict[str, Any]:
        """The fields that all identities have in common."""
        shown = (name or "").strip() or id_
        return {**self.of(below, shown), "kind": kind, "unique_id": id_, "aliases": (id_,)}

    def of(self, below: str, name: str) -> dict[str, Any]:
        """The fields that all records have in common."""
        scope = self.scope
        return {
            "key": self.key(below),
            "provider": self.provider,
            "source": scope.source,
            "scope": scope.id,
            "name": name,
        }


class Key(Struct, frozen=True, kw_only=True):
    """An API key as both vendors list it. ``used``: its last use in usage reports and audit logs."""

    id: str
    name: str = ""
    enabled: bool | None = None
    created_at: datetime | None = None
    created_by: str | None = None
    expires_at: datetime | None = None
    never_expires: bool = False
    last_used_at: datetime | None = None
    attributes: Mapping[str, Any] = {}

    def of(self, identity: str) -> Credential:
        """The key as a credential of an identity."""
        by = {"created_by": self.created_by} if self.created_by else {}
        named = {"name": self.name} if self.name else {}
        return Credential(
            key=credential_key(identity, "api_key", self.id),
            kind="api_key",
            id=self.id,
            enabled=self.enabled,
            created_at=self.created_at,
            expires_at=self.expires_at,
            never_expires=self.never_expires,
            last_used_at=self.last_used_at,
            attributes={**named, **by, **self.attributes},
        )


class McpServer(Struct, frozen=True, kw_only=True):
    """An MCP server of an agent. ``variables``: names only. ``approval``: when a person must approve."""

    name: str
    host: str | None = None
    type: str | None = None
    tools: tuple[str, ...] | None = None
    variables: tuple[str, ...] = ()

    @property
    def shown(self) -> Mapping[str, Any]:
        """The server as an attribute."""
        return {
            "name": self.name,
            "host": self.host,
            "type": self.type,
            "tools": None if self.tools is None else sorted(self.tools),
            "variables": sorted(self.variables),
        }


class Agent(Struct, frozen=True, kw_only=True):
    """An agent as both vendors have it. ``asks``: whether a person must approve its actions; None: unknown.

    ``skills``: names or ids. ``facts``: further attributes.
    """

    id: str
    name: str | None
    description: str | None = None
    enabled: bool | None = True
    created_at: datetime | None = None
    last_used_at: datetime | None = None
    model: str | None = None
    tools: Sequence[str] = ()
    mcp_servers: Sequence[McpServer] = ()
    skills: Sequence[str] = ()
    schedules: Sequence[str] = ()
    asks: bool | None = None
    tags: Mapping[str, str] = {}
    facts: Mapping[str, Any] = {}
    links: tuple[Link, ...] = ()
    privilege: Privilege = Privilege(level="normal", evidence=("acts with the tools that it is given",))

    def identity(self, place: VendorOrganization, title: str, **more: Any) -> Identity:
        """The agent as an identity. ``title``: the vendor's agent, for its signals. ``more``: further fields."""
        attributes: dict[str, Any] = {
            MODEL: self.model,
            TOOLS: sorted(set(self.tools)),
            MCP_SERVERS: [one.shown for one in sorted(self.mcp_servers, key=lambda one: one.name)],
            "skills": sorted(set(self.skills)),
            **self.facts,
        }
        if self.schedules:
            attributes[SCHEDULE] = "; ".join(sorted(self.schedules))
        if self.asks is not None:
            attributes[HUMAN_IN_THE_LOOP] = self.asks
        return Identity(
            **place.facts(f"agents/{self.id}", "agent", self.id, self.name),
            description=None if not self.description else own_words(self.description),
            enabled=self.enabled,
            created_at=self.created_at,
            last_used_at=self.last_used_at,
            tags=self.tags,
            attributes=attributes,
            signals=(
                Signal(says="machine", sort="provider", evidence=f"an agent of {title}"),
                Signal(says="agent", sort="provider", evidence=f"an agent of {title}"),
            ),
            links=self.links,
            privilege=self.privilege,
            **more,
        )


def as_far_as_read(privilege: Privilege, *, unread: bool) -> Privilege:
    """The privilege; unknown if it would be normal but not all rights were read."""
    if not unread or privilege.level != "normal":
        return privilege
    return Privilege(level="unknown", evidence=("not all of its roles were read",))


def stored(place: VendorOrganization, below: str, name: str, **facts: Any) -> StoredSecret:
    """A credential that a vendor stores for agents, by name and dates."""
    return StoredSecret(**place.of(below, name), **facts)
