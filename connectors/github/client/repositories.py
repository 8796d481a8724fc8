"""The organization's repositories, read in batches by GraphQL: workflows, environments, CODEOWNERS and teams."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from connectors.agents.definitions import Definitions, read_definitions
from connectors.agents.documents import Card, read_document
from connectors.core.contract import Malformed, SectionReading
from connectors.github.agent_files import FOLDER as AGENTS
from connectors.github.agent_files import SUFFIX, AgentFile, ClientFile, DefinitionFile, agent_file
from connectors.github.client import requests as r
from connectors.github.client.api import BATCHES, Api
from connectors.github.client.connections import PageInfo, nodes_of
from connectors.github.client.payloads import moment
from connectors.github.facts import Repository, WorkflowFile
from scanner.errors import SourceError

FOLDER: Final = ".github/workflows"
_KINDS: Final = (".yml", ".yaml")
_CUT_SHORT: Final = "GitHub does not show all of it"
_CLIENTS: Final = {
    "mcp": ".mcp.json",
    "mcpOfVscode": ".vscode/mcp.json",
    "mcpOfCursor": ".cursor/mcp.json",
}
"""Configurations of MCP clients: their paths by alias in the query."""
_DEFINITIONS: Final = {
    "agentCore": "agentcore/agentcore.json",
    "agentCoreToolkit": ".bedrock_agentcore.yaml",
    "agentEngine": ".agent_engine_config.json",
    "azd": "azure.yaml",
}
"""Files that define agents."""
QUERY: Final = """\
query($org: String!, $first: Int!, $endCursor: String) {
  organization(login: $org) {
    repositories(first: $first, after: $endCursor, orderBy: {field: NAME, direction: ASC}) {
      pageInfo { hasNextPage endCursor }
      nodes {
        databaseId nameWithOwner visibility isArchived createdAt pushedAt
        defaultBranchRef { name }
        deployKeys(first: 1) { totalCount }
        environments(first: 100) { totalCount pageInfo { hasNextPage endCursor } nodes { name } }
        workflows: object(expression: "HEAD:.github/workflows") {
          ... on Tree { entries { name object { ... on Blob { text isTruncated } } } }
        }
        agents: object(expression: "HEAD:.github/agents") {
          ... on Tree { entries { name object { ... on Blob { text } } } }
        }
        owners: object(expression: "HEAD:.github/CODEOWNERS") { ... on Blob { text } }
        ownersInRoot: object(expression: "HEAD:CODEOWNERS") { ... on Blob { text } }
        ownersInDocs: object(expression: "HEAD:docs/CODEOWNERS") { ... on Blob { text } }
AGENT_FILES
      }
    }
  }
}
""".replace(
    "AGENT_FILES",
    "\n".join(
        f'        {alias}: object(expression: "HEAD:{path}") {{ ... on Blob {{ text isTruncated }} }}'
        for alias, path in (_CLIENTS | _DEFINITIONS).items()
    ),
)
TEAMS: Final = """\
query($org: String!, $endCursor: String) {
  organization(login: $org) {
    teams(first: 50, after: $endCursor) {
      pageInfo { hasNextPage endCursor }
      nodes {
        slug
        repositories(first: 100) { pageInfo { hasNextPage endCursor } edges { permission node { nameWithOwner } } }
      }
    }
  }
}
"""
TEAM: Final = """\
query($org: String!, $slug: String!, $endCursor: String) {
  organization(login: $org) {
    team(slug: $slug) {
      repositories(first: 100, after: $endCursor) {
        pageInfo { hasNextPage endCursor } edges { permission node { nameWithOwner } }
      }
    }
  }
}
"""


class _Count(Struct):
    total: int = field(name="totalCount", default=0)


class _RepositoryNamed(Struct):
    name: str


class Environments(Struct):
    """A page of a repository's environments."""

    total: int = field(name="totalCount", default=0)
    nodes: list[_RepositoryNamed | None] | None = None
    page: PageInfo = field(name="pageInfo", default_factory=PageInfo)

    @property
    def names(self) -> list[str]:
        """The names of visible environments."""
        return sorted({one.name for one in self.nodes or () if one is not None})


