"""The OIDC tokens of a job: their subjects and claims. Pure.

Source: GitHub's reference of OpenID Connect, and of the events that trigger workflows. ``*`` in a subject or claim is a
part that whatever triggers the job chooses, such as the branch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from connectors.github import keys
from connectors.github.facts import GithubOrganization, Repository, SubjectTemplate
from connectors.github.workflows.jobs import CALLED, Job, Workflow
from connectors.planned.shapes import listed
from scanner.model import Said, TokenSubject

IMMUTABLE_SINCE: Final = datetime(2026, 7, 15, tzinfo=UTC)
"""On github.com, repositories that are created or renamed since then have immutable subjects."""
ANY: Final = "*"
_BRANCHES, _TAGS = "refs/heads/", "refs/tags/"
_PULL_REQUEST: Final = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment"})
_TARGET: Final = "pull_request_target"
_ON_ANY: Final = frozenset({"workflow_dispatch", "create", "deployment", "deployment_status", "registry_package"})
_ON_TAGS: Final = frozenset({"release"})
_ON_DEFAULT: Final = frozenset({
    "branch_protection_rule", "check_run", "check_suite", "delete", "discussion", "discussion_comment", "fork",
    "gollum", "image_version", "issue_comment", "issues", "label", "milestone", "page_build", "project", "project_card",
    "project_column", "public", "repository_dispatch", "schedule", "status", "watch", "workflow_run",
})  # fmt: skip
_QUEUE: Final = "merge_group"
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_GLOB = re.compile(r"\\(.)|(\*+)|.?[?+]|\[[^\]]*\]?[?+]?|(.)", re.DOTALL)
_REPOSITORY, _CONTEXT = "repo", "context"
_PROPERTY: Final = "repo_property_"
_ENVIRONMENT: Final = "environment"


class Run(Struct, frozen=True):
    """A kind of run of a workflow. ``ref``: the branch or tag, as a pattern; None for a pull request."""

    event: str
    ref: str

    @property
    def is_of_pull_request(self) -> bool:
        """Whether its subject names a pull request and no branch."""
        return self.event in _PULL_REQUEST


def runs(workflow: Workflow, default_branch: str | None, *, on_server: bool = False) -> tuple[Run, ...]:
    """Return the kinds of runs of a workflow without a caller. ``on_server``: on an Enterprise Server."""
    default = (f"{_BRANCHES}{default_branch or ANY}",)
    found: dict[Run, None] = {}
    for event, filters in workflow.events.items():
        refs: Iterable[str] = ()
        if event in _PULL_REQUEST:
            # The run for a merged pull request has the branch that it was merged into.
            refs = ("refs/pull/*/merge", *(_branches(filters) if "closed" in _texts(filters.get("types")) else ()))
        elif event == _TARGET:
            # Before 3.20, an Enterprise Server uses the base branch of the pull request.
            refs = (*default, *_branches(filters)) if on_server else default
        elif event in _ON_DEFAULT:
            refs = default
        elif event in _ON_TAGS:
            refs = (f"{_TAGS}{ANY}",)
        elif event == _QUEUE:
            queues = _filtered(filters, "branches")
            refs = (f"{_BRANCHES}gh-readonly-queue/{'' if one == ANY else f'{one}/'}{ANY}" for one in queues)
        elif event != CALLED:
            refs = _pushed({} if event in _ON_ANY else filters)
        found |= dict.fromkeys(Run(event, ref) for ref in refs)
    return tuple(found)


def _pushed(filters: Mapping[str, Any]) -> Iterator[str]:
    """Yield the refs that a push filter allows. A filter for branches alone excludes all tags, and the reverse."""
    named = {sort: {f"{sort}", f"{sort}-ignore"} & filters.keys() for sort in ("branches", "tags")}
    for sort, start in (("branches", _BRANCHES), ("tags", _TAGS)):
        if named[sort] or not any(named.values()):
            yield from (f"{start}{one}" for one in _filtered(filters, sort))


def _branches(filters: Mapping[str, Any]) -> Iterator[str]:
    return (f"{_BRANCHES}{one}" for one in _filtered(filters, "branches"))


def _filtered(filters: Mapping[str, Any], sort: str) -> list[str]:
    """The branches or tags that a filter allows, as patterns."""
    return [_pattern(one) for one in _texts(filters.get(sort)) if not one.startswith("!")] or [ANY]


def _texts(given: Any) -> list[str]:
    return [given] if isinstance(given, str) else [str(one) for one in listed(given)]


def _pattern(glob: str) -> str:
    """GitHub's filter as a pattern in which ``*`` matches any characters, and replaces other special characters."""
    found = (piece[1] or piece[3] or ANY for piece in _GLOB.finditer(glob))
    return re.sub(r"\*+", ANY, "".join(found))


