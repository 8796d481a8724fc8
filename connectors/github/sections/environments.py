"""Environments beyond a repository's first page, and the rules of environments that workflows with tokens name.

Both are read in batches by GraphQL.

GraphQL shows whether reviewers are required, whether branches are limited, and how long a job waits. It does not show
which branches are allowed, and rules of Apps only by their number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from connectors.core.contract import SectionReading
from connectors.core.reading import ITEMS_NAMED
from connectors.github.client import requests as r
from connectors.github.client.api import Api
from connectors.github.client.parts import Part, read_parts
from connectors.github.client.repositories import Environments, Read
from scanner.errors import SourceError
from scanner.model import Identity
from scanner.model.attributes import ENVIRONMENT_RULES
from scanner.text import counted, few

RULES: Final = """\
environment(name: $what) { protectionRules(first: 10) { totalCount \
nodes { type timeout preventSelfReview reviewers(first: 1) { totalCount } } } }"""
MORE: Final = """\
environments(first: 100, after: $what) { totalCount pageInfo { hasNextPage endCursor } nodes { name } }"""

Rules = Mapping[str, Sequence[Mapping[str, str]] | None]
"""The rules by environment; None if they were not read."""


class _Count(Struct):
    total: int = field(name="totalCount", default=0)


class _Rule(Struct):
    type: str = ""
    timeout: int = 0
    prevents_self_review: bool | None = field(name="preventSelfReview", default=None)
    reviewers: _Count | None = None


class _Rules(Struct):
    total: int = field(name="totalCount", default=0)
    nodes: list[_Rule | None] | None = None


class _Environment(Struct):
    rules: _Rules = field(name="protectionRules")


class _EnvironmentRepository(Struct):
    environment: _Environment | None = None


class _More(Struct):
    environments: Environments


def with_all(api: Api, section: SectionReading, found: Sequence[Read]) -> list[Read]:
    """Return the repositories with the environments beyond their first page. What is not read is a gap."""
    left: dict[str, str | None] = {one.facts.full_name: one.more_after for one in found if one.more_after is not None}
    names = {one.facts.full_name: {*one.facts.environments} for one in found if one.more_after is not None}
    asked: set[Part] = set()
    while wanted := {Part(name, cursor) for name, cursor in left.items() if cursor} - asked:
        asked |= wanted
        for part, repository in read_parts(api, section, MORE, sorted(wanted), r.ENVIRONMENTS):
            try:
                page = msgspec.convert(repository, _More).environments
            except msgspec.ValidationError as error:
                section.malformed(part.full_name, str(error))
                continue
            names[part.full_name] |= {*page.names}
            if page.page.has_next:
                left[part.full_name] = page.page.cursor
            else:
                del left[part.full_name]
    if left:
        section.lost(SourceError(f"not all environments were read of {few(sorted(left), ITEMS_NAMED)}"), partial=True)
    return [
        replace(one, facts=replace(one.facts, environments=tuple(sorted(names[one.facts.full_name]))))
        if one.facts.full_name in names
        else one
        for one in found
    ]


def read_rules(api: Api, section: SectionReading, workflows: Mapping[str, Iterable[Identity]]) -> dict[str, Rules]:
    """The rules of the environments that workflows name, by the full name of their repository."""
    wanted = sorted(
        {Part(name, one) for name, some in workflows.items() for workflow in some for one in named_by(workflow)}
    )
    found: dict[str, dict[str, list[Mapping[str, str]] | None]] = {}
    for part in wanted:
        found.setdefault(part.full_name, {})[part.what] = None
    for part, repository in read_parts(api, section, RULES, wanted, r.ENVIRONMENTS):
        try:
            environment = msgspec.convert(repository, _EnvironmentRepository).environment
        except msgspec.ValidationError as error:
            section.malformed(f"{part.full_name}: environment {part.what}", str(error))
            continue
        # GitHub creates an environment that does not exist, without rules.
        found[part.full_name][part.what] = [] if environment is None else [*_described(environment.rules)]
    return {**found}


def named_by(workflow: Identity) -> Iterator[str]:
    """Yield the environments that a workflow names without expressions."""
    return (one for one in workflow.attributes["environments"] if one and "${{" not in one)


def with_rules(workflow: Identity, rules: Rules) -> Identity:
    """Return the workflow with the rules of its environments."""
    own = {name: rules.get(name) for name in named_by(workflow)}
    return replace(workflow, attributes={**workflow.attributes, ENVIRONMENT_RULES: own}) if own else workflow


def _described(rules: _Rules) -> Iterator[Mapping[str, str]]:
    known = [one for one in rules.nodes or () if one is not None]
    for one in known:
        if one.type == "REQUIRED_REVIEWERS":
            number = one.reviewers.total if one.reviewers else 0
            of = "a reviewer" if number < 1 else "its reviewer" if number == 1 else f"one of {number} reviewers"
            itself = "" if one.prevents_self_review else ", who may also have started the job"
            yield {"by": "approval", "text": f"{of} must approve{itself}"}
        elif one.type == "BRANCH_POLICY":
            yield {"by": "branches", "text": "only selected branches or tags may deploy"}
        elif one.type == "WAIT_TIMER":
            yield {"by": "wait", "text": f"jobs wait {counted(one.timeout, 'minute', 'minutes')}"}
        else:
            yield {"by": "other", "text": f"a rule of the type {one.type} must pass"}
    if rules.total > len(known):
        yield {"by": "other", "text": f"{counted(rules.total - len(known), 'rule', 'rules')} of Apps must pass"}
