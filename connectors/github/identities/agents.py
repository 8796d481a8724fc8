"""Coding agents as identities: where they may work, how they are set up there, and what they did (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import PurePath
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from connectors.agents.definitions import as_identity
from connectors.agents.documents import client_of, client_signals, described
from connectors.github import keys
from connectors.github.agent_files import AgentFile, ClientFile, DefinitionFile
from connectors.github.client.parts import Part
from connectors.github.client.payloads import AgentConfiguration, McpServer
from connectors.github.facts import Repository
from connectors.github.identities.place import GithubScope
from connectors.github.workflows.owners import as_owners, code_owners
from scanner.model import Consequence, Identity, Privilege, Signal
from scanner.model.attributes import CHANGED_BY, MCP_SERVERS, MODEL, OWNERS, TOOLS

NAME = "copilot-coding-agent"
STARTED_BY = "set_off_by"
_STARTERS_NAMED = 20
_SIGNALS = (
    Signal(says="machine", sort="provider", evidence="GitHub's coding agent"),
    Signal(says="agent", sort="provider", evidence="GitHub's coding agent"),
)


class GithubUse(Struct, frozen=True):
    """Tasks: when each was last active, the custom agent that did it, and the account that set it off."""

    tasks: tuple[tuple[datetime, str | None, str | None], ...]

    def of(self, agent: str) -> GithubUse | None:
        """Those of one custom agent."""
        own = tuple(one for one in self.tasks if one[1] == agent)
        return GithubUse(own) if own else None

    @property
    def last(self) -> datetime:
        """The time of the latest activity."""
        return max(when for when, _, _ in self.tasks)

    @property
    def starters(self) -> list[str]:
        """The accounts that set tasks off."""
        return sorted({by for _, _, by in self.tasks if by})[:_STARTERS_NAMED]


def everywhere(place: GithubScope, use: GithubUse | None) -> Identity:
    """The agent where it may work in all repositories. Audit logs name its App."""
    made = _agent(place, "copilot", {"repositories": "all"}, narrow=False)
    return _used(replace(made, aliases=("copilot-swe-agent[bot]",)), use)


def in_repository(
    place: GithubScope,
    full_name: str,
    setup: AgentConfiguration | None,
    facts: Mapping[str, Any],
    use: GithubUse | None,
) -> Identity:
    """The agent in one repository. ``setup``: None where that was not read. ``facts``: what its files say."""
    attributes: dict[str, Any] = {"repository": full_name, **facts}
    if setup is not None:
        attributes |= dict(_described(setup))
    return _used(_agent(place, f"{full_name.partition('/')[2]}/copilot", attributes, narrow=True), use)


def custom(
    place: GithubScope,
    repository: Repository,
    file: AgentFile,
    *,
    allowed: bool | None,
    changed_by: str | None,
    use: GithubUse | None,
) -> Identity:
    """An agent that a file of a repository describes. ``allowed``: whether agents may work there."""
    attributes: dict[str, Any] = {
        "repository": repository.full_name,
        "path": file.path,
        TOOLS: ["*"] if file.tools is None else list(file.tools),
        MCP_SERVERS: list(_servers(file.servers)),
        **_owned(repository, file.path),
    }
    shown = {MODEL: file.model, CHANGED_BY: changed_by}
    attributes |= {name: value for name, value in shown.items() if value}
    made = _agent(place, f"{repository.full_name.partition('/')[2]}/{file.path}", attributes, narrow=True)
    made = replace(made, kind="custom_agent", name=file.name or file.path, enabled=allowed)
    return _used(
        replace(made, display_name=file.title, description=file.description, tags=dict(repository.properties)), use
    )


def client(place: GithubScope, repository: Repository, file: ClientFile) -> Identity:
    """An MCP client with servers, for anyone who opens the repository in it. What it may do is up to them."""
    called = client_of(PurePath(file.path))
    attributes = {
        "repository": repository.full_name,
        "path": file.path,
        "client": called,
        MCP_SERVERS: list(described(file.servers)),
    }
    below = repository.full_name.partition("/")[2]
    return Identity(
        **place.facts(f"{below}/{file.path}", "mcp_client", f"{called} {below}"),
        enabled=any(one.disabled is not True for one in file.servers.values()),
        tags=dict(repository.properties),
        attributes=attributes | _owned(repository, file.path),
        signals=client_signals(file.servers),
    )


def defined(place: GithubScope, repository: Repository, file: DefinitionFile) -> Iterator[Identity]:
    """Yield the agents that a file defines for a platform elsewhere."""
    below = f"{repository.full_name.partition('/')[2]}/{file.path}"
    for one in file.found.agents:
        fields = as_identity(file.found, one, file.path)
        attributes = {"repository": repository.full_name, **fields.pop("attributes"), **_owned(repository, file.path)}
        facts = place.facts(f"{below}/{one.name}", fields.pop("kind"), one.name)
        yield Identity(**facts, **fields, tags=dict(repository.properties), attributes=attributes)


def _owned(repository: Repository, path: str) -> dict[str, Any]:
    """The owners of a file as an attribute; nothing where it has none."""
    named = () if repository.codeowners is None else code_owners(repository.codeowners, path)
    owners = as_owners(named, repository.admin_teams)
    return {OWNERS: owners} if owners else {}


def of_enterprise(place: GithubScope, file: Part, name: str, allowed: bool | None) -> Identity:
    """An agent of the enterprise, which a file of another repository describes; the file itself was not read."""
    made = _agent(place, file.what, {"repository": file.full_name, "path": file.what}, narrow=False)
    key = f"{keys.repository(place.organization.host, file.full_name)}/{file.what}"
    return replace(
        made, key=key, kind="custom_agent", name=AgentFile(path=file.what).name, display_name=name, enabled=allowed
    )


def _used(made: Identity, use: GithubUse | None) -> Identity:
    if use is None or not use.tasks:
        return made
    starters = {STARTED_BY: use.starters} if use.starters else {}
    return replace(made, last_used_at=use.last, attributes={**made.attributes, **starters})


def _agent(place: GithubScope, below: str, attributes: dict[str, Any], *, narrow: bool) -> Identity:
    return Identity(
        **place.facts(below, "coding_agent", NAME),
        enabled=True,
        attributes=attributes,
        signals=_SIGNALS,
        privilege=Privilege(level="normal", evidence=("writes to branches of its own, which people review",)),
        consequences=(Consequence(kind="read_data", actions=("contents",), narrow=narrow),),
    )


def _described(setup: AgentConfiguration) -> Iterator[tuple[str, Any]]:
    yield TOOLS, sorted(name for name, is_on in setup.enabled_tools.items() if is_on)
    yield MCP_SERVERS, list(_servers(setup.mcp_configuration.servers if setup.mcp_configuration else {}))
    yield "firewall", setup.is_firewall_enabled
    yield "recommended_allowlist", setup.is_firewall_recommended_allowlist_enabled
    yield "allowlist", sorted(setup.custom_allowlist or ())
    yield "workflows_need_approval", setup.require_actions_workflow_approval
    yield "automations", setup.is_automations_enabled
    yield "automations_need_write_access", setup.require_write_access_for_automation_triggers


def _servers(servers: Mapping[str, McpServer]) -> Iterator[Mapping[str, Any]]:
    for name, one in sorted(servers.items()):
        yield {
            "name": name,
            "host": one.url,
            "type": one.type,
            "tools": sorted(one.tools),
            "variables": sorted(one.env),
            "secrets": list(one.secrets),
        }
