"""The units of work: the tenant, its management groups and its subscriptions, from three different lists.

Source: https://learn.microsoft.com/azure/governance/management-groups/resource-graph-samples and the REST reference of
subscriptions and management groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct, field, structs

from connectors.azure import sections as s
from connectors.azure.client.api import AzureApi
from connectors.azure.client.batch import resource_graph
from connectors.azure.client.errors import NotTaken
from connectors.azure.reader import AzureReader, AzureUnit
from connectors.azure.settings import AzureSettings
from connectors.core.contract import Gone, Meter, Scope, SectionReading
from scanner.errors import Denied, SourceError
from scanner.model import EVERY_SCOPE, Coverage

SUBSCRIPTIONS_VERSION, ENTITIES_VERSION = "2022-12-01", "2023-04-01"
_ENTITY = "/subscriptions"
"""The type of a subscription in the list of entities."""
ENTITIES = "/providers/Microsoft.Management/getEntities"
GROUPS = "/providers/Microsoft.Management/managementGroups"
_SUBSCRIPTION, _GROUP = "microsoft.resources/subscriptions", "microsoft.management/managementgroups"
QUERY = (
    "resourcecontainers"
    f" | where type in~ ('{_SUBSCRIPTION}', '{_GROUP}')"
    " | project id, name, type, subscriptionId, properties"
    " | order by id asc"
)
# Others are being closed down and cannot be read.
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
        """Whether it can be read."""
        return (self.state or "enabled").lower() in _ALIVE

    def lies_in(self, group: str) -> bool:
        """Whether a management group is above it, case-insensitive."""
        return group.lower() in (name.lower() for name in self.ancestors)


class _Ancestor(Struct, frozen=True):
    name: str


class _Details(Struct, frozen=True):
    above: tuple[_Ancestor, ...] = field(name="managementGroupAncestorsChain", default=())


class _ScopeProperties(Struct, frozen=True, rename="camel"):
    display_name: str | None = None
    state: str | None = None
    details: _Details = _Details()
    above: tuple[_Ancestor, ...] = field(name="managementGroupAncestorsChain", default=())


class _ScopeRow(Struct, frozen=True, rename="camel"):
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


def of_resource_graph(reader: AzureReader, section: SectionReading, rows: Iterable[Raw]) -> Iterator[Container]:
    """From a row of Resource Graph; without readable properties, it still has a name."""
    for row in reader.rows(section, ([raw] for raw in rows), _ScopeRow):
        fields = _properties_of(row.properties)
        if row.type.lower() == _GROUP:
            above = fields.details.above
            yield Container(id=row.name, is_group=True, title=fields.display_name, ancestors=_names(above))
        elif row.type.lower() == _SUBSCRIPTION and row.subscription_id:
            above = fields.above
            key = row.subscription_id.lower()
            yield Container(id=key, is_group=False, title=row.name, state=fields.state, ancestors=_names(above))


def of_subscriptions(reader: AzureReader, section: SectionReading) -> Iterator[Container]:
    """The resource manager's list of subscriptions, which does not include management groups."""
    pages = reader.api.arm_pages("/subscriptions", api_version=SUBSCRIPTIONS_VERSION)
    for row in reader.rows(section, pages, _Subscription):
        yield Container(id=row.subscription_id.lower(), is_group=False, title=row.display_name, state=row.state)


def of_entities(reader: AzureReader, section: SectionReading) -> Iterator[Container]:
    """The list of entities, which has the path from the root, but no states."""
    pages = reader.api.arm_pages(ENTITIES, api_version=ENTITIES_VERSION, method="POST")
    for row in reader.rows(section, pages, _Entity):
        fields, is_group = row.properties, row.type.lower() == _GROUP
        if is_group or row.type.lower() == _ENTITY:
            above = tuple(reversed(fields.parent_name_chain or ()))
            key = row.name if is_group else row.name.lower()
            yield Container(id=key, is_group=is_group, title=fields.display_name, ancestors=above)


def of_groups(reader: AzureReader, section: SectionReading) -> Iterator[Container]:
    """The list of management groups alone, which does not include their parents."""
    for row in reader.rows(section, reader.api.arm_pages(GROUPS, api_version=ENTITIES_VERSION), _Entity):
        yield Container(id=row.name, is_group=True, title=row.properties.display_name)


def _properties_of(properties: Any) -> _ScopeProperties:
    try:
        return msgspec.convert(properties, _ScopeProperties)
    except msgspec.ValidationError:
        return _ScopeProperties()


def _names(chain: Iterable[_Ancestor]) -> tuple[str, ...]:
    return tuple(one.name for one in chain)


# --- Units of work: the tenant, its management groups and its subscriptions ---

_NAMED = 10
_NOTHING_SEEN = "no subscription can be seen"
_HINT = "give it Reader on some, or on the root management group; set subscriptions = [] where there are none"
_NO_GROUP = "no management group can be seen: there is none, or the right to read them is missing"
Listing = Callable[[AzureReader, SectionReading], Iterator[Container]]
_LISTS: Mapping[str, Sequence[Listing]] = {
    s.SUBSCRIPTIONS: (of_subscriptions,),
    s.MANAGEMENT_GROUPS: (of_entities, of_groups),
}
"""The list for a section if Resource Graph fails; a second list if the first does not exist."""
Containers = Mapping[str, Container]


