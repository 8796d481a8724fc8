"""What runs as a service account in one project, by the APIs that list it without much asking."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Raw, Struct

from connectors.base import DiscoveredRecord, SectionReading
from connectors.gcp import requests as r
from connectors.gcp.consumers.catalog import COMPUTE, FUNCTIONS, KUBERNETES, OTHERS, RUN
from connectors.gcp.consumers.compute import Instance, Zone
from connectors.gcp.consumers.functions import Function
from connectors.gcp.consumers.kubernetes import Cluster, NodePool
from connectors.gcp.consumers.records import path_in, record_of
from connectors.gcp.consumers.run import RunJob, RunService
from connectors.gcp.consumers.told import Consumer
from connectors.gcp.projects.locations import at_each_location
from connectors.gcp.reader import Reader
from connectors.gcp.request import Request
from scanner.model import Identity, Workload

_BY_ASSETS = "told by Cloud Asset Inventory alone"


class _Listing(Struct, frozen=True):
    request: Request
    row: type[RunService | RunJob]
    kind: str


_RUN = (_Listing(r.RUN_SERVICES, RunService, "run_service"), _Listing(r.RUN_JOBS, RunJob, "run_job"))


def read_machines(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Machines of all zones; templates are told by Cloud Asset alone."""
    project = reader.place.project
    with reader.section(COMPUTE) as section:
        for zone in reader.rows(section, r.INSTANCES, Zone, project=project.id):
            for raw in zone.instances:
                row = reader.row(section, raw, Instance)
                if row is not None:
                    name = path_in(row.self_link) or f"{path_in(row.zone)}/instances/{row.name}"
                    yield from _told(reader, f"//compute.googleapis.com/{name}", "compute_instance", row)
    yield from reader.done(section)


def read_run(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Services and jobs at each location; agents among them are noted, to be told with the others."""
    project = reader.place.project

    def at(location: str) -> Iterator[tuple[str, RunService | RunJob]]:
        for listing in _RUN:
            for row in reader.rows(section, listing.request, listing.row, project=project.id, location=location):
                yield listing.kind, row

    with reader.section(RUN) as section:
        for kind, row in at_each_location(reader, section, at):
            for record in _told(reader, f"//run.googleapis.com/{row.name}", kind, row):
                if isinstance(record, Identity):
                    section.found()
                    reader.found.engines[record.key] = record
                else:
                    yield record
    yield from reader.done(section)


def read_functions(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Functions of both generations."""
    with reader.section(FUNCTIONS) as section:
        for row in reader.rows(section, r.FUNCTIONS, Function, project=reader.place.project.id):
            yield from _told(reader, f"//cloudfunctions.googleapis.com/{row.name}", "function", row)
    yield from reader.done(section)


def read_clusters(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Clusters with their node pools."""
    with reader.section(KUBERNETES) as section:
        for cluster in reader.rows(section, r.CLUSTERS, Cluster, project=reader.place.project.id):
            name = path_in(cluster.self_link)
            yield from _told(reader, f"//container.googleapis.com/{name}", "gke_cluster", cluster)
            yield from _pools(reader, section, name, cluster.node_pools)
    yield from reader.done(section)


def _pools(reader: Reader, section: SectionReading, cluster: str, pools: list[Raw]) -> Iterator[DiscoveredRecord]:
    for raw in pools:
        pool = reader.row(section, raw, NodePool, cluster)
        if pool is not None:
            name = f"//container.googleapis.com/{cluster}/nodePools/{pool.name}"
            yield from _told(reader, name, "gke_node_pool", pool)


def read_others(reader: Reader) -> Iterator[DiscoveredRecord]:
    """What takes a call to each of many APIs is not asked for."""
    if reader.place.bulk_failed:
        yield reader.scope.coverage(OTHERS, "failed", detail=f"{_BY_ASSETS}, which did not answer")
    else:
        yield reader.scope.coverage(OTHERS, "not_offered", detail=f"{_BY_ASSETS}, which may not be used here")


def _told(reader: Reader, name: str, kind: str, row: Consumer) -> Iterator[Workload | Identity]:
    told = row.told(reader.place.project)
    if told is not None:
        yield record_of(reader, reader.place.project, name, kind, told)
