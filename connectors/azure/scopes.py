"""The units of work: the tenant, its management groups and its subscriptions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Raw, Struct, field, structs

from connectors.azure import sections as s
from connectors.azure.api import AzureApi
from connectors.azure.reader import Reader, Unit
from connectors.azure.settings import AzureSettings
from connectors.base import Meter, Scope, SectionReading
from scanner.errors import Denied, SourceError
from scanner.model import Coverage

SUBSCRIPTIONS_VERSION = "2022-12-01"
# Others are being closed down, and answer nothing that could be read.
_ALIVE = frozenset({"enabled", "warned", "pastdue"})
_SUBSCRIPTION, _GROUP = "microsoft.resources/subscriptions", "microsoft.management/managementgroups"
_EVERYTHING = (
    "resourcecontainers"
    f" | where type in~ ('{_SUBSCRIPTION}', '{_GROUP}')"
    " | project id, name, type, subscriptionId, properties"
    " | order by id asc"
)
_NOTHING_SEEN = "no subscription can be seen"
_HINT = "give it Reader on some, or on the root management group; set subscriptions = [] where there are none"


class Container(Struct, frozen=True, rename="camel"):
    """A subscription or a management group, as Resource Graph lists both. ``name`` of a group is its id."""

    name: str
    type: str
    subscription_id: str | None = None
    properties: Any = None

    def told(self, key: str) -> str | None:
        """A property that is text."""
        value = self.properties.get(key) if isinstance(self.properties, dict) else None
        return value if isinstance(value, str) else None

    @property
    def groups(self) -> Iterator[str]:
        """The ids of the management groups that a subscription is in, in lower case."""
        chain = self.properties.get("managementGroupAncestorsChain") if isinstance(self.properties, dict) else None
        for one in chain if isinstance(chain, list) else ():
            if isinstance(one, dict) and isinstance(one.get("name"), str):
                yield one["name"].lower()


class Subscription(Struct, frozen=True, rename="camel"):
    """A subscription, as the resource manager lists it."""

    subscription_id: str
    name: str | None = field(default=None, name="displayName")
    state: str | None = None


class Units(Struct, frozen=True, kw_only=True):
    """What was found: ids and display names; a group's id is as written, a subscription's in lower case.

    ``held``: the subscriptions in each group, and in the groups in it, by the group's id in lower case.
    """

    subscriptions: dict[str, str | None] = {}
    groups: dict[str, str | None] = {}
    held: dict[str, list[str]] = {}


def find_units(api: AzureApi, settings: AzureSettings, tenant: Scope, meter: Meter) -> Iterator[Scope | Coverage]:
    """The subscriptions and management groups to read, and how listing them went. ``tenant``: its scope.

    Those that are named are not looked for. Where Resource Graph cannot be asked, the resource manager lists the
    subscriptions, and management groups are a gap.
    """
    reader = Reader(api, tenant, meter, settings)
    found, listings = _listed(reader, settings)
    named = settings.named_subscriptions
    subscriptions = found.subscriptions if named is None else dict.fromkeys(named)
    named_groups = settings.named_management_groups
    groups = found.groups if named_groups is None else dict.fromkeys(named_groups)
    yield from listings
    for name, title in sorted(groups.items()):
        held = tuple(sorted(found.held.get(name.lower(), ())))
        yield _unit(tenant, f"managementGroups/{name}", "management_group", title, subscriptions=held)
    for name, title in sorted(subscriptions.items()):
        if name not in settings.skipped_subscriptions:
            yield _unit(tenant, name, "subscription", title, groups=tuple(sorted(groups)))


def _unit(tenant: Scope, scope_id: str, kind: str, title: str | None, **places: tuple[str, ...]) -> Scope:
    unit = Unit(kind=kind, tenant=tenant.context.tenant, name=title, **places)
    return structs.replace(tenant, id=scope_id, context=unit)


def _listed(reader: Reader, settings: AzureSettings) -> tuple[Units, list[Coverage]]:
    """What can be seen, and the coverage of each list that is wanted; the one call counts for the first of them."""
    wanted = [
        name
        for name, named in (
            (s.SUBSCRIPTIONS, settings.named_subscriptions),
            (s.MANAGEMENT_GROUPS, settings.named_management_groups),
        )
        if named is None
    ]
    if not wanted:
        return Units(), []
    found = Units()
    refusal: SourceError | None = None
    with reader.section(wanted[0]) as section:
        try:
            found = _containers(reader, section, reader.api.resource_graph(_EVERYTHING))
        except SourceError as error:
            if s.SUBSCRIPTIONS not in wanted:
                raise
            refusal = error
            found = _subscriptions(reader, section)
        section.found(len(found.subscriptions if s.SUBSCRIPTIONS in wanted else found.groups))
        if s.SUBSCRIPTIONS in wanted and not found.subscriptions:
            raise Denied(_NOTHING_SEEN, permission="Reader", hint=_HINT)
    listings = [reader.done(section)]
    if len(wanted) > 1:
        listings.append(_groups(reader, found, refusal))
    return found, [_of_everything(listing) for listing in listings]


def _of_everything(coverage: Coverage) -> Coverage:
    """Where the list itself is a gap, every place may be missing."""
    return structs.replace(coverage, scope="*") if coverage.is_gap else coverage


def _groups(reader: Reader, found: Units, refusal: SourceError | None) -> Coverage:
    with reader.section(s.MANAGEMENT_GROUPS) as section:
        if refusal is not None:
            raise refusal
        if not found.groups:
            section.note("no management group can be seen: there is none, or the right to read them is missing")
        section.found(len(found.groups))
    return reader.done(section)


def _containers(reader: Reader, section: SectionReading, rows: Iterable[Raw]) -> Units:
    subscriptions: dict[str, str | None] = {}
    groups: dict[str, str | None] = {}
    held: defaultdict[str, list[str]] = defaultdict(list)
    for one in reader.rows(section, [list(rows)], Container):
        if one.type.lower() == _GROUP:
            groups[one.name] = one.told("displayName")
        elif one.type.lower() == _SUBSCRIPTION and one.subscription_id and _is_alive(one.told("state")):
            subscriptions[one.subscription_id.lower()] = one.name
            for group in one.groups:
                held[group].append(one.subscription_id.lower())
    return Units(subscriptions=subscriptions, groups=groups, held=held)


def _is_alive(state: str | None) -> bool:
    return (state or "enabled").lower() in _ALIVE


def _subscriptions(reader: Reader, section: SectionReading) -> Units:
    pages = reader.api.arm_pages("/subscriptions", api_version=SUBSCRIPTIONS_VERSION)
    rows = reader.rows(section, pages, Subscription)
    alive = {one.subscription_id.lower(): one.name for one in rows if _is_alive(one.state)}
    return Units(subscriptions=alive)
