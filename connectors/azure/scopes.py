"""The units of work: the tenant, its management groups and its subscriptions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import structs

from connectors.azure import sections as s
from connectors.azure.api import AzureApi
from connectors.azure.containers import (
    QUERY,
    Container,
    of_entities,
    of_groups,
    of_resource_graph,
    of_subscriptions,
)
from connectors.azure.errors import NotTaken
from connectors.azure.reader import Reader, Unit
from connectors.azure.settings import AzureSettings
from connectors.base import Gone, Meter, Scope, SectionReading
from scanner.errors import Denied, SourceError
from scanner.model import EVERY_SCOPE, Coverage

_NAMED = 10
_NOTHING_SEEN = "no subscription can be seen"
_HINT = "give it Reader on some, or on the root management group; set subscriptions = [] where there are none"
_NO_GROUP = "no management group can be seen: there is none, or the right to read them is missing"
Listing = Callable[[Reader, SectionReading], Iterator[Container]]
_LISTS: Mapping[str, Sequence[Listing]] = {
    s.SUBSCRIPTIONS: (of_subscriptions,),
    s.MANAGEMENT_GROUPS: (of_entities, of_groups),
}
"""What is asked for a section where Resource Graph fails; a second list, where the first is not known."""
Containers = Mapping[str, Container]


class Found:
    """What was seen so far, by the section that it is of, and by id."""

    def __init__(self) -> None:
        self.of: dict[str, dict[str, Container]] = {s.SUBSCRIPTIONS: {}, s.MANAGEMENT_GROUPS: {}}

    def add(self, one: Container, *, only: str | None = None) -> None:
        """Keep it, or what it adds to one that is known. ``only``: of other sections nothing is added."""
        section = s.MANAGEMENT_GROUPS if one.is_group else s.SUBSCRIPTIONS
        known = self.of[section].get(one.id)
        if known is not None and not known.ancestors:
            self.of[section][one.id] = structs.replace(known, ancestors=one.ancestors)
        elif known is None and only in (None, section):
            self.of[section][one.id] = one

    def chosen(self, section: str, named: Sequence[str] | None) -> Containers:
        """Those that are named, else all, sorted. One that is named need not have been seen."""
        seen = self.of[section]
        if named is None:
            return {key: seen[key] for key in sorted(seen) if seen[key].is_alive}
        is_group = section == s.MANAGEMENT_GROUPS
        by_name = {key.lower(): one for key, one in seen.items()}
        chosen = (by_name.get(key.lower(), Container(id=key, is_group=is_group)) for key in sorted(named))
        return {one.id: one for one in chosen}


def find_units(api: AzureApi, settings: AzureSettings, tenant: Scope, meter: Meter) -> Iterator[Scope | Coverage]:
    """The subscriptions and management groups to read, and how listing them went. ``tenant``: its scope.

    Where all are named, nothing is looked for. Resource Graph gives both in one query; where it fails, the resource
    manager lists each.
    """
    named = {s.SUBSCRIPTIONS: settings.named_subscriptions, s.MANAGEMENT_GROUPS: settings.named_management_groups}
    found = Found()
    wanted = [section for section, names in named.items() if names is None]
    yield from _read(Reader(api, tenant, meter, settings), wanted, found)
    groups = found.chosen(s.MANAGEMENT_GROUPS, named[s.MANAGEMENT_GROUPS])
    every = found.chosen(s.SUBSCRIPTIONS, named[s.SUBSCRIPTIONS])
    subscriptions = {key: one for key, one in every.items() if key not in settings.skipped_subscriptions}
    for one in groups.values():
        yield _group(tenant, one, subscriptions)
    for one in subscriptions.values():
        yield _subscription(tenant, one, groups)


def _group(tenant: Scope, group: Container, subscriptions: Containers) -> Scope:
    inside = tuple(key for key, one in subscriptions.items() if one.lies_in(group.id))
    unit = Unit(
        kind="management_group",
        tenant=tenant.context.tenant,
        name=group.title,
        ancestors=group.ancestors,
        subscriptions=inside,
    )
    return structs.replace(tenant, id=f"managementGroups/{group.id}", context=unit)


def _subscription(tenant: Scope, one: Container, groups: Containers) -> Scope:
    unit = Unit(
        kind="subscription",
        tenant=tenant.context.tenant,
        name=one.title,
        ancestors=one.ancestors,
        groups=tuple(name for name in groups if one.lies_in(name) or not one.ancestors),
    )
    return structs.replace(tenant, id=one.id, context=unit)


def _read(reader: Reader, wanted: Sequence[str], found: Found) -> Iterator[Coverage]:
    """Add what can be seen to ``found``; the coverage of each list. The one query counts for the first of them."""
    refusal: SourceError | None = None
    for name in wanted:
        with reader.section(name) as section:
            if name == wanted[0]:
                refusal = _ask_resource_graph(reader, section, found)
            if refusal is not None:
                _ask_resource_manager(reader, section, name, found)
                section.note(f"{refusal}: the resource manager was asked instead")
            _tell(section, name, found.of[name])
        coverage = reader.done(section)
        yield structs.replace(coverage, scope=EVERY_SCOPE) if coverage.is_gap else coverage


def _ask_resource_graph(reader: Reader, section: SectionReading, found: Found) -> SourceError | None:
    """What went wrong; rows before that are kept. It lags behind, so that no subscription at all proves nothing."""
    try:
        for one in of_resource_graph(reader, section, reader.api.resource_graph(QUERY)):
            found.add(one)
    except SourceError as error:
        return error
    return None if any(found.of.values()) else SourceError("Resource Graph tells of no subscription")


def _ask_resource_manager(reader: Reader, section: SectionReading, name: str, found: Found) -> None:
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


def _add_listed(reader: Reader, section: SectionReading, name: str, found: Found, lists: Listing) -> None:
    for one in lists(reader, section):
        found.add(one, only=name)


def _tell(section: SectionReading, name: str, seen: Containers) -> None:
    """Count them, and say what is left out. Raises Denied where no subscription is seen: an empty list may be that."""
    closed = [one.title or one.id for one in seen.values() if not one.is_alive]
    section.found(len(seen) - len(closed))
    if closed:
        names = ", ".join(sorted(closed)[:_NAMED]) + (", …" if len(closed) > _NAMED else "")
        section.note(f"{len(closed)} that are closed or being closed are left out: {names}")
    if name == s.SUBSCRIPTIONS and not seen:
        raise Denied(_NOTHING_SEEN, permission="Reader", hint=_HINT)
    if name == s.MANAGEMENT_GROUPS and not seen:
        section.note(_NO_GROUP)
