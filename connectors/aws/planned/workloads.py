"""Workloads with a role, AI agents, and stored secrets in a plan or template."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from connectors.aws.planned.forms import AwsDeclared, tags_in
from connectors.aws.planned.identities import SOURCE, UNKNOWN_ACCOUNT
from connectors.aws.planned.names import MADE_UP_ACCOUNT, PARTITION
from connectors.aws.workloads.catalog import TYPES
from connectors.aws.workloads.declarations import VARIABLES, Arguments, Fields, Where
from connectors.aws.workloads.records import Around, agent, workload
from connectors.aws.workloads.rows import Row, role_key
from connectors.planned import UNKNOWN, Resource, planned_key
from connectors.planned.shapes import mapping, walk
from scanner.model import StoredSecret, Workload
from scanner.model.planned import PlannedIdentity

WORKLOADS: Mapping[str, tuple[Fields, Arguments]] = {
    name: (one.record, arguments) for one in TYPES if one.record for name, arguments in one.planned.items()
}
"""Resource types that run as roles, and AI agents: what they are, and where their arguments say it."""


class Roles(Struct, frozen=True, kw_only=True):
    """The keys of the file's roles: by the resource that makes one, by ARN, and by its instance profile."""

    by_resource: Mapping[str, str] = {}
    by_arn: Mapping[str, str] = {}
    by_profile: Mapping[str, str] = {}


def workload_of(resource: Resource, values: Mapping[str, Any], roles: Roles) -> Workload:
    """A resource of a type without agents that would run as roles."""
    (fields, _), where = WORKLOADS[resource.type], _where(resource)
    found = workload(_row(resource, values, roles, where), fields, Around(where=where))
    return msgspec.structs.replace(found, scope=resource.account or UNKNOWN_ACCOUNT)


def agent_of(resource: Resource, values: Mapping[str, Any], roles: Roles) -> PlannedIdentity:
    """An AI agent, with how it is before."""
    (fields, _), where = WORKLOADS[resource.type], _where(resource)
    after, before = (
        None
        if arguments is None
        else msgspec.structs.replace(
            agent(_row(resource, arguments, roles, where), fields, Around(where=where)),
            scope=resource.account or UNKNOWN_ACCOUNT,
        )
        for arguments in (values, resource.before)
    )
    assert after is not None
    return PlannedIdentity(
        identity=after,
        effect=resource.effect,
        places=(resource.place,),
        before=before,
        computed=frozenset({"name"}) if after.name == resource.place.resource else frozenset(),
        account_known=resource.account is not None,
    )


def secret_of(declared: AwsDeclared) -> StoredSecret:
    """A secret of Secrets Manager or an encrypted parameter: its name, never its value."""
    resource = declared.resource
    arn = declared.text("arn")
    return StoredSecret(
        key=arn if arn and resource.account else planned_key(resource.place),
        provider="aws",
        source=SOURCE,
        scope=resource.account or UNKNOWN_ACCOUNT,
        name=declared.text("name") or declared.at,
        tags=dict(sorted(tags_in(declared))),
    )


def _where(resource: Resource) -> Where:
    return Where(
        source=SOURCE,
        account=resource.account or MADE_UP_ACCOUNT,
        partition=resource.partition or PARTITION,
        region=resource.region or "",
    )


def _row(resource: Resource, values: Mapping[str, Any], roles: Roles, where: Where) -> Row:
    (_, its), at = WORKLOADS[resource.type], resource.place.resource
    arn, names = values.get("arn"), [each for each, _ in walk(values, its.name) if isinstance(each, str) and each]
    variables = sorted({key for path in its.variables for each, _ in walk(values, path) for key in mapping(each)})
    tags = next((mapping(values[name]) for name in ("tags_all", "tags", "Tags") if values.get(name)), {})
    return Row(
        key=arn if isinstance(arn, str) and resource.account else planned_key(resource.place),
        name=names[0] if names else at,
        roles=tuple(sorted(set(_roles(resource, values, roles, where)))),
        tags={key: value for key, value in sorted(tags.items()) if isinstance(value, str)},
        facts={VARIABLES: variables} if variables else {},
    )


def _roles(resource: Resource, values: Mapping[str, Any], roles: Roles, where: Where) -> Iterator[str]:
    (_, its), at = WORKLOADS[resource.type], resource.place.resource
    if at in roles.by_resource:
        yield roles.by_resource[at]  # the role that SAM makes for it
    for path in its.roles:
        for value, within in walk(values, path):
            if value is UNKNOWN:
                yield from (roles.by_resource[each] for each in _refers(resource, within) if each in roles.by_resource)
            elif isinstance(value, str) and value:
                yield from _named(value, roles, where)
    for path in its.profiles:
        for value, within in walk(values, path):
            if value is UNKNOWN:
                yield from (roles.by_profile[each] for each in _refers(resource, within) if each in roles.by_profile)
            elif isinstance(value, str) and value in roles.by_profile:
                yield roles.by_profile[value]


def _named(reference: str, roles: Roles, where: Where) -> Iterable[str]:
    try:
        arn = role_key(reference, where)
    except ValueError:
        return ()
    return (roles.by_arn.get(arn, arn),)


def _refers(resource: Resource, within: Sequence[str]) -> tuple[str, ...]:
    return resource.refers.get(".".join(within), ())
