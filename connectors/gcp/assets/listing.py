"""Assets of some types below a unit, each with the project that it is in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from connectors.base import SectionReading
from connectors.gcp import requests as r
from connectors.gcp.payloads import Asset
from connectors.gcp.places import ProjectRef
from connectors.gcp.reader import Reader

T = TypeVar("T")


def list_assets(
    reader: Reader, section: SectionReading, types: tuple[str, ...], row: type[T]
) -> Iterator[tuple[ProjectRef, Asset, T]]:
    """Project, asset and its resource as ``row``. Assets of projects that the unit does not read are passed over."""
    for asset in reader.rows(section, r.ASSETS, Asset, {"assetTypes": types}, parent=reader.place.name):
        project = next(filter(None, map(reader.project, asset.ancestors)), None)
        data = None if project is None else reader.row(section, asset.resource.data, row, asset.name)
        if project is not None and data is not None:
            yield project, asset, data
