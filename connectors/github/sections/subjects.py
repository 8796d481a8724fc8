"""The section of OIDC: the templates for subjects of workflow tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from connectors.core.contract import SectionReading
from connectors.core.reading import ReadSection
from connectors.github import spec as s
from connectors.github.client import payloads as p
from connectors.github.client import requests as r
from connectors.github.client.repositories import Read
from connectors.github.client.requests import names
from connectors.github.facts import SubjectTemplate, WorkflowFile
from connectors.github.reader import GithubReader
from scanner.errors import NotOffered, SourceError

_DEFAULT_CLAIMS: Final = ((), ("repo", "context"))


def read_subjects(reader: GithubReader, found: Sequence[Read]) -> ReadSection[tuple[SubjectTemplate, list[Read]]]:
    """The subject templates of the organization, and of each repository with workflows that may request tokens."""
    organization = SubjectTemplate()
    templates: dict[str, SubjectTemplate] = {}
    with reader.section(s.OIDC) as section:
        organization = template(reader.api.one(r.ORG_SUBJECT, p.SubjectRow, org=reader.org))
        asking = [one.facts.full_name for one in found if asks_for_tokens(one)]
        has_properties = any(one.facts.properties for one in found if asks_for_tokens(one))
        if has_properties and r.PROPERTIES.path in reader.whole:
            organization = replace(organization, properties=_claimed(reader, section))
        for name, row in reader.each(
            section,
            "repositories",
            lambda name: reader.api.one(r.REPOSITORY_SUBJECT, p.SubjectRow, **names(name)),
            asking,
            str,
        ):
            templates[name] = template(row)
            section.found()
    yield reader.done(section)
    return organization, [
        replace(one, facts=replace(one.facts, template=templates.get(one.facts.full_name))) for one in found
    ]


def _claimed(reader: GithubReader, section: SectionReading) -> tuple[str, ...] | None:
    """The custom properties that are claims of tokens; None if they could not be read."""
    try:
        rows = reader.api.one(r.CLAIMED_PROPERTIES, list[p.ClaimedProperty], org=reader.org)
    except NotOffered:
        return ()
    except SourceError as error:
        section.lost(error, partial=True)
        return None
    return tuple(row.custom_property_name for row in rows)


def asking(repository: Read) -> Iterator[WorkflowFile]:
    """The workflows that may request tokens, by words in their texts."""
    return (file for file in repository.files if "id-token" in file.text or "write-all" in file.text)


def asks_for_tokens(repository: Read) -> bool:
    """Whether a workflow of the repository may request tokens, and the repository is not archived."""
    return not repository.facts.archived and any(asking(repository))


def template(row: p.SubjectRow) -> SubjectTemplate:
    """The subject template of a row. An organization's lists claims, a repository's may select GitHub's default."""
    is_default = row.include_claim_keys in _DEFAULT_CLAIMS if row.use_default is None else row.use_default
    return SubjectTemplate(use_default=is_default, claim_keys=row.include_claim_keys, immutable=row.is_immutable)
