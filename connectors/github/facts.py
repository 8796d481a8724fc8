"""Facts about an organization and its repositories, as plain records; workflows are parsed from these alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct


class SubjectTemplate(Struct, frozen=True, kw_only=True):
    """The template of subjects of workflow tokens.

    ``use_default``: GitHub's own form; for a repository, that of its organization does not apply then.
    ``claim_keys``: the claims that make up the subject, in this order. ``immutable``: whether owner and repository are
    named with their ids; None where the API does not say. ``properties``: for an organization, the custom properties
    that are claims of tokens; None where that is not known.
    """

    use_default: bool = True
    claim_keys: tuple[str, ...] = ()
    immutable: bool | None = None
    properties: tuple[str, ...] | None = None


class GithubOrganization(Struct, frozen=True, kw_only=True):
    """An organization. ``host``: the one that people see: ``github.com``, or the Enterprise Server's."""

    login: str
    database_id: int
    host: str = "github.com"
    oidc: SubjectTemplate = SubjectTemplate()


class Repository(Struct, frozen=True, kw_only=True):
    """A repository. ``full_name``: ``OWNER/NAME``.

    ``template``: None where its own subject could not be read or was not asked for. ``codeowners``: the file's text.
    ``properties``: custom properties. ``admin_teams``: slugs of teams that administer it. ``variables``: of Actions,
    its organization's included, only where the value is an ARN, a provider's path, a client id or an account's e-mail.
    ``environment_variables``: by environment, as far as they were read; a value that is none of these is empty.
    """

    full_name: str
    database_id: int
    owner_id: int
    visibility: str = "private"
    archived: bool = False
    default_branch: str | None = None
    pushed_at: datetime | None = None
    created_at: datetime | None = None
    renamed_at: datetime | None = None
    template: SubjectTemplate | None = None
    environments: tuple[str, ...] = ()
    codeowners: str | None = None
    properties: Mapping[str, str] = {}
    admin_teams: tuple[str, ...] = ()
    variables: Mapping[str, str] = {}
    environment_variables: Mapping[str, Mapping[str, str]] = {}
    secret_names: tuple[str, ...] = ()


class WorkflowFile(Struct, frozen=True, kw_only=True):
    """A file below ``.github/workflows``. ``truncated``: GitHub gave its beginning only."""

    path: str
    text: str
    truncated: bool = False
