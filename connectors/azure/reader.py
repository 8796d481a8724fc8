"""What the readings of all sections share: one Coverage each, rows decoded one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from connectors.azure.api import AzureApi
from connectors.azure.settings import AzureSettings
from connectors.base import Meter, Scope, SectionReading
from scanner.model import Coverage

T = TypeVar("T")


class Unit(Struct, frozen=True, kw_only=True):
    """What a scope is a unit of. ``kind``: tenant, management_group or subscription.

    ``subscriptions``: what a management group holds, as far as it is known. ``groups``: the management groups that are
    units of the same scan, so that a subscription leaves to them what it inherits.
    """

    kind: str
    tenant: str
    name: str | None = None
    subscriptions: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class Reader:
    """Reads sections of one scope. ``gaps``: the names of those that ended as one."""

    def __init__(self, api: AzureApi, scope: Scope, meter: Meter, settings: AzureSettings) -> None:
        self.api = api
        self.scope = scope
        self.settings = settings
        self.gaps: set[str] = set()
        self._meter = meter

    @property
    def unit(self) -> Unit:
        """What is read."""
        unit: Unit = self.scope.context
        return unit

    def section(self, name: str) -> SectionReading:
        """Begin a section; a qualifier may follow its name after a colon."""
        return self.scope.section(name, meter=self._meter)

    def done(self, section: SectionReading) -> Coverage:
        """The section's coverage; to be yielded."""
        coverage = section.coverage
        if coverage.is_gap:
            self.gaps.add(coverage.section.partition(":")[0])
        return coverage

    def off(self, name: str) -> Coverage:
        """A section that the settings leave out."""
        return self.scope.coverage(name, "off")

    def skipped(self, name: str, why: str) -> Coverage:
        """A section that cannot even be tried."""
        self.gaps.add(name)
        return self.scope.coverage(name, "skipped", detail=why)

    def rows(self, section: SectionReading, pages: Iterable[list[Raw]], row: type[T]) -> Iterator[T]:
        """Each row of each page, decoded on its own, so that a bad one costs only itself."""
        for page in pages:
            for raw in page:
                decoded = self.row(section, raw, row)
                if decoded is not None:
                    yield decoded

    def row(self, section: SectionReading, raw: Raw, row: type[T]) -> T | None:
        """One row; None, and a gap of its size, where it cannot be understood."""
        try:
            return msgspec.json.decode(raw, type=row)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            section.malformed(_named(raw), str(error))
            return None

    def converted(self, section: SectionReading, models: Iterable[object], row: type[T]) -> Iterator[T]:
        """Each of an SDK's models as one of our rows, by its attributes; a bad one costs only itself."""
        for model in models:
            try:
                yield msgspec.convert(model, row, from_attributes=True)
            except msgspec.ValidationError as error:
                section.malformed(str(getattr(model, "id", None) or "without a name"), str(error))


def _named(raw: Raw) -> str:
    """What a row that could not be read says of itself."""
    try:
        told = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "without a name"
    names = (told.get(name) for name in ("id", "appId", "name")) if isinstance(told, dict) else ()
    return next((str(name) for name in names if name), "without a name")
