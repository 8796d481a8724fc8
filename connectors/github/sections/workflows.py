"""The section of workflows: reads variables, actions and rules that they need, and yields their identities."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from operator import itemgetter

from msgspec.structs import replace

from connectors.core.contract import DiscoveredRecord, SectionReading
from connectors.core.reading import ITEMS_NAMED
from connectors.github import spec as s
from connectors.github.client import payloads as p
from connectors.github.client import requests as r
from connectors.github.client.repositories import Read
from connectors.github.client.requests import names
from connectors.github.facts import GithubOrganization, WorkflowFile
from connectors.github.reader import GithubReader
from connectors.github.sections.environments import named_by, read_rules, with_rules
from connectors.github.sections.local_actions import read_actions
from connectors.github.sections.subjects import asks_for_tokens
from connectors.github.workflows.identities import Workflows, workflow_identities
from scanner.errors import SourceError
from scanner.model import Fact, StoredSecret
from scanner.model.attributes import ACCOUNTED_IN, FEDERATION_BESIDE, JOBS_UNREAD, UNRESOLVED
from scanner.text import few

_CALLS = re.compile(r"([\w.-]{1,100}/[\w.-]{1,100}/\.github/workflows/[\w.-]{1,200}\.ya?ml)@")
_CALLS_OWN = re.compile(r"\./(\.github/workflows/[\w.-]{1,200}\.ya?ml)\b")
_VARIABLES = re.compile(r"vars(?:\.|\[\s*')([\w-]{1,200})", re.IGNORECASE | re.ASCII)
_UNREAD: tuple[Fact, ...] = ("permissions",)
_DEEPEST = 4
"""The depth to which calls of workflows are followed."""

Secrets = Mapping[str, Sequence[StoredSecret]]
"""Secrets by full name of the repository; the organization's under an empty name."""


def read_workflows(
    reader: GithubReader, organization: GithubOrganization, found: Sequence[Read], secrets: Secrets
) -> Generator[DiscoveredRecord, None, list[str]]:
    """Workflows that may request tokens, repositories as their workloads, and the stored secrets.

    Workflows of an archived repository do not run. If the form of its subjects is unknown, so are the trusts that
    accept a workflow's tokens. Returns the workflows with a job that does not set the permissions of its GITHUB_TOKEN.
    """
    workflows: dict[str, Workflows] = {}
    with reader.section(s.WORKFLOWS) as section:
        _read_into(workflows, reader, section, organization, found)
    for one in found:
        if one.facts.full_name not in workflows:
            workflows[one.facts.full_name] = _unread(workflow_identities(organization, one.facts, ()))
    # The list of repositories can be complete although some of their details are missing.
    accounted = [s.WORKFLOWS, *([s.REPOSITORIES] if s.REPOSITORIES in reader.whole else ())]
    for made in workflows.values():
        yield from (replace(one, scope=reader.place.scope.id) for one in made.identities)
        attributes = {**made.workload.attributes, ACCOUNTED_IN: accounted}
        yield replace(made.workload, scope=reader.place.scope.id, attributes=attributes)
    yield from _beside(secrets, workflows)
    yield reader.done(section)
    return sorted(f"{name}/{path}" for name, made in workflows.items() for path in made.by_default)


def _read_into(
    workflows: dict[str, Workflows],
    reader: GithubReader,
    section: SectionReading,
    organization: GithubOrganization,
    found: Sequence[Read],
) -> None:
    """Fill in the workflows of each repository. After an error, those that were read so far are there."""
    parser = _Parser(reader, section, organization, found)
    without = {one.facts.full_name: parser.parsed(one) for one in found}
    section.found(sum(len(made.identities) for made in without.values()))
    needing = [one for one in found if _needs(without[one.facts.full_name], parser.texts(one))]
    of_environments = _environment_variables(reader, section, needing, without)
    variables = dict(_variables(reader, section, needing, parser))
    silent: list[str] = []
    for one in found:
        name, made = one.facts.full_name, without[one.facts.full_name]
        if name in variables:
            made = parser.parsed(one, variables[name], of_environments.get(name, {}))
        silent += (f"{name}/{job}" for job in made.silent)
        for gap in made.gaps:
            section.malformed(f"{name}/{gap.path}", gap.reason)
            section.confine([name], 1)
        if made.identities and one.facts.template is None and s.OIDC in reader.gaps:
            section.lost(SourceError(f"the form of subjects of {name} is not known"), partial=True)
            section.confine([name], 1)
            made = _unread(made)
        workflows[name] = made
    rules = read_rules(reader.api, section, {name: made.identities for name, made in workflows.items()})
    for name, made in workflows.items():
        identities = tuple(with_rules(one, rules.get(name, {})) for one in made.identities)
        workflows[name] = replace(made, identities=identities)
    if silent:
        section.note(f"jobs that may ask for tokens, without a known sign-in: {few(silent, ITEMS_NAMED)}")


