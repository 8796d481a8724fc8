"""All resource types, in the order in which they are read and reported, from the files beside this one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from connectors.aws.workloads.declarations import ResourceType, heads, permission
from connectors.core.contract import Section
from scanner.catalog import read_table

USUAL, ALL = "usual", "all"
TAGS = "tag.resources"
TAGS_SERVICE, TAGS_OPERATION = "resourcegroupstaggingapi", "GetResources"

_PACKAGE = "connectors.aws.workloads"
_FILES = ("credentials", "compute", "kubernetes", "data", "delivery", "agents", "assistants", "single_sign_on")


def declared_in(file: str, services: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[ResourceType]:
    """The resource types of a file's tables. Raises ValueError with the file, the section and the key that is wrong.

    The service is the first part of the section, unless the table names another.
    """
    for service, tables in services.items():
        for name, table in tables.items():
            section = f"{service}.{name}"
            try:
                yield msgspec.convert({"section": section, "service": service, **table}, ResourceType)
            except msgspec.ValidationError as error:
                raise ValueError(f"{file} of {_PACKAGE}: [{section}]: {error}") from error


TYPES: tuple[ResourceType, ...] = tuple(
    one
    for file in (f"{name}.toml" for name in _FILES)
    for one in declared_in(file, read_table(_PACKAGE, file, dict[str, dict[str, dict[str, Any]]]))
)
BY_SECTION: Mapping[str, ResourceType] = {one.section: one for one in TYPES}

SECTIONS: tuple[Section, ...] = (
    Section(
        name=TAGS,
        title="Tags of resources",
        permissions=(permission(TAGS_SERVICE, TAGS_OPERATION),),
        without="tags are unknown where the service's own API does not return them",
    ),
    *(one.declared() for one in TYPES),
)
"""The sections of the resource types, for the connector's spec."""
IDENTITY_KINDS: tuple[str, ...] = tuple(one.identity_kind for one in TYPES if one.identity_kind)


def children(section: str) -> tuple[ResourceType, ...]:
    """The resource types that are listed for each row of a section."""
    return tuple(one for one in TYPES if one.listing.under == section)


def mentions(section: str) -> tuple[tuple[str, str | None], ...]:
    """Paths in a section's rows that name rows of another section, each with the path to their place, if kept."""
    return tuple(
        (path, one.listing.met_in[1] if one.listing.met_in else None)
        for one in TYPES
        for source, path in one.listing.also
        if source == section
    )


def kept(one: ResourceType) -> frozenset[str] | None:
    """The members of its rows that are used; None: its record takes whole rows."""
    if one.stored is not None:
        return None
    named = (path for pair in mentions(one.section) for path in pair if path)
    under = [child.listing for child in children(one.section)]
    left_out = (listing.unless[0] for listing in under if listing.unless)
    others = (*(text for listing in under for text in listing.by.values()), *left_out, *named)
    return one.members.union(*map(heads, others))


def wanted(names: Collection[str]) -> frozenset[str]:
    """The sections that these names select. Raises ValueError naming one that is unknown.

    A name is ``usual`` (all that are not optional), ``all``, a section (``lambda.functions``), or the first part of
    some (``lambda``). A section includes those that lead to it.
    """
    chosen: set[str] = set()
    for name in names:
        hits = _named(name)
        if not hits:
            raise ValueError(f"{name!r} is not a section: give sections such as lambda.functions, or their prefix")
        chosen |= hits
    while needed := {need for section in chosen for need in _needs(BY_SECTION[section])} - chosen:
        chosen |= needed
    return frozenset(chosen)


def _named(name: str) -> set[str]:
    if name == USUAL:
        return {one.section for one in TYPES if not one.optional}
    return {section for section in BY_SECTION if name in (ALL, section, section.partition(".")[0])}


def _needs(one: ResourceType) -> set[str]:
    inherited = one.record.inherits if one.record else None
    lead_here = {*filter(None, (one.listing.under,)), *(section for section, _ in one.listing.also)}
    return {*lead_here, inherited[0]} if inherited else lead_here


DEPENDS_ON: Mapping[str, tuple[str, ...]] = {
    section: tuple(sorted(needs)) for section, one in BY_SECTION.items() if (needs := _needs(one))
}
"""By section, the sections whose rows it takes as parameters. They may have no rows."""
