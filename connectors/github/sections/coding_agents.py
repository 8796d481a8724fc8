"""Sections of coding agents: the repositories they may work in, their configuration, definitions and tasks."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import Struct, field

from connectors.core.contract import DiscoveredRecord, Malformed, SectionReading
from connectors.github import keys
from connectors.github import spec as s
from connectors.github.agent_files import PRIVATE, SHARED, AgentFile, ClientFile, DefinitionFile
from connectors.github.client import payloads as p
from connectors.github.client import requests as r
from connectors.github.client.api import Api
from connectors.github.client.parts import Part, read_parts
from connectors.github.client.repositories import Read, Tree, agents_in
from connectors.github.client.requests import names
from connectors.github.identities import agents
from connectors.github.identities.agents import GithubUse
from connectors.github.identities.keys_and_secrets import stored_secret
from connectors.github.identities.people import GithubPeople
from connectors.github.reader import GithubReader
from scanner.errors import Denied, NotOffered, SourceError
from scanner.model import StoredSecret

SHARED_AGENTS: Final = """\
object(expression: $what) { ... on Tree { entries { name object { ... on Blob { text } } } } }"""
_MOST_TASKS: Final = int(r.PER_PAGE)
_SETUP: Final = ".github/workflows/copilot-setup-steps.yml"
_STARTS = re.compile(r"\bgh\s+agent-task\s+create\b|/agents/repos/|\bcopilot-swe-agent\b")
"""Ways for a workflow to start a task: GitHub's command line, the API, or an issue assigned to the agent."""
_ENVIRONMENT: Final = "copilot"
"""The environment with the agent's own secrets."""
_FILE = re.compile(r"/(?P<repository>[\w.-]+/[\w.-]+)/blob/[^/]+/(?P<path>[^?#]+)", re.ASCII)


class GithubAllowed(Struct, frozen=True):
    """The repositories that agents may work in. ``is_known``: False if they could not all be read."""

    everywhere: bool = False
    repositories: tuple[str, ...] = ()
    is_known: bool = True

    def at(self, full_name: str) -> bool | None:
        """Whether agents may work in a repository; None if unknown."""
        return self.everywhere or full_name in self.repositories or (False if self.is_known else None)

    @property
    def anywhere(self) -> bool | None:
        """Whether agents may work in any repository; None if unknown."""
        return self.everywhere or bool(self.repositories) or (False if self.is_known else None)


def read_agents(
    reader: GithubReader, found: Sequence[Read], people: GithubPeople, secrets: Mapping[str, Sequence[StoredSecret]]
) -> Generator[DiscoveredRecord, None, None]:
    """The coding agent, the custom agents of repositories, of the organization and of the enterprise."""
    in_use = {one.facts.full_name: one for one in found if not one.facts.archived}
    allowed = GithubAllowed(is_known=False)
    custom: list[tuple[Read, AgentFile]] = []
    clients: list[tuple[Read, ClientFile]] = []
    defined: list[tuple[Read, DefinitionFile]] = []
    changed: Mapping[Part, str] = {}
    with reader.section(s.AGENTS) as section:
        custom = [(one, file) for one in in_use.values() for file in one.agents]
        custom += _shared(reader, section, in_use)
        clients = [(one, file) for one in in_use.values() for file in one.clients]
        defined = [(one, file) for one in in_use.values() for file in one.definitions]
        _say_problems(section, [*custom, *clients, *defined])
        files = [Part(one.facts.full_name, file.path) for one, file in custom]
        changed = dict(read_changes(reader.api, section, files))
        allowed = _allowed(reader, section)
        try:
            for row in reader.api.rows(r.AGENT_SECRETS, p.SecretName, section, org=reader.org):
                key = keys.stored_secret(reader.place.root, row.name, store="agents")
                yield stored_secret(reader.place, row, key, "agents")
        except NotOffered:
            section.note("secrets of agents are not offered")
        section.found(len(allowed.repositories) + allowed.everywhere)
    yield reader.done(section)
    places = list(allowed.repositories)
    if allowed.everywhere and (reader.settings.agent_configuration or reader.settings.agent_tasks):
        places = list(in_use)
    setups = yield from _read_setups(reader, places)
    uses = yield from _read_tasks(reader, places, people)
    if allowed.everywhere:
        yield agents.everywhere(reader.place, _together(uses.values()))
    for name in places:
        facts = _in_repository(in_use.get(name), secrets.get(name, ()))
        yield agents.in_repository(reader.place, name, setups.get(name), facts, uses.get(name))
    for one, file in custom:
        name = one.facts.full_name
        is_shared = file.path.startswith(f"{SHARED}/")
        use = _together(uses.values()) if is_shared else uses.get(name)
        by = changed.get(Part(name, file.path))
        yield agents.custom(
            reader.place,
            one.facts,
            file,
            allowed=allowed.anywhere if is_shared else allowed.at(name),
            changed_by=people.known_as(by) if by else None,
            use=use and use.of(file.name),
        )
    yield from (agents.client(reader.place, one.facts, file) for one, file in clients if file.servers)
    for one, definition in defined:
        yield from agents.defined(reader.place, one.facts, definition)
    yield from _read_enterprise(reader, {Part(one.facts.full_name, file.path) for one, file in custom}, allowed)