class _Blob(Struct):
    text: str | None = None
    is_truncated: bool | None = field(name="isTruncated", default=False)


class _Entry(Struct):
    name: str
    object: _Blob | None = None


class Tree(Struct):
    entries: list[_Entry] | None = None


class _Node(Struct, kw_only=True):
    database_id: int = field(name="databaseId")
    full_name: str = field(name="nameWithOwner")
    visibility: str
    is_archived: bool = field(name="isArchived")
    created_at: str | None = field(name="createdAt", default=None)
    pushed_at: str | None = field(name="pushedAt", default=None)
    branch: _RepositoryNamed | None = field(name="defaultBranchRef", default=None)
    deploy_keys: _Count | None = field(name="deployKeys", default=None)
    environments: Environments | None = None
    workflows: Tree | None = None
    agents: Tree | None = None
    owners: _Blob | None = None
    owners_in_root: _Blob | None = field(name="ownersInRoot", default=None)
    owners_in_docs: _Blob | None = field(name="ownersInDocs", default=None)


class Read(Struct, frozen=True, kw_only=True):
    """A repository with its workflows. ``keys``: the number of deploy keys; None if it is not visible.

    ``agents``: custom agents. ``clients``: configurations of MCP clients. ``definitions``: files that define agents.
    ``more_after``: the cursor of further environments; empty if it is missing, None if there are no more.
    """

    facts: Repository
    files: tuple[WorkflowFile, ...] = ()
    agents: tuple[AgentFile, ...] = ()
    clients: tuple[ClientFile, ...] = ()
    definitions: tuple[DefinitionFile, ...] = ()
    keys: int | None = None
    more_after: str | None = None


def read_repositories(api: Api, section: SectionReading, org: str, owner_id: int) -> Iterator[Read]:
    """All repositories, including archived ones. Raises SourceError."""
    nodes = nodes_of(api, section, QUERY, org, "repositories", asked=r.CONTENTS, batches=BATCHES)
    for number, node in enumerate(nodes):
        try:
            read = _read(node, owner_id)
        except msgspec.ValidationError as error:
            section.malformed(f"repository {number + 1}", str(error))
            continue
        if not is_of(read.facts.full_name, org):
            section.malformed(f"repository {number + 1}", "its name is not of this organization")
            continue
        yield read


def is_of(full_name: str, org: str) -> bool:
    """Whether it is ``OWNER/NAME`` of the organization, so that no name leads a request to another path."""
    owner, _, name = full_name.partition("/")
    return owner.lower() == org.lower() and bool(name) and "/" not in name and name not in (".", "..")


def _read(given: Any, owner_id: int) -> Read:
    """Parse a repository. Raises ValidationError."""
    node = msgspec.convert(given, _Node)
    blobs = {
        one.name: one.object for one in _entries(node.workflows) if one.name.endswith(_KINDS) and one.object is not None
    }
    texts = [one.text for one in (node.owners, node.owners_in_root, node.owners_in_docs) if one and one.text]
    listed = node.environments or Environments()
    has_more = listed.page.has_next or listed.total > len(listed.nodes or ())
    return Read(
        facts=Repository(
            full_name=node.full_name,
            database_id=node.database_id,
            owner_id=owner_id,
            visibility=node.visibility.lower(),
            archived=node.is_archived,
            default_branch=node.branch.name if node.branch else None,
            pushed_at=moment(node.pushed_at),
            created_at=moment(node.created_at),
            environments=tuple(listed.names),
            codeowners=texts[0] if texts else None,
        ),
        files=tuple(
            WorkflowFile(
                path=f"{FOLDER}/{name}", text=blob.text or "", truncated=bool(blob.is_truncated) or blob.text is None
            )
            for name, blob in sorted(blobs.items())
        ),
        agents=agents_in(node.agents, AGENTS),
        clients=tuple(_client(path, blob) for path, blob in _blobs(given, _CLIENTS)),
        definitions=tuple(
            _definition(path, blob, node.full_name.rpartition("/")[2]) for path, blob in _blobs(given, _DEFINITIONS)
        ),
        keys=node.deploy_keys.total if node.deploy_keys else None,
        more_after=(listed.page.cursor or "") if has_more else None,
    )


