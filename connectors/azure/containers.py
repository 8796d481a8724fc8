"""Subscriptions and management groups, as three different lists tell of them.

Source: https://learn.microsoft.com/azure/governance/management-groups/resource-graph-samples and the REST reference of
subscriptions and management groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Raw, Struct, field

from connectors.azure.reader import Reader
from connectors.base import SectionReading

SUBSCRIPTIONS_VERSION, ENTITIES_VERSION = "2022-12-01", "2023-04-01"
_ENTITY = "/subscriptions"
"""What the list of entities calls the type of a subscription."""
ENTITIES = "/providers/Microsoft.Management/getEntities"
GROUPS = "/providers/Microsoft.Management/managementGroups"
_SUBSCRIPTION, _GROUP = "microsoft.resources/subscriptions", "microsoft.management/managementgroups"
QUERY = (
    "resourcecontainers"
    f" | where type in~ ('{_SUBSCRIPTION}', '{_GROUP}')"
    " | project id, name, type, subscriptionId, properties"
    " | order by id asc"
)
# Others are being closed down, and answer nothing that could be read.
_ALIVE = frozenset({"enabled", "warned", "pastdue"})


class Container(Struct, frozen=True, kw_only=True):
    """A subscription (``id`` in lower case) or a management group (``id`` as written).

    ``ancestors``: names of the management groups above it, the nearest first; empty where they are not known.
    """

    id: str
    is_group: bool
    title: str | None = None
    state: str | None = None
    ancestors: tuple[str, ...] = ()

    @property
    def is_alive(self) -> bool:
        """Whether there is something to be read in it."""
        return (self.state or "enabled").lower() in _ALIVE

    def lies_in(self, group: str) -> bool:
        """Whether that management group is above it; case is no difference."""
        return group.lower() in (name.lower() for name in self.ancestors)


class _Ancestor(Struct, frozen=True):
    name: str


class _Details(Struct, frozen=True):
    above: tuple[_Ancestor, ...] = field(name="managementGroupAncestorsChain", default=())


class _Told(Struct, frozen=True, rename="camel"):
    display_name: str | None = None
    state: str | None = None
    details: _Details = _Details()
    above: tuple[_Ancestor, ...] = field(name="managementGroupAncestorsChain", default=())


class _Row(Struct, frozen=True, rename="camel"):
    name: str
    type: str
    subscription_id: str | None = None
    properties: Any = None


class _Subscription(Struct, frozen=True, rename="camel"):
    subscription_id: str
    display_name: str | None = None
    state: str | None = None


class _Chain(Struct, frozen=True, rename="camel"):
    display_name: str | None = None
    parent_name_chain: tuple[str, ...] | None = None


class _Entity(Struct, frozen=True):
    name: str
    type: str
    properties: _Chain = _Chain()


def of_resource_graph(reader: Reader, section: SectionReading, rows: Iterable[Raw]) -> Iterator[Container]:
    """From the query; one without properties that can be understood is known by its name all the same."""
    for row in reader.rows(section, ([raw] for raw in rows), _Row):
        told = _told(row.properties)
        if row.type.lower() == _GROUP:
            above = told.details.above
            yield Container(id=row.name, is_group=True, title=told.display_name, ancestors=_names(above))
        elif row.type.lower() == _SUBSCRIPTION and row.subscription_id:
            above = told.above
            key = row.subscription_id.lower()
            yield Container(id=key, is_group=False, title=row.name, state=told.state, ancestors=_names(above))


def of_subscriptions(reader: Reader, section: SectionReading) -> Iterator[Container]:
    """The resource manager's list of subscriptions, which says nothing of what they lie in."""
    pages = reader.api.arm_pages("/subscriptions", api_version=SUBSCRIPTIONS_VERSION)
    for row in reader.rows(section, pages, _Subscription):
        yield Container(id=row.subscription_id.lower(), is_group=False, title=row.display_name, state=row.state)


def of_entities(reader: Reader, section: SectionReading) -> Iterator[Container]:
    """The list of entities, which names what each lies in from the root on, and says nothing of states."""
    pages = reader.api.arm_pages(ENTITIES, api_version=ENTITIES_VERSION, method="POST")
    for row in reader.rows(section, pages, _Entity):
        told, is_group = row.properties, row.type.lower() == _GROUP
        if is_group or row.type.lower() == _ENTITY:
            above = tuple(reversed(told.parent_name_chain or ()))
            key = row.name if is_group else row.name.lower()
            yield Container(id=key, is_group=is_group, title=told.display_name, ancestors=above)


def of_groups(reader: Reader, section: SectionReading) -> Iterator[Container]:
    """The list of management groups alone, which does not say what they lie in."""
    for row in reader.rows(section, reader.api.arm_pages(GROUPS, api_version=ENTITIES_VERSION), _Entity):
        yield Container(id=row.name, is_group=True, title=row.properties.display_name)


def _told(properties: Any) -> _Told:
    try:
        return msgspec.convert(properties, _Told)
    except msgspec.ValidationError:
        return _Told()


def _names(chain: Iterable[_Ancestor]) -> tuple[str, ...]:
    return tuple(one.name for one in chain)