class Tokens:
    """The tokens of a repository's jobs."""

    def __init__(self, organization: GithubOrganization, repository: Repository) -> None:
        self._organization, self._repository = organization, repository
        self.issuer = f"https://{keys.issuer(organization.host)}"
        self._on_server = keys.is_server(organization.host)
        own = repository.template
        self._template = own or SubjectTemplate()
        if own is not None and not own.use_default and not own.claim_keys:
            self._template = organization.oidc
        self.is_immutable = _is_immutable(organization, repository)
        owner, _, name = repository.full_name.partition("/")
        self._properties = {f"{_PROPERTY}{name}": value for name, value in repository.properties.items()}
        self._claimed = _claimed(organization.oidc.properties, self._properties)
        self._names = repository.full_name
        self._ids = f"{owner}@{repository.owner_id}/{name}@{repository.database_id}"

    @property
    def is_known(self) -> bool:
        """Whether the form of its subjects is known: by its own template, or if its organization has none."""
        return self._repository.template is not None or not self._organization.oidc.claim_keys

    @property
    def all_subjects(self) -> tuple[str, ...]:
        """Patterns for all subjects of this repository, in both forms."""
        return tuple(f"repo:{name}:{ANY}" for name in (self._names, self._ids))

    @property
    def subjects_of_owner(self) -> tuple[str, ...]:
        """Patterns for all subjects of its owner's repositories, in both forms."""
        owner = self._names.partition("/")[0]
        return (f"repo:{owner}/{ANY}", f"repo:{owner}@{self._repository.owner_id}/{ANY}")

    def of(self, workflow: Workflow, job: Job, called: str | None = None) -> tuple[TokenSubject, ...]:
        """Return the tokens of a job of a workflow. ``called``: the called workflow that contains it, if any.

        If the template has ``environment``, a job without an environment gets no token.
        """
        found: dict[TokenSubject, None] = {}
        environments: tuple[str | None, ...] = tuple(name or None for name in _environments(job)) or (None,)
        if _ENVIRONMENT in self._keys:
            environments = tuple(filter(None, environments))
        for run in runs(workflow, self._repository.default_branch, on_server=self._on_server):
            for environment in environments:
                for escaped in self._escaped_forms(environment or ""):
                    found[self._token(workflow, run, environment, escaped, called)] = None
        return tuple(found)

    @property
    def _keys(self) -> tuple[str, ...]:
        """The claims of a custom subject; empty for GitHub's default."""
        return () if self._template.use_default else self._template.claim_keys

    def _escaped_forms(self, value: str) -> dict[str, None]:
        """The forms of a value in a subject. Enterprise Server 3.18 and older do not escape colons."""
        return dict.fromkeys((_escaped(value), value) if self._on_server else (_escaped(value),))

    def _token(
        self, workflow: Workflow, run: Run, environment: str | None, escaped: str, called: str | None
    ) -> TokenSubject:
        claims = self._claims(workflow, run, environment, called)
        if environment is not None:
            context = f"{_ENVIRONMENT}:{escaped}"
        else:
            context = "pull_request" if run.is_of_pull_request else f"ref:{run.ref}"
        default = [f"repo:{name}:{context}" for name in (self._names, self._ids)]
        subject = default[self.is_immutable]
        if self._keys:
            name = self._ids if self.is_immutable else self._names
            special = {_REPOSITORY: f"repo:{name}", _CONTEXT: context, _ENVIRONMENT: f"{_ENVIRONMENT}:{escaped}"}
            values = claims | self._properties
            subject = ":".join(special.get(key) or f"{key}:{_escaped(values.get(key, ANY))}" for key in self._keys)
        return TokenSubject(
            self.issuer,
            subject,
            tuple(Said(name, value) for name, value in sorted(claims.items())),
            tuple(one for one in default if one != subject),
        )

    def _claims(self, workflow: Workflow, run: Run, environment: str | None, called: str | None) -> dict[str, str]:
        repository, owner = self._repository, self._names.partition("/")[0]
        this = f"{self._names}/{workflow.path}@{run.ref}"
        kind = "tag" if run.ref.startswith(_TAGS) else "branch"
        return self._claimed | {
            "repository": self._names,
            "repository_id": str(repository.database_id),
            "repository_owner": owner,
            "repository_owner_id": str(repository.owner_id),
            "repository_visibility": repository.visibility,
            "ref": run.ref,
            "ref_type": kind,
            "event_name": run.event,
            _ENVIRONMENT: environment or "",
            "workflow": workflow.name or workflow.path,
            "workflow_ref": this,
            "job_workflow_ref": this if called is None else _called_ref(called, self._names, run.ref),
        }


def _claimed(claimed: Sequence[str] | None, own: Mapping[str, str]) -> dict[str, str]:
    """The claims of custom properties, empty for properties that are not in tokens; none if that is unknown."""
    if claimed is None:
        return {}
    names = {f"{_PROPERTY}{name}" for name in claimed}
    return {name: own.get(name, "") if name in names else "" for name in own.keys() | names}


def _is_immutable(organization: GithubOrganization, repository: Repository) -> bool:
    if organization.host != keys.PUBLIC:
        return False
    if repository.template is not None and repository.template.immutable is not None:
        return repository.template.immutable
    # An organization can opt in, but not out: newer repositories have immutable subjects anyway.
    moments = (repository.created_at, repository.renamed_at)
    return organization.oidc.immutable is True or any(one is not None and one >= IMMUTABLE_SINCE for one in moments)


def _environments(job: Job) -> Iterator[str]:
    value = job.environment
    if value is not None:
        yield from value.texts
        if not value.is_whole:
            yield ANY


def _called_ref(called: str, repository: str, ref: str) -> str:
    """The called workflow with its full ref; one of the same repository has the ref of the run."""
    if called.startswith("./"):
        return f"{repository}/{called.removeprefix('./')}@{ref}"
    path, _, at = called.partition("@")
    return f"{path}@{at}" if _SHA.fullmatch(at) or at.startswith("refs/") else f"{path}@refs/*/{at}"


def _escaped(value: str) -> str:
    return value.replace(":", "%3A")