def _say_problems(
    section: SectionReading, files: Iterable[tuple[Read, AgentFile | ClientFile | DefinitionFile]]
) -> None:
    for one, file in files:
        if file.problem:
            section.malformed(f"{one.facts.full_name}/{file.path}", file.problem)


def _allowed(reader: GithubReader, section: SectionReading) -> GithubAllowed:
    """The organization's policy. Raises SourceError."""
    policy = reader.api.one(r.AGENT_POLICY, p.AgentPolicy, org=reader.org)
    match policy.enabled_repositories:
        case "selected":
            found: set[str] = set()
            try:
                rows = reader.api.rows(r.AGENT_REPOSITORIES, p.RepositoryName, section, org=reader.org)
                found.update(row.full_name for row in rows if row.full_name.count("/") == 1)
            except SourceError as error:
                section.lost(error, partial=bool(found))
                return GithubAllowed(repositories=tuple(sorted(found)), is_known=False)
            return GithubAllowed(repositories=tuple(sorted(found)))
        case "all":
            return GithubAllowed(everywhere=True)
        case "none":
            return GithubAllowed()
    raise Malformed(f"the agent's policy is {policy.enabled_repositories}")


def _shared(reader: GithubReader, section: SectionReading, in_use: Mapping[str, Read]) -> list[tuple[Read, AgentFile]]:
    """The custom agents for all repositories, defined in the repository ``.github-private``."""
    one = next((one for name, one in in_use.items() if name.partition("/")[2].lower() == PRIVATE), None)
    if one is None:
        return []
    folder = (Part(one.facts.full_name, f"HEAD:{SHARED}"),)
    found: list[tuple[Read, AgentFile]] = []
    for _, repository in read_parts(reader.api, section, SHARED_AGENTS, folder, r.CONTENTS):
        try:
            tree = msgspec.convert(repository.get("object"), Tree | None)
        except msgspec.ValidationError as error:
            section.malformed(one.facts.full_name, str(error))
            continue
        found += [(one, file) for file in agents_in(tree, SHARED)]
    return found


def _in_repository(one: Read | None, secrets: Sequence[StoredSecret]) -> dict[str, object]:
    """Facts of a repository about the agent, besides its configuration."""
    files = one.files if one is not None else ()
    starting = [file.path for file in files if _STARTS.search(file.text)]
    own = sorted(secret.name for secret in secrets if f"/environments/{_ENVIRONMENT}/secrets/" in secret.key)
    shown: dict[str, object] = {"started_by_workflows": starting, "secrets": own}
    if any(file.path == _SETUP for file in files):
        shown["setup_steps"] = _SETUP
    return {name: value for name, value in shown.items() if value}


def _read_setups(
    reader: GithubReader, places: Sequence[str]
) -> Generator[DiscoveredRecord, None, dict[str, p.AgentConfiguration]]:
    """The agent's configuration in repositories, if the section is on."""
    setups: dict[str, p.AgentConfiguration] = {}
    if not reader.settings.agent_configuration:
        yield reader.place.scope.coverage(s.AGENT_CONFIGURATION, "off")
        return setups

    def read(name: str) -> p.AgentConfiguration:
        return reader.api.one(r.AGENT_CONFIGURATION, p.AgentConfiguration, **names(name))

    with reader.section(s.AGENT_CONFIGURATION) as section:
        setups.update(reader.each(section, "repositories", read, places, str))
        section.found(len(setups))
    yield reader.done(section)
    return setups


