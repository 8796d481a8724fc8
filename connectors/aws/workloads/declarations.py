"""The declaration of a resource type, which one reader reads for all types: a table in a file beside this one.

Paths lead into a row, see :mod:`connectors.aws.workloads.paths`; templates (``arn:{partition}:glue:…:job/{Name}``) are
texts with paths in braces, besides ``{partition}``, ``{region}`` and ``{account}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from connectors.core.contract import Section
from scanner.model import Rung

# Permissions whose prefix is another than the SDK's name of the service.
_PREFIXES: Mapping[str, str] = {
    "agent-registry-control": "agent-registry",
    "bedrock-agent": "bedrock",
    "bedrock-agentcore-control": "bedrock-agentcore",
    "devops-agent": "aidevops",
    "emr": "elasticmapreduce",
    "lambda-microvms": "lambda",
    "lambda-web": "lambda",
    "lexv2-models": "lex",
    "qconnect": "wisdom",
    "resourcegroupstaggingapi": "tag",
    "sso-admin": "sso",
    "stepfunctions": "states",
}
_HEAD = re.compile(r"[^.\[\]]+")
_PLACE = re.compile(r"\{([^{}]+)\}")
VARIABLES = "variables"
"""The fact that names environment variables: their names, never their values."""
GIVEN = "given_secrets"
"""The fact that names variables whose values come from a secret store."""
LAYERS = "layers"
"""The fact that names layers of code, by ARN."""
_AGENT_RUNGS: tuple[Rung, ...] = ("key", "unique_id", "tag", "name", "glob")


class Where(Struct, frozen=True, kw_only=True):
    """The region of an account that rows come from."""

    source: str
    account: str
    partition: str
    region: str

    @property
    def names(self) -> dict[str, str]:
        """The names that every template may use."""
        return {"partition": self.partition, "region": self.region, "account": self.account}


class AwsDeclarationListing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The call that lists rows. ``rows``: the path to them in a page; a row that is a plain text becomes its ``id``.

    If ``rows`` is empty, the answer itself is the only row. ``size``: the maximum page size, if the call has that
    parameter. ``under``: the section for each of whose rows the call is made, with the parameters ``by`` (templates
    over that row), which become part of the rows listed. ``unless``: a path in that row, and the value for which the
    call is not made. ``also``: sections, and the paths in their rows, that name further rows by ``id``; rows that were
    already read by their key are not requested again. ``met_in``: a fact of the rows so named, and the path to it in
    the rows that name them, for the place of the reference.
    """

    operation: str
    rows: str
    size: int | None = None
    parameters: Mapping[str, Any] = {}
    under: str | None = None
    by: Mapping[str, str] = {}
    unless: tuple[str, tuple[str, ...]] | None = None
    also: tuple[tuple[str, str], ...] = ()
    met_in: tuple[str, str] | None = None


