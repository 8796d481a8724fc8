"""Rows as records: workloads that run as a role, and AI agents, which are identities of their own (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from msgspec import Struct

from connectors.aws.client.payloads import known
from connectors.aws.rights.model_calls import work_signals
from connectors.aws.workloads.declarations import GIVEN, LAYERS, VARIABLES, Fields, Where
from connectors.aws.workloads.rows import Row
from connectors.core.reading import unread_facts
from scanner.model import Identity, Link, Privilege, Signal, Workload

_RIGHTS_OF_ROLE = Privilege(level="unknown", evidence=("its rights are those of the roles that it runs as",))


class Around(Struct, frozen=True, kw_only=True):
    """The context of a row: its parent, the roles of instance profiles, tags, and who appears as it.

    ``tags``: by ARN, from the tagging API. ``made_for``: by key, the resource that AWS made an identity for.
    """

    where: Where
    parents: Mapping[str, Row] = {}
    profiles: Mapping[str, str] = {}
    tags: Mapping[str, Mapping[str, str]] = {}
    made_for: Mapping[str, str] = {}


def workload(row: Row, fields: Fields, around: Around) -> Workload:
    """A resource that runs as one or more roles."""
    where = around.where
    return Workload(
        key=row.key,
        provider="aws",
        source=where.source,
        scope=where.account,
        kind=fields.kind,
        name=row.name,
        runs_as=_roles(row, around),
        uses=_secrets(row, around),
        created_at=row.created_at,
        created_by=row.created_by,
        tags=row.tags or around.tags.get(row.key, {}),
        attributes=_attributes(row, around),
        signals=tuple(
            work_signals(
                f"the {fields.kind.replace('_', ' ')} {row.name}",
                variables=chain(row.facts.get(VARIABLES, ()), row.facts.get(GIVEN, ())),
                layers=row.facts.get(LAYERS, ()),
                secrets=_secrets(row, around),
            )
        ),
    )


def agent(row: Row, fields: Fields, around: Around, *, unread: frozenset[str] = frozenset()) -> Identity:
    """An AI agent. ``unread``: facts that could not be read, see ``Detail.gives``."""
    where = around.where
    made_for = around.made_for.get(row.key)
    return Identity(
        key=row.key,
        provider="aws",
        source=where.source,
        scope=where.account,
        kind=fields.kind,
        name=row.name,
        description=row.description,
        unique_id=row.unique_id,
        created_at=row.created_at,
        created_by=row.created_by,
        managed_by=f"AWS made it for {made_for}" if made_for else None,
        tags=row.tags,
        attributes=_attributes(row, around),
        signals=(
            Signal(says="machine", sort="provider", evidence=fields.agent or fields.kind),
            Signal(says="agent", sort="provider", evidence=fields.agent or fields.kind),
        ),
        privilege=_RIGHTS_OF_ROLE,
        links=tuple(_links(row, fields, around)),
        unread=unread_facts(tags="tags" in unread, permissions="permissions" in unread),
    )


def _links(row: Row, fields: Fields, around: Around) -> Iterator[Link]:
    for identity in row.acts_as:
        yield Link(relation="acts_as", target=identity, evidence=f"the {fields.kind} says so")
    for role in _roles(row, around):
        yield Link(relation="runs_as", target=role, evidence=f"the {fields.kind} says so")
    for secret in _secrets(row, around):
        yield Link(relation="stores", target=secret, evidence=f"the {fields.kind} is given it")


def _roles(row: Row, around: Around) -> tuple[str, ...]:
    named = {around.profiles[profile] for profile in row.profiles if profile in around.profiles}
    return tuple(sorted({*row.roles, *named, *(_parent(row, around).roles)}))


def _secrets(row: Row, around: Around) -> tuple[str, ...]:
    return tuple(sorted({*row.secrets, *_parent(row, around).secrets}))


def _parent(row: Row, around: Around) -> Row:
    """The row from which it inherits; an empty row if there is none."""
    return around.parents.get(row.inherits or "") or Row(key="", name="")


def _attributes(row: Row, around: Around) -> dict[str, object]:
    return {**row.facts, **known(region=around.where.region, instance_profiles=list(row.profiles))}
