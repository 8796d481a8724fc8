"""Agents, what starts them, and the credentials that a vendor stores for them, in parts of an organization.

A part is a project or workspace. Each is read with a key of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from msgspec import Struct

from connectors.ai_vendors.api import Api
from connectors.ai_vendors.reader import VendorReader
from connectors.ai_vendors.records import Time, VendorOrganization, host_of, moment
from connectors.core.contract import own_words
from connectors.core.reading import Named, ReadSection, shown
from scanner.model import Consequence, Identity, Link, Privilege, Signal, StoredSecret, Workload
from scanner.model.attributes import HUMAN_IN_THE_LOOP, MCP_SERVERS, MODEL, SCHEDULE, TOOL_HASHES, TOOLS

AgentRow = TypeVar("AgentRow", bound=Named)


class McpServer(Struct, frozen=True, kw_only=True):
    """An MCP server of an agent. ``variables``: names only."""

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

    ``hashes``: of its tools. ``skills``: names or ids. ``facts``: further attributes.
    """

    id: str
    name: str | None
    description: str | None = None
    enabled: bool | None = True
    created_at: datetime | None = None
    last_used_at: datetime | None = None
    model: str | None = None
    tools: Iterable[str] = ()
    hashes: Mapping[str, str] = {}
    mcp_servers: Iterable[McpServer] = ()
    skills: Sequence[str] = ()
    schedules: Sequence[str] = ()
    asks: bool | None = None
    tags: Mapping[str, str] = {}
    facts: Mapping[str, Any] = {}
    links: tuple[Link, ...] = ()

    def identity(self, place: VendorOrganization, title: str, action: str) -> Identity:
        """The agent as an identity. ``title``: the vendor's agent, for its signals; ``action``: what invokes models."""
        attributes: dict[str, Any] = {
            MODEL: self.model,
            TOOLS: sorted(set(self.tools)),
            MCP_SERVERS: [server.shown for server in sorted(self.mcp_servers, key=lambda server: server.name)],
            "skills": sorted(set(self.skills)),
            **self.facts,
        }
        if self.schedules:
            attributes[SCHEDULE] = "; ".join(sorted(self.schedules))
        if self.hashes:
            attributes[TOOL_HASHES] = self.hashes
        if self.asks is not None:
            attributes[HUMAN_IN_THE_LOOP] = self.asks
        return Identity(
            **place.facts("agent", self.id, self.name),
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
            privilege=Privilege(level="normal", evidence=("acts with the tools that it is given",)),
            consequences=(Consequence(kind="invoke_models", actions=(action,)),),
        )


def starts(
    place: VendorOrganization,
    kind: str,
    row: Named,
    agent: str | None,
    uses: tuple[Iterable[str], Mapping[str, list[str]]],
    **more: Any,
) -> Workload:
    """An automation or deployment, which runs as the agent that it starts.

    ``agent``: its id. ``uses``: the ids of vaults, and by vault, the keys of its credentials. ``more``: further fields.
    """
    vaults, secrets = uses
    return Workload(
        **place.of(f"{kind}s/{row.id}", shown(row)),
        kind=kind,
        runs_as=(place.key(f"agents/{agent}"),) if agent else (),
        uses=tuple(sorted({key for vault in vaults for key in secrets.get(vault, ())})),
        **more,
    )


def part_of(place: VendorOrganization, kind: str, id_: str, name: str, agents: Iterable[str]) -> Workload:
    """A project or workspace. It runs as its agents: anyone who can change an agent can act as it. ``agents``: ids."""
    runs_as = tuple(place.key(f"agents/{agent}") for agent in agents)
    return Workload(**place.of(f"{kind}s/{id_}", name), kind=kind, runs_as=runs_as)


def read_listed_agents(
    reader: VendorReader, apis: Mapping[str, Api], row: type[AgentRow]
) -> ReadSection[dict[str, tuple[str, AgentRow]]]:
    """The agents of all parts that the source has a key of, by id, each with its part."""
    listed: dict[str, tuple[str, AgentRow]] = {}
    with reader.section("agents") as section:
        for part, api in apis.items():
            rows = reader.listed(section, "agents", row, api=api)
            listed |= {agent.id: (part, agent) for agent in rows if agent.id not in listed}
        section.found(len(listed))
    yield reader.done(section)
    return listed


# --- Credentials that a vendor stores for agents in vaults: names and dates, never values ---


class Vault(Struct, frozen=True, kw_only=True):
    """A vault. OpenAI calls its name ``name``, Anthropic ``display_name``."""

    id: str
    name: str | None = None
    display_name: str | None = None


class Auth(Struct, frozen=True, kw_only=True):
    """The type of a credential, without its secret. ``secret_name``: the variable with the secret."""

    type: str = ""
    mcp_server_url: str | None = None
    secret_name: str | None = None
    expires_at: Time = None


class StoredCredential(Struct, frozen=True, kw_only=True):
    """A credential in a vault."""

    id: str
    name: str | None = None
    display_name: str | None = None
    created_at: Time = None
    updated_at: Time = None
    archived_at: Time = None
    auth: Auth = Auth()


def _given(api: Api, _: Vault) -> Api:
    return api


def read_vaults(
    reader: VendorReader, apis: Mapping[str, Api], facts: Callable[[StoredCredential], Mapping[str, Any]]
) -> ReadSection[dict[str, list[str]]]:
    """Read vaults and their credentials. Returns the keys of credentials by the id of their vault.

    ``facts``: the attributes of a credential besides type and host.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    seen: dict[str, StoredSecret] = {}
    with reader.section("vaults") as section:
        for api in apis.values():
            vaults = reader.listed(section, "vaults", Vault, api=api)
            for vault, rows in reader.each_listed(
                section,
                "vaults",
                vaults,
                "credentials",
                StoredCredential,
                vault=lambda vault: vault.id,
                api=partial(_given, api),
            ):
                for row in rows:
                    secret = StoredSecret(
                        **reader.place.of(f"vaults/{vault.id}/credentials/{row.id}", f"{shown(vault)}/{shown(row)}"),
                        created_at=moment(row.created_at),
                        rotated_at=moment(row.updated_at),
                        expires_at=moment(row.auth.expires_at),
                        attributes={"type": row.auth.type, "host": host_of(row.auth.mcp_server_url), **facts(row)},
                    )
                    if secret.key not in seen:
                        seen[secret.key] = secret
                        found[vault.id].append(secret.key)
        section.found(len(seen))
    yield from seen.values()
    yield reader.done(section)
    return dict(found)