class Detail(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call for details of rows: what is at ``at`` in its answer is added to the row.

    ``by``: its parameters, templates over the row. ``batch``: the number of rows per call; then ``ids`` is
    the parameter that lists the template ``id`` of each, and what is at ``at`` replaces the rows.
    ``gives``: the facts of an identity that are unknown if the call fails.
    """

    operation: str
    by: Mapping[str, str] = {}
    parameters: Mapping[str, Any] = {}
    at: str = ""
    batch: int = 0
    ids: str = ""
    id: str = "{id}"
    gives: Literal["tags", "permissions"] = "permissions"


class Fields(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The paths in a row to the facts of its record. Nothing else is kept. ``kind``: if empty, there is no record.

    ``key``, ``name``: templates. ``roles``: paths to roles, by ARN or by name. ``profiles``: paths to instance
    profiles. ``secrets`` and ``parameters``: paths to stored secrets and to SSM parameters, by ARN or by name.
    ``texts``: paths to texts, such as environment variables; only the ARNs of secrets are kept. ``facts``:
    attributes by name; ``joined``: facts that only ``tools.py`` reads; ``tools``: paths to definitions of
    an agent's tools, stored as hashes; ``present``: facts that only tell whether something exists.
    ``runs_in``: the template of its cluster's key. ``inherits``: a section, and the path to the key of the row there
    whose roles and secrets apply to this row as well. ``only_with``: a path; rows without a value there become no
    record. ``agent``: why it is an AI agent, and so an identity; ``acts_as``: paths to other identities it appears as.
    """

    kind: str = ""
    key: str
    name: str
    roles: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    created_at: str | None = None
    created_by: str | None = None
    tags: str | None = None
    facts: Mapping[str, str] = {}
    joined: Mapping[str, str] = {}
    tools: tuple[str, ...] = ()
    present: Mapping[str, str] = {}
    runs_in: str | None = None
    inherits: tuple[str, str] | None = None
    only_with: str | None = None
    agent: str | None = None
    unique_id: str | None = None
    description: str | None = None
    acts_as: tuple[str, ...] = ()


class Kept(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The paths in a row to the facts of a credential. Nothing else is kept. ``type``: the type of credential.

    ``key``, ``name``: templates. The rest are paths, ``facts`` by name.
    """

    type: str
    key: str
    name: str
    created_at: str | None = None
    expires_at: str | None = None
    last_used_at: str | None = None
    tags: str | None = None
    facts: Mapping[str, str] = {}


class Arguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The paths in the arguments of a resource in a plan or template. They go through the items of a list at ``*``.

    ``name``; ``roles``, by ARN or name; ``profiles``: instance profiles; ``variables``: environment variables, of which
    only the names are read.
    """

    name: str = ""
    roles: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()


class ResourceType(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A resource type, which is one section of a region.

    ``service``: the SDK's name of it. ``record``: how a row becomes a workload or an agent; ``stored``: how it becomes
    a stored secret, by fields or by a function of ``stored.py``; neither: its rows only lead to others. ``assigns``:
    the function of ``entries.py`` for the assignment of a row, in addition to a record, or instead if there is no kind.
    ``tagged_as``: its name in the tagging API, if tags come from there. ``everywhere``: False if AWS has the service in
    some regions only. ``without``: what is unknown without it, if not what it is and runs as. ``planned``: the types of
    Terraform, CloudFormation and SAM that become such a record, with where they have its facts.
    """

    section: str
    title: str
    service: str
    listing: AwsDeclarationListing
    details: tuple[Detail, ...] = ()
    record: Fields | None = None
    stored: Kept | Literal["parse_secret", "parse_parameter", "parse_policy"] | None = None
    assigns: Literal["identity_of", "entry_of", "policy_of"] | None = None
    planned: Mapping[str, Arguments] = {}
    tagged_as: str | None = None
    everywhere: bool = True
    optional: bool = False
    without: str | None = None

    @property
    def permissions(self) -> tuple[str, ...]:
        """The permissions for its calls."""
        operations = (self.listing.operation, *(detail.operation for detail in self.details))
        return tuple(dict.fromkeys(permission(self.service, operation) for operation in operations))

    @property
    def identity_kind(self) -> str | None:
        """The kind of the identities it lists, if any."""
        return self.record.kind if self.record and self.record.agent else None

    @property
    def members(self) -> frozenset[str]:
        """The members of its rows that its own record and calls need: all others are dropped on arrival."""
        by = [*(text for detail in self.details for text in (*detail.by.values(), detail.id)), "{id}"]
        return frozenset().union(*map(heads, (*by, *paths_of(self.record))))

    def declared(self) -> Section:
        """The section as the connector's spec has it."""
        kind = self.identity_kind or ("secret" if self.stored else None)
        return Section(
            name=self.section,
            title=self.title,
            permissions=self.permissions,
            without=self.without or f"{self.title} and the roles that they run as are unknown",
            kinds=(kind,) if kind else (),
            rungs=_AGENT_RUNGS if self.identity_kind else (),
            optional=self.optional,
        )


def heads(text: str) -> frozenset[str]:
    """The first members of a path, or of the paths in a template."""
    paths = _PLACE.findall(text) if "{" in text else [text]
    return frozenset(match[0] for path in paths if (match := _HEAD.match(path)))


def paths_of(record: Fields | None) -> tuple[str, ...]:
    """All paths and templates of fields."""
    if record is None:
        return ()
    single = (record.key, record.name, record.created_at, record.created_by, record.tags, record.unique_id)
    more = (record.runs_in, record.description, record.only_with, record.inherits and record.inherits[1])
    listed = (record.roles, record.profiles, record.secrets, record.parameters, record.texts, record.acts_as)
    named = (record.facts.values(), record.joined.values(), record.present.values(), record.tools)
    return (*filter(None, (*single, *more)), *(path for paths in (*listed, *named) for path in paths))


def permission(service: str, operation: str) -> str:
    """The IAM permission of an operation of the SDK's."""
    return f"{_PREFIXES.get(service, service)}:{operation}"
