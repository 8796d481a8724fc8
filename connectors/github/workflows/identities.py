"""The workflows of a repository as identities, and the repository as their workload. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from connectors.github import keys
from connectors.github.facts import GithubOrganization, Repository, WorkflowFile
from connectors.github.workflows.agents import agent_facts, agent_jobs, signals_of
from connectors.github.workflows.jobs import Job, Workflow, read, system_of_key
from connectors.github.workflows.local import LocalAction, read_action
from connectors.github.workflows.owners import as_owners, code_owners
from connectors.github.workflows.roles import targets_of
from connectors.github.workflows.subjects import Tokens
from connectors.github.workflows.values import GithubContext, Value
from connectors.planned.shapes import mapping
from scanner.errors import InputError, Problem
from scanner.model import Identity, Link, Privilege, Signal, Workload
from scanner.model.attributes import (
    ACCOUNTED_IN,
    FEDERATES_TO,
    HOLDERS,
    JOBS_SUBJECTS,
    JOBS_UNREAD,
    OWNERS,
    REPOSITORY,
    TENANT_SUBJECTS,
    UNRESOLVED,
)

PROVIDER, KIND, SECTION = "github", "workflow", "workflows"
MOST_TOKENS = 200
"""The most subjects of one workflow; a file with more is a gap."""
_DEEPEST = 4
"""The depth to which calls of workflows are followed."""


T = TypeVar("T")


class Gap(Struct, frozen=True, kw_only=True):
    """A workflow or action that could not be read completely."""

    path: str
    reason: str


class Workflows(Struct, frozen=True, kw_only=True):
    """The identities of a repository's workflows.

    ``federation_beside``: by name of a stored secret that is a cloud's key, the jobs that can sign in to that cloud
    without it. ``silent``: jobs that may request tokens, but have no known sign-in. ``by_default``: workflows with a
    job that does not set the permissions of its GITHUB_TOKEN. ``workload``: the repository, which runs as these
    identities.
    """

    identities: tuple[Identity, ...] = ()
    gaps: tuple[Gap, ...] = ()
    federation_beside: Mapping[str, tuple[str, ...]] = {}
    silent: tuple[str, ...] = ()
    by_default: tuple[str, ...] = ()
    workload: Workload


class _Part(Struct, frozen=True):
    """A job that may request tokens. ``called``: the called workflow that contains it, if any.

    ``is_read``: False for a job that calls a workflow that was not read.
    """

    job: Job
    called: str | None = None
    is_read: bool = True


def workflow_identities(
    organization: GithubOrganization,
    repository: Repository,
    files: Iterable[WorkflowFile],
    *,
    source: str = "",
    elsewhere: Mapping[str, WorkflowFile] = {},
    actions: Mapping[str, WorkflowFile] = {},
) -> Workflows:
    """Return the workflows that may request tokens or run AI agents as identities. Files that were not read are gaps.

    ``elsewhere``: workflows of other repositories that may be called, by ``OWNER/NAME/PATH`` in lower case.
    ``actions``: the repository's own actions that its workflows use, by folder.
    """
    found = _IdentityRepository(organization, repository, source)
    found.read(files, elsewhere, actions)
    identities = tuple(one for workflow in found.workflows if (one := found.identity(workflow)) is not None)
    return Workflows(
        identities=identities,
        gaps=tuple(found.gaps),
        federation_beside=found.beside(),
        silent=tuple(found.silent),
        by_default=tuple(found.by_default()),
        workload=found.workload(identities),
    )


class _IdentityRepository:
    """A repository while its files are parsed."""

    def __init__(self, organization: GithubOrganization, repository: Repository, source: str) -> None:
        self._organization, self._repository, self._source = organization, repository, source
        self._tokens = Tokens(organization, repository)
        owner = repository.full_name.partition("/")[0]
        self._context = GithubContext(
            variables={name.upper(): Value("", (value,)) for name, value in repository.variables.items()},
            environments=dict(_variables_of(repository)),
            github={"repository": repository.full_name, "repository_owner": owner},
        )
        self._callable: dict[str, Workflow] = {}
        self._actions: dict[str, LocalAction] = {}
        self._places: defaultdict[str, list[str]] = defaultdict(list)
        self._stored: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)
        self._jobs: dict[str, list[Job]] = {}
        self._is_whole = True
        self.workflows: list[Workflow] = []
        self.gaps: list[Gap] = []
        self.silent: list[str] = []

    def read(
        self,
        files: Iterable[WorkflowFile],
        elsewhere: Mapping[str, WorkflowFile],
        actions: Mapping[str, WorkflowFile],
    ) -> None:
        """Parse all files, so that workflows can call each other and use actions."""
        for folder, file in sorted(actions.items()):
            if (action := self._read(file, read_action)) is not None:
                self._actions[folder] = action
        for file in sorted(files, key=lambda one: one.path):
            if (workflow := self._read(file, read)) is not None:
                self.workflows.append(workflow)
                self._callable[f"{self._repository.full_name}/{file.path}".lower()] = workflow
            else:
                self._is_whole = False
        for name, file in elsewhere.items():
            try:
                self._callable.setdefault(name.lower(), read(file.path, file.text))
            except (InputError, ValueError):
                continue  # this is a gap of the other repository
        for workflow in self.workflows:
            self._jobs[workflow.path] = list(workflow.jobs(self._context, self._actions))
            for job in self._jobs[workflow.path]:
                self._note_keys(workflow, job)

    def _read(self, file: WorkflowFile, parse: Callable[[str, str], T]) -> T | None:
        if file.truncated:
            self.gaps.append(Gap(path=file.path, reason="GitHub gave its beginning only"))
            return None
        try:
            return parse(file.path, file.text)
        except InputError as error:
            self.gaps.append(Gap(path=file.path, reason="; ".join(_message(problem) for problem in error.problems)))
        except ValueError as error:
            self.gaps.append(Gap(path=file.path, reason=str(error)))
        return None

    def identity(self, workflow: Workflow) -> Identity | None:
        """The workflow as an identity; None if none of its jobs gets tokens without a caller, or runs an AI agent."""
        parts, unresolved = self._parts(workflow)
        agents = list(agent_jobs(mapping(workflow.values.get("jobs")), workflow.values.get("permissions")))
        if not (parts or (agents and workflow.runs_by_itself)):
            return None
        repository = self._repository
        is_public = (repository.visibility or "").lower() == "public"
        tokens = {one: None for part in parts for one in self._tokens.of(workflow, part.job, part.called)}
        if len(tokens) > MOST_TOKENS:
            self._is_whole = False
            self.gaps.append(Gap(path=workflow.path, reason=f"has more than {MOST_TOKENS} subjects"))
        if not self._tokens.is_known:
            unresolved.append("the repository's own form of subjects was not read")
        roles = [role for part in parts for role in part.job.roles]
        unresolved += [each for part in parts for each in part.job.unresolved]
        self.silent += [f"{workflow.path} {part.job.at}" for part in parts if part.is_read and part.job.is_silent]
        links = dict.fromkeys(
            Link(relation="federates", target=target, evidence=role.at) for role in roles for target in targets_of(role)
        )
        subjects = tuple(islice(tokens, MOST_TOKENS))
        own, owners = self._keys_of(parts), self._owners(workflow)
        return Identity(
            key=keys.workflow(self._organization.host, repository.full_name, workflow.path),
            provider=PROVIDER,
            source=self._source,
            scope=self._organization.login,
            kind=KIND,
            name=workflow.path,
            display_name=workflow.name,
            aliases=tuple(dict.fromkeys(one.subject for one in subjects)),
            tags=dict(repository.properties),
            attributes={
                REPOSITORY: repository.full_name,
                "repository_id": repository.database_id,
                "visibility": repository.visibility,
                "archived": repository.archived,
                "events": sorted(workflow.events),
                "jobs": [part.job.at for part in parts],
                "environments": sorted({one for part in parts for one in _environments(part.job)}),
                "signs_in_to": sorted({system for part in parts for system in part.job.systems}),
                FEDERATES_TO: list(dict.fromkeys(link.target for link in links)),
                **({"calls": sorted(called)} if (called := {one.called for one in parts if one.called}) else {}),
                **({"stored_keys": own} if own else {}),
                **({UNRESOLVED: list(dict.fromkeys(unresolved))} if unresolved else {}),
                **({OWNERS: owners} if owners else {}),
                **(agent_facts(agents, workflow.events, repository.full_name, is_public=is_public) if agents else {}),
            },
            signals=(
                Signal(says="machine", sort="provider", evidence="it is a workflow of GitHub Actions"),
                *signals_of(agents),
            ),
            privilege=Privilege(level="unknown" if unresolved else "normal", evidence=tuple(unresolved)),
            links=tuple(links),
            token_subjects=subjects,
        )

    def workload(self, identities: Sequence[Identity]) -> Workload:
        """The repository as a workload, with the possible subjects of its jobs and of its owner's repositories."""
        repository, tokens = self._repository, self._tokens
        is_known = tokens.is_known or not identities
        return Workload(
            key=keys.repository(self._organization.host, repository.full_name),
            provider=PROVIDER,
            source=self._source,
            scope=self._organization.login,
            kind="repository",
            name=repository.full_name,
            runs_as=tuple(one.key for one in identities),
            created_at=repository.created_at,
            tags=dict(repository.properties),
            attributes={
                JOBS_SUBJECTS: [[tokens.issuer, subject] for subject in tokens.all_subjects],
                TENANT_SUBJECTS: [[tokens.issuer, subject] for subject in tokens.subjects_of_owner],
                HOLDERS: KIND,
                ACCOUNTED_IN: [SECTION],
                **({} if self._is_whole and is_known else {JOBS_UNREAD: True}),
                "visibility": repository.visibility,
                "archived": repository.archived,
            },
        )

    def by_default(self) -> Iterator[str]:
        """Yield the paths of workflows with a job that does not set the permissions of its token."""
        for workflow in self.workflows:
            if workflow.runs_by_itself and not all(job.has_permissions for job in self._jobs[workflow.path]):
                yield workflow.path

    def beside(self) -> dict[str, tuple[str, ...]]:
        """By stored secret that is a cloud's key, the jobs that can sign in to that cloud without it."""
        systems: defaultdict[str, set[str]] = defaultdict(set)
        for name in self._repository.secret_names:
            if system := system_of_key(name):
                systems[name].add(system)
        own: defaultdict[str, list[str]] = defaultdict(list)
        for name, by_system in self._stored.items():
            systems[name] |= by_system.keys()
            own[name] = [place for places in by_system.values() for place in places]
        offered = {
            name: dict.fromkeys((*own[name], *(place for one in sorted(named) for place in self._places[one])))
            for name, named in sorted(systems.items())
        }
        return {name: tuple(places) for name, places in offered.items() if places}

    def _note_keys(self, workflow: Workflow, job: Job) -> None:
        """Note the systems that a job signs in to without a key, and those that it could, but has a stored key for."""
        place = f"{workflow.path} {job.at}"
        if job.asks_for_tokens:
            for system in job.systems:
                self._places[system].append(place)
        for key in job.keys.values():
            name = _secret(key.value.stored_as)
            if name is not None:
                places = self._stored[name].setdefault(key.system, [])
                places += [place] if job.asks_for_tokens else []

    def _parts(self, workflow: Workflow) -> tuple[list[_Part], list[str]]:
        """The jobs that may request tokens, also of called workflows, and calls that could not be followed."""
        unresolved: list[str] = []
        if not workflow.runs_by_itself:
            return [], unresolved
        jobs = [job for job in self._jobs[workflow.path] if job.asks_for_tokens]
        return [part for job in jobs for part in self._followed(job, None, unresolved, 0)], unresolved

    def _followed(self, job: Job, within: str | None, unresolved: list[str], depth: int) -> Iterator[_Part]:
        if job.calls is None:
            yield _Part(job, within)
            return
        uses = _in_full(job.calls, within)
        called = self._called(uses)
        if called is None or depth >= _DEEPEST:
            # The called jobs may have environments, which change the subject.
            self._is_whole = False
            unresolved.append(f"{job.at} calls {job.calls}, which was not read")
            yield _Part(job, uses, is_read=False)
            return
        handed = replace(self._context, inputs=job.handed_over())
        for inner in called.jobs(handed, self._actions, is_called=True):
            if inner.asks_for_tokens or not inner.has_permissions:
                yield from self._followed(inner, uses, unresolved, depth + 1)

    def _called(self, uses: str) -> Workflow | None:
        path = uses.partition("@")[0]
        name = f"{self._repository.full_name}/{path.removeprefix('./')}" if path.startswith("./") else path
        return self._callable.get(name.lower())

    def _owners(self, workflow: Workflow) -> list[dict[str, object]]:
        text = self._repository.codeowners
        named = () if text is None else code_owners(text, workflow.path)
        return as_owners(named, self._repository.admin_teams)

    @staticmethod
    def _keys_of(parts: Iterable[_Part]) -> list[str]:
        return sorted(
            {
                f"{key.value.stored_as} of {p.job.at}"
                for p in parts
                for key in p.job.keys.values()
                if key.value.stored_as
            }
        )


def _variables_of(repository: Repository) -> Iterator[tuple[str, Mapping[str, str] | None]]:
    """Yield the variables of each environment, by lower-case environment and upper-case name; None if not read."""
    for environment in {*repository.environments, *repository.environment_variables}:
        own = repository.environment_variables.get(environment)
        yield environment.lower(), None if own is None else {name.upper(): value for name, value in own.items()}


def _in_full(uses: str, within: str | None) -> str:
    """The full name of a called workflow, also if a workflow of another repository calls one of its own."""
    if not uses.startswith("./") or within is None or within.startswith("./"):
        return uses
    path, _, ref = within.partition("@")
    owner, name, *_ = path.split("/")
    return f"{owner}/{name}/{uses.removeprefix('./')}@{ref}"


def _message(problem: Problem) -> str:
    return problem.message if problem.line is None else f"line {problem.line} {problem.message}"


def _environments(job: Job) -> tuple[str, ...]:
    value = job.environment
    if value is None:
        return ()
    return value.texts if value.is_whole else (*value.texts, value.written)


def _secret(expression: str | None) -> str | None:
    context, _, name = (expression or "").partition(".")
    return name if context == "secrets" and name.replace("_", "").isalnum() else None