def _blobs(given: Mapping[str, Any], files: Mapping[str, str]) -> list[tuple[str, _Blob]]:
    """The files that the repository has, by path. Raises ValidationError."""
    found = ((path, msgspec.convert(given.get(alias), _Blob | None)) for alias, path in files.items())
    return sorted((path, blob) for path, blob in found if blob is not None)


def _definition(path: str, blob: _Blob, repository: str) -> DefinitionFile:
    if blob.text is None or blob.is_truncated:
        return DefinitionFile(path=path, problem=_CUT_SHORT)
    try:
        found = read_definitions(path.rpartition("/")[2], blob.text.encode(errors="replace"), repository)
    except Malformed as error:
        return DefinitionFile(path=path, problem=str(error))
    found = found or Definitions()
    return DefinitionFile(path=path, found=found, problem="; ".join(f"agent {one}" for one in found.unread))


def _client(path: str, blob: _Blob) -> ClientFile:
    if blob.text is None or blob.is_truncated:
        return ClientFile(path=path, problem=_CUT_SHORT)
    try:
        found = read_document(blob.text.encode(errors="replace"))
    except Malformed as error:
        return ClientFile(path=path, problem=str(error))
    if isinstance(found, Card):
        return ClientFile(path=path, problem="it is not a configuration of an MCP client")
    return ClientFile(path=path, servers=found.servers, problem="; ".join(f"server {name}" for name in found.unread))


def agents_in(tree: Tree | None, folder: str) -> tuple[AgentFile, ...]:
    """The custom agents of a folder."""
    files = {one.name: one.object for one in _entries(tree) if one.name.endswith(SUFFIX)}
    return tuple(
        agent_file(f"{folder}/{name}", (blob.text if blob else None) or "") for name, blob in sorted(files.items())
    )


def _entries(tree: Tree | None) -> list[_Entry]:
    """The entries of a folder. Names with a slash are invalid and left out."""
    return [one for one in (tree.entries or ()) if "/" not in one.name] if tree else []


def read_admin_teams(api: Api, section: SectionReading, org: str) -> Mapping[str, tuple[str, ...]]:
    """The teams that administer each repository, by its full name. Raises SourceError."""
    found: dict[str, list[str]] = {}
    for number, node in enumerate(nodes_of(api, section, TEAMS, org, "teams", asked=r.MEMBERS.permission)):
        try:
            team = msgspec.convert(node, _Team)
        except msgspec.ValidationError as error:
            section.malformed(f"team {number + 1}", str(error))
            continue
        try:
            for edge in _edges(api, org, team):
                if edge.permission == "ADMIN" and edge.node is not None:
                    found.setdefault(edge.node.full_name, []).append(team.slug)
        except SourceError as error:
            section.lost(error, partial=True)
    return {name: tuple(sorted(slugs)) for name, slugs in found.items()}


class _FullName(Struct):
    full_name: str = field(name="nameWithOwner")


class _Edge(Struct):
    permission: str
    node: _FullName | None = None


class _Edges(Struct):
    edges: list[_Edge | None] | None = None
    page: PageInfo = field(name="pageInfo", default_factory=PageInfo)


class _Team(Struct):
    slug: str
    repositories: _Edges | None = None


def _edges(api: Api, org: str, team: _Team) -> Iterator[_Edge]:
    """Yield the repositories of a team, also beyond the first page. Raises SourceError."""
    page = team.repositories or _Edges()
    seen: set[str | None] = {None}
    while True:
        yield from (edge for edge in page.edges or () if edge is not None)
        cursor = page.page.cursor
        if not page.page.has_next:
            return
        if cursor in seen:
            raise Malformed(f"the pages of repositories of the team {team.slug} repeat")
        seen.add(cursor)
        answer = api.query(TEAM, {"org": org, "slug": team.slug, "endCursor": cursor}, r.MEMBERS.permission)
        try:
            page = msgspec.convert(answer.data["organization"]["team"]["repositories"], _Edges)
        except (KeyError, TypeError, msgspec.ValidationError):
            reason = Malformed(f"an answer has no repositories of the team {team.slug}")
            raise answer.errors[0] if answer.errors else reason from None
