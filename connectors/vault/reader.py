"""Reads the sections of one namespace: a Coverage for each, and requests that fail independently."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec import Raw

from connectors.core.contract import Gone, Malformed, Meter, NotAsked, Scope, SectionReading
from connectors.core.reading import GIVE_UP_AFTER, SectionReader, read_each
from connectors.vault.client.api import VaultApi
from connectors.vault.client.payloads import Keys
from scanner.errors import SourceError

T = TypeVar("T")
R = TypeVar("R")


class VaultReader(SectionReader):
    """Reads sections of one namespace. A section that is read on several mounts is qualified by its mount."""

    def __init__(self, api: VaultApi, scope: Scope, meter: Meter, workers: int) -> None:
        super().__init__(scope, meter)
        self.api = api
        self._workers = workers

    def names(self, section: SectionReading, listing: Keys) -> list[str]:
        """The names of a listing, sorted, without a slash at the end; an invalid name is a malformed row."""
        found: set[str] = set()
        for key in listing.keys or ():
            name = key.removesuffix("/") if isinstance(key, str) else ""
            if name and "/" not in name and name not in (".", ".."):
                found.add(name)
            else:
                section.malformed(repr(key), "it is not a valid name")
        return sorted(found)

    def rows(self, section: SectionReading, raw: Mapping[str, Raw], row: type[T]) -> dict[str, T]:
        """The values by key, sorted. Each is decoded separately, so that a malformed one does not affect the others."""
        decoded: dict[str, T] = {}
        for key, text in sorted(raw.items()):
            try:
                decoded[key] = msgspec.json.decode(text, type=row)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                section.malformed(key, str(error))
        return decoded

    def each(
        self, section: SectionReading, what: str, read: Callable[[T], R], items: Sequence[T], *, names_suffice: bool
    ) -> Iterator[tuple[T, R | None]]:
        """Each item with the result of ``read``, None if it failed. Items that no longer exist are left out.

        ``names_suffice``: items that could not be read are still known by name, so the section is never empty.
        """
        failures: list[SourceError] = []
        successes = 0
        for item, result in read_each(read, items, self._workers):
            if isinstance(result, Gone):
                continue
            if not isinstance(result, SourceError):
                successes += 1
                yield item, result
                continue
            if isinstance(result, Malformed):
                section.malformed(str(item), str(result))
            else:
                failures.append(result)
            yield item, None
        if failures:
            section.lost(failures[0], partial=names_suffice or successes > 0)
            section.note(f"{len(failures)} of {len(items)} {what} not read")
            if isinstance(failures[-1], NotAsked):
                section.note(f"the rest was skipped after {GIVE_UP_AFTER} failures in a row")
