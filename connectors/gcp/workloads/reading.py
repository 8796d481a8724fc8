"""Reads workloads that run as a service account: in bulk from Cloud Asset, or by the APIs of one project."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from msgspec import Raw, Struct

from connectors.core.contract import DiscoveredRecord, SectionReading
from connectors.gcp.client import requests as r
from connectors.gcp.client.payloads import Asset
from connectors.gcp.client.requests import Request
from connectors.gcp.each import at_each_location
from connectors.gcp.reader import GcpReader
from connectors.gcp.workloads.catalog import COMPUTE, FUNCTIONS, KUBERNETES, OTHERS, RUN, SECTIONS, SORTS, asked_types
from connectors.gcp.workloads.compute import Instance, Zone
from connectors.gcp.workloads.functions import Function
from connectors.gcp.workloads.kubernetes import Cluster, NodePool
from connectors.gcp.workloads.records import Consumer, path_in, record_of
from connectors.gcp.workloads.run import RunJob, RunService
from scanner.errors import SourceError
from scanner.model import Identity, Workload


def read_consumers(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """The workloads of all projects, in one listing; its requests are counted for Compute Engine's section.

    Agents among them are reported later, with the other agents.
    """
    sections = {name: reader.scope.section(name) for name in SECTIONS}
    sections[COMPUTE] = reader.section(COMPUTE)
    agents: defaultdict[str, Counter[str]] = defaultdict(Counter)
    begun: set[str] = set()
    try:
        for asset in reader.rows(
            sections[COMPUTE], r.ASSETS, Asset, {"assetTypes": asked_types()}, parent=reader.place.name
        ):
            record = _record(reader, sections, asset)
            if record is not None:
                begun.add(SORTS[asset.asset_type].section)
            if isinstance(record, Identity):
                name = SORTS[asset.asset_type].section
                sections[name].found()
                agents[name][record.scope] += 1
                reader.found.engines[record.key] = record
            elif record is not None:
                yield record
    except SourceError as error:
        for name, section in sections.items():
            section.lost(error, partial=name in begun)
    for name, section in sections.items():
        yield from reader.done(section, agents[name])


def _record(reader: GcpReader, sections: Mapping[str, SectionReading], asset: Asset) -> Workload | Identity | None:
    """The record of an asset; None for projects that the unit does not read, and for what has ended."""
    project = next(filter(None, map(reader.project, asset.ancestors)), None)
    sort = SORTS.get(asset.asset_type)
    if project is None or sort is None:
        return None
    row = reader.row(sections[sort.section], asset.resource.data, sort.payload_of(asset), asset.name)
    details = row.details(project) if row is not None else None
    return None if details is None else record_of(reader, project, asset.name, sort.kind, details)


# --- Workloads of one project, by the APIs of their services ---

_BY_ASSETS = "read from Cloud Asset Inventory only"


class _WorkloadListing(Struct, frozen=True):
    request: Request
    row: type[RunService | RunJob]
    kind: str


_RUN = (_WorkloadListing(r.RUN_SERVICES, RunService, "run_service"), _WorkloadListing(r.RUN_JOBS, RunJob, "run_job"))


def read_machines(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """The instances of all zones; only Cloud Asset lists templates."""
    project = reader.place.project
    with reader.section(COMPUTE) as section:
        for zone in reader.rows(section, r.INSTANCES, Zone, project=project.id):
            for raw in zone.instances:
                row = reader.row(section, raw, Instance)
                if row is not None:
                    name = path_in(row.self_link) or f"{path_in(row.zone)}/instances/{row.name}"
                    yield from _records(reader, f"//compute.googleapis.com/{name}", "compute_instance", row)
    yield from reader.done(section)


def read_run(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """Services and jobs at each location; agents among them are reported later, with the other agents."""
    project = reader.place.project

    def at(location: str) -> Iterator[tuple[str, RunService | RunJob]]:
        for listing in _RUN:
            for row in reader.rows(section, listing.request, listing.row, project=project.id, location=location):
                yield listing.kind, row

    with reader.section(RUN) as section:
        for kind, row in at_each_location(reader, section, at):
            for record in _records(reader, f"//run.googleapis.com/{row.name}", kind, row):
                if isinstance(record, Identity):
                    section.found()
                    reader.found.engines[record.key] = record
                else:
                    yield record
    yield from reader.done(section)


def read_functions(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """Functions of both generations."""
    with reader.section(FUNCTIONS) as section:
        for row in reader.rows(section, r.FUNCTIONS, Function, project=reader.place.project.id):
            yield from _records(reader, f"//cloudfunctions.googleapis.com/{row.name}", "function", row)
    yield from reader.done(section)


def read_clusters(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """Clusters and their node pools."""
    with reader.section(KUBERNETES) as section:
        for cluster in reader.rows(section, r.CLUSTERS, Cluster, project=reader.place.project.id):
            name = path_in(cluster.self_link)
            yield from _records(reader, f"//container.googleapis.com/{name}", "gke_cluster", cluster)
            yield from _pools(reader, section, name, cluster.node_pools)
    yield from reader.done(section)


def _pools(reader: GcpReader, section: SectionReading, cluster: str, pools: list[Raw]) -> Iterator[DiscoveredRecord]:
    for raw in pools:
        pool = reader.row(section, raw, NodePool, cluster)
        if pool is not None:
            name = f"//container.googleapis.com/{cluster}/nodePools/{pool.name}"
            yield from _records(reader, name, "gke_node_pool", pool)


def read_others(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """The coverage of other workloads, which are not read: each type would need calls to an API of its own."""
    if reader.place.bulk_failed:
        yield reader.scope.coverage(OTHERS, "failed", detail=f"{_BY_ASSETS}, which did not respond")
    else:
        yield reader.scope.coverage(OTHERS, "not_offered", detail=f"{_BY_ASSETS}, which may not be used here")


def _records(reader: GcpReader, name: str, kind: str, row: Consumer) -> Iterator[Workload | Identity]:
    details = row.details(reader.place.project)
    if details is not None:
        yield record_of(reader, reader.place.project, name, kind, details)
