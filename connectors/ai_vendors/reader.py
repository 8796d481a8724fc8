"""The sections of a vendor's organization: listings by the names of the vendor's table, and requests in parallel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from connectors.ai_vendors.api import Api
from connectors.ai_vendors.records import VendorOrganization
from connectors.ai_vendors.sections import VendorTable
from connectors.core.contract import Meter, SectionReading
from connectors.core.reading import ListingReader
from scanner.model import Coverage

T = TypeVar("T")


class VendorReader(ListingReader[str]):
    """Reads sections of one organization. ``gaps`` includes sections that are off.

    ``apis``: by setting, the APIs for its keys: one for each part of the organization, by its id.
    """

    def __init__(
        self, place: VendorOrganization, table: VendorTable, apis: Mapping[str, Mapping[str, Api]], meter: Meter,
        workers: int,
    ) -> None:  # fmt: skip
        super().__init__(place.scope, meter, workers)
        self.place = place
        self.table = table
        self.apis = apis

    def off(self, name: str) -> Coverage:
        """The coverage of a section without a key in the source."""
        self.gaps.add(name)
        return self.scope.coverage(name, "off")

    def rows(self, section: SectionReading, request: str, row: type[T], **places: Any) -> Iterator[T]:
        """The rows of a listing. ``api``: among its places, the API; by default that of the admin key."""
        api: Api = places.pop("api", None) or self.apis["token"][""]
        return api.rows(self.table.request[request], row, section, **places)
