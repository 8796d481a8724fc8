"""Reads one region: its services side by side, the sections of a service one after the other."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from connectors.aws.identities import Place
from connectors.aws.regional.catalog import BY_SECTION, TAGS, TYPES, wanted
from connectors.aws.regional.declarations import ResourceType, Where
from connectors.aws.regional.region import Region
from connectors.aws.regional.service import ServiceReading
from connectors.aws.session import AwsSession
from connectors.base import DiscoveredRecord, Scope
from connectors.budget import Pool

SERVICES_AT_ONCE = 8
"""Services of one region that are read side by side."""


def read_region(
    scope: Scope, session: AwsSession, place: Place, resources: Collection[str]
) -> Iterator[DiscoveredRecord]:
    """Stored secrets, workloads and AI agents of the region ``scope.part``, and a coverage record for each section.

    ``resources`` as the settings have it, see :func:`connectors.aws.regional.catalog.wanted`.
    """
    chosen = wanted(resources)
    for section in BY_SECTION:
        if section not in chosen:
            yield scope.coverage(section, "off")
    where = Where(source=place.source, account=place.account, partition=place.partition, region=scope.part or "")
    region = Region(scope, session, where)
    types = [one for one in TYPES if one.section in chosen]
    tagged = [one.tagged_as for one in types if one.tagged_as]
    yield region.read_tags(tagged) if tagged else scope.coverage(TAGS, "off")
    services: dict[str, list[ResourceType]] = {}
    for one in types:
        services.setdefault(one.service, []).append(one)

    def read(kinds: list[ResourceType]) -> list[DiscoveredRecord]:
        return list(ServiceReading(region, kinds).read())

    pool = Pool(SERVICES_AT_ONCE, thread_name_prefix="muster-services")
    try:
        for records in pool.map(read, services.values()):
            yield from records
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    if region.profiles_coverage is not None:
        yield region.profiles_coverage
