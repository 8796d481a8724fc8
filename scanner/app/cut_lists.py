"""Lists that were cut off since the last scan in the store, for the commands that make no scan.

What they say of such a list is what the next scan says of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from scanner.errors import CutOff, MusterError, RegistryError
from scanner.judging.last_known.line_ends import Cuts, LastRead, cut_off, cut_off_list, without_rows
from scanner.judging.last_known.registry_rows import followed
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.pipeline import Declared
from scanner.model import Entry, FileEnd, Origin, UnreadRow
from scanner.model.coverage import REGISTRY

if TYPE_CHECKING:
    from scanner.discovery.engine import Source
    from scanner.store.store import Store

log = logging.getLogger(__name__)

_DEADLINE = 3600.0
"""Seconds for reading a list of identities."""

CutLists: TypeAlias = Callable[[Iterable[FileEnd], Sequence[Entry]], list[CutOff]]
"""Returns the last row of each file that was cut off, by how the files ended and what the registry says now."""


def _nothing_known(ends: Iterable[FileEnd], entries: Sequence[Entry]) -> list[CutOff]:
    del ends, entries
    return []


def last_read(store: Store) -> LastRead:
    """What the last scan had of the lists of identities."""
    memory = store.memory
    return LastRead(
        keys=lambda source: [key for _, _, key, _ in memory.identities_of([source])],
        identity=lambda key: next((one.identity for one in memory.assessments_of([key])), None),
    )


def cut_lists(store: Store) -> CutLists:
    """Return the comparison with the last scan in the store."""
    last = store.memory.setup()
    if last is None:
        return _nothing_known
    cuts, known = Cuts(last.ends), Remembered(entries=tuple(store.memory.entries()))
    return lambda ends, entries: list(cut_off(ends, entries, followed(known, entries).entries, cuts))


def cut_lists_of(store_url: str) -> CutLists:
    """As :func:`cut_lists`. A store that is missing or cannot be read knows of no list; doctor has a check for it."""
    if has_no_file(store_url):
        return _nothing_known
    from scanner.store.store import open_store

    try:
        with open_store(store_url, create=False) as store:
            return store.retrying(lambda: cut_lists(store))
    except MusterError:
        return _nothing_known


def has_no_file(store_url: str) -> bool:
    """Return whether the store's file is missing.

    Then its libraries are not loaded, which saves half of a quick run's time.
    """
    scheme, _, path = store_url.partition(":///")
    return scheme == "sqlite" and not Path(path.partition("?")[0]).exists()


def cut_sources(store_url: str, sources: Iterable[Source]) -> Iterator[tuple[Source, CutOff]]:
    """Yield the last row of each list of identities that was cut off since the last scan, with its source."""
    from connectors.core.contract import Scope
    from scanner.discovery.engine import LIST
    from scanner.discovery.scopes import read_scope
    from scanner.store.store import open_store

    lists = [source for source in sources if source.rank == LIST]
    if not lists or has_no_file(store_url):
        return
    with suppress(MusterError), open_store(store_url, create=False) as store:
        last = store.memory.setup()
        cuts = Cuts(() if last is None else last.ends)

        for source in lists:
            for scope in source.connector.scopes():
                if not isinstance(scope, Scope):
                    continue
                reading = read_scope(source.connector, scope, deadline=_DEADLINE)
                yield from ((source, cut) for cut in cut_off_list(reading, cuts, last_read(store)))


def refuse_cut_lists(store_url: str, declared: Declared) -> None:
    """Raise RegistryError if a file of the registry or the roster was cut off since the last scan."""
    if found := cut_lists_of(store_url)(declared.ends, declared.entries or ()):
        raise RegistryError(*found)


def without_cut_rows(store: Store, declared: Declared) -> Declared:
    """Return the declarations with the last rows of files that were cut off as unreadable ones, each with a warning."""
    found = store.retrying(lambda: cut_lists(store)(declared.ends, declared.entries or ()))
    if not found:
        return declared
    for cut in found:
        log.warning("%s", cut)
    registries = {end.file for end in declared.ends if end.source == REGISTRY}
    rows = {one: Origin(file=one.file, row=one.line) for one in found}
    entries, people = declared.entries, declared.people
    return replace(
        declared,
        entries=None if entries is None else without_rows(entries, rows.values()),
        people=None if people is None else without_rows(people, rows.values()),
        unread=(*declared.unread, *(_unread(one, row) for one, row in rows.items() if one.file in registries)),
        unread_people=(
            *declared.unread_people,
            *(_unread(one, row) for one, row in rows.items() if one.file not in registries),
        ),
    )


def _unread(cut: CutOff, origin: Origin) -> UnreadRow:
    return UnreadRow(origin=origin, why=(f"{cut.message}; {cut.fix}",), hides_names=True, was_cut=True)
