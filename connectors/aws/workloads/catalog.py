"""All resource types, in the order in which they are read and reported."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from connectors.aws.workloads.declarations import Fields, ResourceType, heads, permission
from connectors.aws.workloads.types import (
    agentcore,
    agents,
    assistants,
    bedrock,
    compute,
    containers,
    credentials,
    data,
    delivery,
    kubernetes,
    operations,
    secrets,
    single_sign_on,
)
from connectors.core.contract import Section

USUAL, ALL = "usual", "all"
TAGS = "tag.resources"
TAGS_SERVICE, TAGS_OPERATION = "resourcegroupstaggingapi", "GetResources"

TYPES: tuple[ResourceType, ...] = (
    *secrets.TYPES,
    *credentials.TYPES,
    *compute.TYPES,
    *containers.TYPES,
    *kubernetes.TYPES,
    *data.TYPES,
    *delivery.TYPES,
    *bedrock.TYPES,
    *agents.TYPES,
    *agentcore.TYPES,
    *operations.TYPES,
    *assistants.TYPES,
    *single_sign_on.TYPES,
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
    if callable(one.record):
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
    inherited = one.record.inherits if isinstance(one.record, Fields) else None
    lead_here = {*filter(None, (one.listing.under,)), *(section for section, _ in one.listing.also)}
    return {*lead_here, inherited[0]} if inherited else lead_here


DEPENDS_ON: Mapping[str, tuple[str, ...]] = {
    section: tuple(sorted(needs)) for section, one in BY_SECTION.items() if (needs := _needs(one))
}
"""By section, the sections whose rows it takes as parameters. They may have no rows."""