class _Parser:
    """Parses the workflows of repositories, with the workflows and actions that they call."""

    def __init__(
        self, reader: GithubReader, section: SectionReading, organization: GithubOrganization, found: Sequence[Read]
    ) -> None:
        callable_ = {f"{one.facts.full_name}/{file.path}".lower(): file for one in found for file in one.files}
        asking = [one for one in found if asks_for_tokens(one)]
        self._organization = organization
        self._source = reader.place.scope.source
        self._called = {one.facts.full_name: _called(one, callable_) for one in asking}
        texts = {one.facts.full_name: self.texts(one) for one in asking}
        self._actions = read_actions(reader.api, section, texts)

    def texts(self, repository: Read) -> list[str]:
        """The texts of all workflows that run in a repository."""
        elsewhere = self._called.get(repository.facts.full_name, {})
        return [file.text for file in (*repository.files, *elsewhere.values())]

    def parsed(
        self, repository: Read, own: Mapping[str, str] = {}, of_environments: Mapping[str, Mapping[str, str]] = {}
    ) -> Workflows:
        """The workflows of a repository. ``own``: its variables, including its organization's, as far as read."""
        facts = repository.facts
        return workflow_identities(
            self._organization,
            replace(facts, variables=own, environment_variables=of_environments),
            () if facts.archived else repository.files,
            source=self._source,
            elsewhere=self._called.get(facts.full_name, {}),
            actions=self._actions.get(facts.full_name, {}),
        )


def _environment_variables(
    reader: GithubReader, section: SectionReading, needing: Sequence[Read], made: Mapping[str, Workflows]
) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """The variables of existing environments that workflows name, by repository and environment."""
    places = []
    for one in needing:
        named = {name.lower() for workflow in made[one.facts.full_name].identities for name in named_by(workflow)}
        places += [(one.facts.full_name, name) for name in one.facts.environments if name.lower() in named]
    found: defaultdict[str, dict[str, Mapping[str, str]]] = defaultdict(dict)

    def read(at: tuple[str, str]) -> list[p.Variable]:
        asked = {**names(at[0]), "environment_name": at[1]}
        return list(reader.api.rows(r.ENVIRONMENT_VARIABLES, p.Variable, section, **asked))

    for (name, environment), rows in reader.each(
        section, "environments' variables", read, places, ": ".join, part=itemgetter(0)
    ):
        found[name][environment] = {row.name: row.value for row in rows}
    return found


def _unread(made: Workflows) -> Workflows:
    """The identities with unknown permissions: the trusts that accept their tokens are unknown."""
    return replace(
        made,
        identities=tuple(replace(one, unread=_UNREAD) for one in made.identities),
        workload=replace(made.workload, attributes={**made.workload.attributes, JOBS_UNREAD: True}),
    )


def _called(repository: Read, callable_: Mapping[str, WorkflowFile]) -> dict[str, WorkflowFile]:
    """The workflows of other repositories that are called from its own, directly or through other workflows."""
    found: dict[str, WorkflowFile] = {}
    named = {name.lower() for file in repository.files for name in _CALLS.findall(file.text)}
    for _ in range(_DEEPEST):
        new = {name: callable_[name] for name in named - found.keys() if name in callable_}
        found |= new
        named = {name.lower() for file in new.values() for name in _CALLS.findall(file.text)}
        named |= {
            f"{'/'.join(name.split('/')[:2])}/{path.lower()}"
            for name, file in new.items()
            for path in _CALLS_OWN.findall(file.text)
        }
    return found


def _needs(made: Workflows, texts: Sequence[str]) -> bool:
    """Whether variables may resolve expressions in workflows: a role, or an environment that is in a subject."""
    is_open = any(
        UNRESOLVED in one.attributes or any("${{" in name for name in one.attributes["environments"])
        for one in made.identities
    )
    return is_open and any(map(_VARIABLES.search, texts))


def _variables(
    reader: GithubReader,
    section: SectionReading,
    naming: Sequence[Read],
    parser: _Parser,
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The variables of repositories: their own, and the organization's that they may use."""
    if not naming:
        return
    shared = [row for row in reader.listed(section, r.ORG_VARIABLES, p.Variable) if row.value]
    named = {name.upper() for one in naming for text in parser.texts(one) for name in _VARIABLES.findall(text)}
    selected = {
        row.name: {
            one.full_name.lower()
            for one in reader.listed(section, r.VARIABLE_REPOSITORIES, p.RepositoryName, name=row.name)
        }
        for row in shared
        if row.visibility == "selected" and row.name.upper() in named
    }
    facts = {one.facts.full_name: one.facts for one in naming}
    own: dict[str, Mapping[str, str]] = {}
    for name, rows in reader.each(
        section,
        "repositories' variables",
        lambda name: list(reader.api.rows(r.REPOSITORY_VARIABLES, p.Variable, section, **names(name))),
        sorted(facts),
        str,
        part=str,
    ):
        own[name] = {row.name: row.value for row in rows}
    # A repository whose own variables were not read gets none: these may override the organization's.
    for name, mine in own.items():
        one = facts[name]
        given = {
            row.name: row.value
            for row in shared
            if row.visibility == "all"
            or (row.visibility == "private" and one.visibility != "public")
            or name.lower() in selected.get(row.name, ())
        }
        # A repository's own variable overrides the organization's, even if its value was dropped.
        yield name, {name: value for name, value in {**given, **mine}.items() if value}


def _beside(secrets: Secrets, workflows: Mapping[str, Workflows]) -> Iterator[StoredSecret]:
    """The secrets. A cloud's key gets the jobs that can sign in to that cloud without it as an attribute.

    A repository's own secret is used in place of the organization's of the same name.
    """
    shared: defaultdict[str, list[str]] = defaultdict(list)
    for name, made in workflows.items():
        own = {one.name for one in secrets.get(name, ())}
        for secret, jobs in made.federation_beside.items():
            shared[secret] += () if secret in own else [f"{name} {job}" for job in jobs]
    for name, some in secrets.items():
        own_jobs = workflows[name].federation_beside if name in workflows else {}
        beside: Mapping[str, Sequence[str]] = own_jobs if name else shared
        for one in some:
            places = beside.get(one.name)
            yield replace(one, attributes={**one.attributes, FEDERATION_BESIDE: list(places)}) if places else one
