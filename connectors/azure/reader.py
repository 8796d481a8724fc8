"""The context of all readings: one Coverage each, and rows decoded separately."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from connectors.azure.client.api import AzureApi
from connectors.azure.client.errors import NotTaken
from connectors.azure.settings import AzureSettings
from connectors.core.contract import Gone, Malformed, Meter, NotAsked, Scope, SectionReading
from connectors.core.reading import GIVE_UP_AFTER, SectionReader, read_each
from scanner.errors import SourceError
from scanner.model import Coverage

T = TypeVar("T")
R = TypeVar("R")

PAGE = 999
"""The maximum page size of Graph for most lists."""
Query = Mapping[str, str | int]
_NAMED = 10
"""Maximum number of unreadable items that a section names; it counts all."""


class AzureUnit(Struct, frozen=True, kw_only=True):
    """The unit of a scope. ``kind``: tenant, management_group or subscription.

    ``ancestors``: names of the management groups above it, the nearest first, as far as they are known.
    ``subscriptions``: of a management group, its known subscriptions; of the tenant, those that are units of the same
    scan. ``groups``: the management groups that are units; they report what a subscription inherits.
    """

    kind: str
    tenant: str
    name: str | None = None
    ancestors: tuple[str, ...] = ()
    subscriptions: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class AzureReader(SectionReader):
    """Reads sections of one unit."""

    def __init__(self, api: AzureApi, scope: Scope, meter: Meter, settings: AzureSettings) -> None:
        super().__init__(scope, meter)
        self.api = api
        self.settings = settings

    @property
    def unit(self) -> AzureUnit:
        """The unit that is read."""
        unit: AzureUnit = self.scope.context
        return unit

    def off(self, name: str) -> Coverage:
        """A section that the settings leave out."""
        return self.scope.coverage(name, "off")

    def rows(self, section: SectionReading, pages: Iterable[list[Raw]], row: type[T]) -> Iterator[T]:
        """Each row of each page, decoded separately, so that a malformed row affects no other."""
        for page in pages:
            for raw in page:
                decoded = self.row(section, raw, row)
                if decoded is not None:
                    yield decoded

    def row(self, section: SectionReading, raw: Raw, row: type[T]) -> T | None:
        """One row; None, and a gap of that row, if it is malformed.

        A null list counts as empty; "true" and "12" are converted.
        """
        try:
            return msgspec.json.decode(raw, type=row)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            try:
                cleaned = msgspec.json.encode(_without_nulls(msgspec.json.decode(raw)))
                return msgspec.json.decode(cleaned, type=row, strict=False)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                section.malformed(_named(raw), str(error))
                return None

    def each(
        self,
        section: SectionReading,
        what: str,
        read: Callable[[T], R],
        items: Sequence[T],
        *,
        named: Callable[[T], str],
        alone: tuple[type[SourceError], ...] = (),
    ) -> Iterator[tuple[T, R]]:
        """Call ``read`` for every item, ``workers`` at a time and in order; items that no longer exist are skipped.

        Failures of a type are reported once, with the number of ``what`` affected. ``named``: describes an item.
        ``alone``: failures that concern single items only, so that reading continues regardless of their number.
        """
        failures: dict[type[SourceError], list[tuple[T, SourceError]]] = {}
        some = False
        for item, result in read_each(read, items, self.settings.workers, alone=alone):
            if isinstance(result, Malformed):
                section.malformed(named(item), str(result))
            elif isinstance(result, SourceError):
                if not isinstance(result, Gone):
                    failures.setdefault(type(result), []).append((item, result))
            else:
                some = True
                yield item, result
        for kind, lost in failures.items():
            if kind is NotAsked:
                section.note(f"{len(lost)} {what} were skipped after {GIVE_UP_AFTER} failures in a row")
                continue
            section.lost(lost[0][1], partial=some)
            names = ", ".join(named(item) for item, _ in lost[:_NAMED])
            section.note(f"{len(lost)} of {len(items)} {what} not read: {names}{', …' if len(lost) > _NAMED else ''}")

    def listed(
        self, section: SectionReading, path: str, row: type[T], *queries: Query, beta: bool = False
    ) -> Iterator[T]:
        """The rows of the first query that Graph accepts; later queries select less."""
        for number, query in enumerate(queries, start=1):
            begun = False
            try:
                for page in self.api.graph_pages(path, params=query, beta=beta):
                    begun = True
                    yield from self.rows(section, [page], row)
            except NotTaken:
                if begun or number == len(queries):
                    raise
            else:
                return

    def converted(self, section: SectionReading, models: Iterable[object], row: type[T]) -> Iterator[T]:
        """The models of an SDK as rows, by their attributes; a malformed one affects no other."""
        for model in models:
            try:
                yield msgspec.convert(model, row, from_attributes=True)
            except msgspec.ValidationError as error:
                section.malformed(str(getattr(model, "id", None) or "without a name"), str(error))


def gathered(pages: Iterable[list[Raw]]) -> tuple[list[Raw], SourceError | None]:
    """The rows of a list, and the error that ended it early. Raises SourceError if there was no row."""
    rows: list[Raw] = []
    try:
        for page in pages:
            rows += page
    except SourceError as error:
        if not rows:
            raise
        return rows, error
    return rows, None


def _without_nulls(cleaned: Any) -> Any:
    if isinstance(cleaned, dict):
        return {name: _without_nulls(value) for name, value in cleaned.items() if value is not None}
    return [_without_nulls(one) for one in cleaned if one is not None] if isinstance(cleaned, list) else cleaned


def _named(raw: Raw) -> str:
    """The name of a row that could not be read."""
    try:
        cleaned = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "without a name"
    names = (cleaned.get(name) for name in ("id", "appId", "name")) if isinstance(cleaned, dict) else ()
    return next((str(name) for name in names if name), "without a name")
