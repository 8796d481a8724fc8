"""The section of workflows: what they need besides their texts, and the identities and workloads that they are."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence

from msgspec.structs import replace

from connectors.base import DiscoveredRecord, SectionReading
from connectors.github import spec as s
from connectors.github.client import payloads as p
from connectors.github.client import requests as r
from connectors.github.facts import Organization, WorkflowFile
from connectors.github.reading import Reader
from connectors.github.repositories import Read, names
from connectors.github.sections import asking, asks_for_tokens
from connectors.github.workflows.identities import Workflows, workflow_identities
from scanner.errors import SourceError
from scanner.model import Fact, StoredSecret
from scanner.model.attributes import FEDERATION_BESIDE, JOBS_UNREAD

_CALLS = re.compile(r"([\w.-]{1,100}/[\w.-]{1,100}/\.github/workflows/[\w.-]{1,200}\.ya?ml)@")
_CALLS_OWN = re.compile(r"\./(\.github/workflows/[\w.-]{1,200}\.ya?ml)\b")
_UNREAD: tuple[Fact, ...] = ("permissions",)
_DEEPEST = 4
"""Workflows that call workflows are followed so far."""

Secrets = Mapping[str, Sequence[StoredSecret]]
"""By the full name of their repository; the organization's under an empty name."""


def read_workflows(
    reader: Reader, organization: Organization, found: Sequence[Read], secrets: Secrets
) -> Generator[DiscoveredRecord, None, None]:
    """Workflows that may ask for tokens, repositories as what runs as them, and the stored secrets.

    Workflows of an archived repository do not run. While the form of its subjects is not known, which trusts accept
    a workflow's tokens is not known either.
    """
    workflows: dict[str, Workflows] = {}
    with reader.section(s.WORKFLOWS) as section:
        callable_ = {f"{one.facts.full_name}/{file.path}".lower(): file for one in found for file in one.files}
        called = {one.facts.full_name: _called(one, callable_) for one in found if asks_for_tokens(one)}
        variables = dict(_variables(reader, section, found, called))
        for one in found:
            name = one.facts.full_name
            made = workflow_identities(
                organization,
                replace(one.facts, variables=variables.get(name, {})),
                () if one.facts.archived else one.files,
                source=reader.place.scope.source,
                elsewhere=called.get(name, {}),
            )
            for gap in made.gaps:
                section.malformed(f"{name}/{gap.path}", gap.reason)
            if made.identities and one.facts.template is None and s.OIDC in reader.gaps:
                section.lost(SourceError(f"the form of subjects of {name} is not known"), partial=True)
                made = _unread(made)
            section.found(len(made.identities))
            workflows[name] = made
    for one in found:
        if one.facts.full_name not in workflows:
            workflows[one.facts.full_name] = _unread(workflow_identities(organization, one.facts, ()))
    for made in workflows.values():
        yield from (replace(one, scope=reader.place.scope.id) for one in made.identities)
        yield replace(made.workload, scope=reader.place.scope.id)
    yield from _beside(secrets, workflows)
    yield reader.done(section)


def _unread(made: Workflows) -> Workflows:
    """With which trusts accept their tokens unknown."""
    return replace(
        made,
        identities=tuple(replace(one, unread=_UNREAD) for one in made.identities),
        workload=replace(made.workload, attributes={**made.workload.attributes, JOBS_UNREAD: True}),
    )


def _called(repository: Read, callable_: Mapping[str, WorkflowFile]) -> dict[str, WorkflowFile]:
    """The workflows of other repositories that its own call, and that these call, also in their own repositories."""
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


def _variables(
    reader: Reader, section: SectionReading, found: Sequence[Read], called: Mapping[str, Mapping[str, WorkflowFile]]
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The variables of repositories whose workflows name some: the organization's, and above these its own."""
    naming = [
        one
        for one in found
        if one.facts.full_name in called
        and any("vars." in file.text for file in (*asking(one), *called[one.facts.full_name].values()))
    ]
    if not naming:
        return
    shared = reader.listed(section, r.ORG_VARIABLES, p.Variable)
    facts = {one.facts.full_name: one.facts for one in naming}
    own: dict[str, Mapping[str, str]] = {}
    for name, rows in reader.each(
        section,
        "repositories' variables",
        lambda name: list(reader.api.rows(r.REPOSITORY_VARIABLES, p.Variable, section, **names(name))),
        sorted(facts),
        str,
    ):
        own[name] = {row.name: row.value for row in rows if row.value}
    for name, one in facts.items():
        given = {
            row.name: row.value
            for row in shared
            if row.value and (row.visibility == "all" or (row.visibility == "private" and one.visibility != "public"))
        }
        yield name, {**given, **own.get(name, {})}


def _beside(secrets: Secrets, workflows: Mapping[str, Workflows]) -> Iterator[StoredSecret]:
    """The secrets; a cloud's key says which jobs may sign in to that cloud without it.

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