def _read_tasks(
    reader: GithubReader, places: Sequence[str], people: GithubPeople
) -> Generator[DiscoveredRecord, None, Mapping[str, GithubUse]]:
    """The newest tasks of each repository, if the section is on: the last use of an agent, and who started it."""
    uses: dict[str, GithubUse] = {}
    if not reader.settings.agent_tasks:
        yield reader.place.scope.coverage(s.AGENT_TASKS, "off")
        return uses
    by_id = {member.id: member.login for member in people.members.values()}

    def read(name: str) -> list[p.Task]:
        # GitHub lists the newest first, so older pages have no later use.
        return list(islice(reader.api.rows(r.AGENT_TASKS, p.Task, section, **names(name)), _MOST_TASKS))

    with reader.section(s.AGENT_TASKS) as section:
        if reader.settings.app_id is not None and reader.settings.from_files is None:
            permission = r.AGENT_TASKS.permission.line
            raise Denied("an App's installation may not list the tasks of agents", permission=permission)
        for name, tasks in reader.each(section, "repositories", read, places, str):
            made = [
                (when, task.custom_agent.id if task.custom_agent else None, _creator(task, by_id, people))
                for task in tasks
                if (when := p.moment(task.updated_at or task.created_at)) is not None
            ]
            uses[name] = GithubUse(tuple(made))
            section.found(len(made))
    yield reader.done(section)
    return uses


def _creator(task: p.Task, by_id: Mapping[int | None, str], people: GithubPeople) -> str | None:
    if task.creator is None or task.creator.id is None or task.creator_type == "organization":
        return None
    login = by_id.get(task.creator.id)
    return f"user {task.creator.id}" if login is None else people.known_as(login)


def _together(uses: Iterable[GithubUse]) -> GithubUse | None:
    made = tuple(one for use in uses for one in use.tasks)
    return GithubUse(made) if made else None


def _read_enterprise(
    reader: GithubReader, known: set[Part], allowed: GithubAllowed
) -> Generator[DiscoveredRecord, None, None]:
    """The custom agents of the enterprise, if the setting names one, without those in the organization's own files."""
    if not reader.settings.enterprise:
        yield reader.place.scope.coverage(s.ENTERPRISE_AGENTS, "off")
        return
    with reader.section(s.ENTERPRISE_AGENTS) as section:
        rows = reader.api.one(r.ENTERPRISE_AGENTS, p.SharedAgents, enterprise=reader.settings.enterprise).custom_agents
        if rows is not None and len(rows) == int(r.PER_PAGE):
            section.lost(SourceError(f"only the first {r.PER_PAGE} are read"), partial=True)
        for row in rows or ():
            address = _FILE.fullmatch(unquote(urlsplit(row.url).path))
            if address is None:
                section.malformed(row.name, "its address is of no file")
            elif (file := Part(address["repository"], address["path"])) not in known:
                yield agents.of_enterprise(reader.place, file, row.name, allowed.anywhere)
                section.found()
    yield reader.done(section)


# --- The last authors of the files of custom agents, read in batches by GraphQL ---

LAST_CHANGE: Final = """\
defaultBranchRef { target { ... on Commit { \
history(first: 1, path: $what) { nodes { author { email user { login } } } } } } }"""
_BATCH: Final = 20
"""Files in one query. For GitHub, finding the last commit of a file takes longer than reading the file."""
_NOBODYS: Final = "@users.noreply.github.com"


class _User(Struct):
    login: str


class _Author(Struct):
    email: str | None = None
    user: _User | None = None


class _Commit(Struct):
    author: _Author | None = None


class _History(Struct):
    nodes: list[_Commit | None] | None = None


class _CodingAgentTarget(Struct):
    history: _History | None = None


class _Branch(Struct):
    target: _CodingAgentTarget | None = None


class _Repository(Struct):
    branch: _Branch | None = field(name="defaultBranchRef", default=None)


def read_changes(api: Api, section: SectionReading, files: Sequence[Part]) -> Iterator[tuple[Part, str]]:
    """Yield each file with the login of its last author, or else the commit's e-mail; not GitHub's no-reply address."""
    for start in range(0, len(files), _BATCH):
        batch = files[start : start + _BATCH]
        for file, repository in read_parts(api, section, LAST_CHANGE, batch, r.CONTENTS):
            author = _author(repository)
            if author is not None and author.user is not None:
                yield file, author.user.login
            elif author is not None and author.email and not author.email.endswith(_NOBODYS):
                yield file, author.email


def _author(found: Mapping[str, Any]) -> _Author | None:
    try:
        branch = msgspec.convert(found, _Repository).branch
    except msgspec.ValidationError:
        return None
    history = branch.target.history if branch and branch.target else None
    commit = next(iter(history.nodes or ()), None) if history else None
    return commit.author if commit else None
