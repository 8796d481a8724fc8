"""GitHub's coding agent as identities: where it may work, and how it is set up there (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from connectors.github.client.payloads import AgentConfiguration
from connectors.github.facts import Repository
from connectors.github.identities.place import Place
from connectors.github.repositories import AGENTS
from connectors.github.workflows.owners import as_owners, code_owners
from scanner.model import Consequence, Identity, Privilege, Signal
from scanner.model.attributes import MCP_SERVERS, OWNERS, TOOLS

NAME = "copilot-coding-agent"
_SIGNALS = (
    Signal(says="machine", sort="provider", evidence="GitHub's coding agent"),
    Signal(says="agent", sort="provider", evidence="GitHub's coding agent"),
)


def everywhere(place: Place) -> Identity:
    """The agent where it may work in all repositories."""
    return _agent(place, "copilot", {"repositories": "all"}, narrow=False)


def in_repository(place: Place, full_name: str, setup: AgentConfiguration | None) -> Identity:
    """The agent in one repository; ``setup``: None where that was not read."""
    attributes: dict[str, Any] = {"repository": full_name}
    if setup is not None:
        attributes |= dict(_described(setup))
    return _agent(place, f"{full_name.partition('/')[2]}/copilot", attributes, narrow=True)


def custom(place: Place, repository: Repository, file: str, *, allowed: bool | None) -> Identity:
    """An agent that a file of a repository describes. ``allowed``: whether agents may work there."""
    path = f"{AGENTS}/{file}"
    named = () if repository.codeowners is None else code_owners(repository.codeowners, path)
    owners = as_owners(named, repository.admin_teams)
    attributes = {"repository": repository.full_name, "path": path} | ({OWNERS: owners} if owners else {})
    name = file.removesuffix(".md").removesuffix(".agent")
    made = _agent(place, f"{repository.full_name.partition('/')[2]}/{path}", attributes, narrow=True)
    return replace(made, kind="custom_agent", name=name or file, enabled=allowed, tags=dict(repository.properties))


def _agent(place: Place, below: str, attributes: dict[str, Any], *, narrow: bool) -> Identity:
    return Identity(
        **place.facts(below, "coding_agent", NAME),
        enabled=True,
        attributes=attributes,
        signals=_SIGNALS,
        privilege=Privilege(level="normal", evidence=("writes to branches of its own, which people review",)),
        consequences=(Consequence(kind="read_data", actions=("contents",), narrow=narrow),),
    )


def _described(setup: AgentConfiguration) -> Iterator[tuple[str, Any]]:
    servers = setup.mcp_configuration.servers if setup.mcp_configuration else {}
    yield TOOLS, sorted(name for name, is_on in setup.enabled_tools.items() if is_on)
    yield (
        MCP_SERVERS,
        [
            {"name": name, "host": one.url, "type": one.type, "tools": sorted(one.tools), "variables": sorted(one.env)}
            for name, one in sorted(servers.items())
        ],
    )
    yield "firewall", setup.is_firewall_enabled
    yield "recommended_allowlist", setup.is_firewall_recommended_allowlist_enabled
    yield "allowlist", sorted(setup.custom_allowlist or ())
    yield "workflows_need_approval", setup.require_actions_workflow_approval
    yield "automations", setup.is_automations_enabled
    yield "automations_need_write_access", setup.require_write_access_for_automation_triggers
