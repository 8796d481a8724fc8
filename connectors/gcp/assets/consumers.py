"""What runs as a service account in all projects below, in one listing of all types."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from connectors.base import DiscoveredRecord, SectionReading
from connectors.gcp import requests as r
from connectors.gcp.consumers.catalog import COMPUTE, SECTIONS, SORTS, asked_types
from connectors.gcp.consumers.records import record_of
from connectors.gcp.payloads import Asset
from connectors.gcp.reader import Reader
from scanner.errors import SourceError
from scanner.model import Identity, Workload


def read_consumers(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Workloads; agents are noted, to be told with the others. What was asked counts for the machines."""
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


def _record(reader: Reader, sections: Mapping[str, SectionReading], asset: Asset) -> Workload | Identity | None:
    """None for projects that the unit does not read, and for what has ended."""
    project = next(filter(None, map(reader.project, asset.ancestors)), None)
    sort = SORTS.get(asset.asset_type)
    if project is None or sort is None:
        return None
    row = reader.row(sections[sort.section], asset.resource.data, sort.payload_of(asset), asset.name)
    told = row.told(project) if row is not None else None
    return None if told is None else record_of(reader, project, asset.name, sort.kind, told)