class FoundContainers:
    """The units found so far, by section and id."""

    def __init__(self) -> None:
        self.of: dict[str, dict[str, Container]] = {s.SUBSCRIPTIONS: {}, s.MANAGEMENT_GROUPS: {}}

    def add(self, one: Container, *, only: str | None = None) -> None:
        """Add a container, or its facts to a known one. ``only``: sections to add."""
        section = s.MANAGEMENT_GROUPS if one.is_group else s.SUBSCRIPTIONS
        known = self.of[section].get(one.id)
        if known is not None and not known.ancestors:
            self.of[section][one.id] = structs.replace(known, ancestors=one.ancestors)
        elif known is None and only in (None, section):
            self.of[section][one.id] = one

    def chosen(self, section: str, named: Sequence[str] | None) -> Containers:
        """The configured containers, or all, sorted. A configured one need not have been found."""
        seen = self.of[section]
        if named is None:
            return {key: seen[key] for key in sorted(seen) if seen[key].is_alive}
        is_group = section == s.MANAGEMENT_GROUPS
        by_name = {key.lower(): one for key, one in seen.items()}
        chosen = (by_name.get(key.lower(), Container(id=key, is_group=is_group)) for key in sorted(named))
        return {one.id: one for one in chosen}


def find_units(api: AzureApi, settings: AzureSettings, tenant: Scope, meter: Meter) -> Iterator[Scope | Coverage]:
    """The subscriptions and management groups to read, and the coverage of listing them. ``tenant``: its scope.

    If all are configured, nothing is listed. Resource Graph gives both in one query; where it fails, the resource
    manager lists each.
    """
    named = {s.SUBSCRIPTIONS: settings.named_subscriptions, s.MANAGEMENT_GROUPS: settings.named_management_groups}
    found = FoundContainers()
    wanted = [section for section, names in named.items() if names is None]
    yield from _read(AzureReader(api, tenant, meter, settings), wanted, found)
    groups = found.chosen(s.MANAGEMENT_GROUPS, named[s.MANAGEMENT_GROUPS])
    every = found.chosen(s.SUBSCRIPTIONS, named[s.SUBSCRIPTIONS])
    subscriptions = {key: one for key, one in every.items() if key not in settings.skipped_subscriptions}
    for one in groups.values():
        yield _group(tenant, one, subscriptions)
    for one in subscriptions.values():
        yield _subscription(tenant, one, groups)


def _group(tenant: Scope, group: Container, subscriptions: Containers) -> Scope:
    inside = tuple(key for key, one in subscriptions.items() if one.lies_in(group.id))
    unit = AzureUnit(
        kind="management_group",
        tenant=tenant.context.tenant,
        name=group.title,
        ancestors=group.ancestors,
        subscriptions=inside,
    )
    return structs.replace(tenant, id=f"managementGroups/{group.id}", context=unit)


def _subscription(tenant: Scope, one: Container, groups: Containers) -> Scope:
    unit = AzureUnit(
        kind="subscription",
        tenant=tenant.context.tenant,
        name=one.title,
        ancestors=one.ancestors,
        groups=tuple(name for name in groups if one.lies_in(name) or not one.ancestors),
    )
    return structs.replace(tenant, id=one.id, context=unit)


def _read(reader: AzureReader, wanted: Sequence[str], found: FoundContainers) -> Iterator[Coverage]:
    """Add what is visible to ``found``; returns the coverage of each list.

    The one query counts for the first of them.
    """
    refusal: SourceError | None = None
    for name in wanted:
        with reader.section(name) as section:
            if name == wanted[0]:
                refusal = _ask_resource_graph(reader, section, found)
            if refusal is not None:
                _ask_resource_manager(reader, section, name, found)
                section.note(f"{refusal}: Resource Manager was used instead")
            _note_left_out(section, name, found.of[name])
        coverage = reader.done(section)
        yield structs.replace(coverage, scope=EVERY_SCOPE) if coverage.is_gap else coverage


def _ask_resource_graph(reader: AzureReader, section: SectionReading, found: FoundContainers) -> SourceError | None:
    """Query Resource Graph; returns the error, after keeping the rows before it.

    Resource Graph lags behind, so no subscription at all proves nothing.
    """
    try:
        for one in of_resource_graph(reader, section, resource_graph(reader.api, QUERY)):
            found.add(one)
    except SourceError as error:
        return error
    return None if any(found.of.values()) else SourceError("Resource Graph returns no subscription")


def _ask_resource_manager(reader: AzureReader, section: SectionReading, name: str, found: FoundContainers) -> None:
    first, *others = _LISTS[name]
    try:
        try:
            _add_listed(reader, section, name, found, first)
        except (Gone, NotTaken):
            if not others:
                raise
            _add_listed(reader, section, name, found, *others)
    except SourceError as error:
        if not found.of[name]:
            raise
        section.lost(error, partial=True)


def _add_listed(
    reader: AzureReader, section: SectionReading, name: str, found: FoundContainers, lists: Listing
) -> None:
    for one in lists(reader, section):
        found.add(one, only=name)


def _note_left_out(section: SectionReading, name: str, seen: Containers) -> None:
    """Count subscriptions, and note what is left out.

    Raises Denied if none is visible: an empty list may be a denial.
    """
    closed = [one.title or one.id for one in seen.values() if not one.is_alive]
    section.found(len(seen) - len(closed))
    if closed:
        names = ", ".join(sorted(closed)[:_NAMED]) + (", …" if len(closed) > _NAMED else "")
        section.note(f"{len(closed)} that are closed or being closed are left out: {names}")
    if name == s.SUBSCRIPTIONS and not seen:
        raise Denied(_NOTHING_SEEN, permission="Reader", hint=_HINT)
    if name == s.MANAGEMENT_GROUPS and not seen:
        section.note(_NO_GROUP)
