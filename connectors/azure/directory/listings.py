"""Lists of the directory, with the objects that are related to each: in one pass where Graph takes it.

``$expand`` gives at most twenty related objects and says nothing of more, so who has twenty is asked about on its own.
Source: https://learn.microsoft.com/graph/query-parameters#expand-parameter
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from msgspec import Raw

from connectors.azure.batch import AT_ONCE
from connectors.azure.directory.payloads import Expanded
from connectors.azure.errors import NotTaken
from connectors.azure.reader import Reader
from connectors.base import Gone, SectionReading
from scanner.errors import Denied, SourceError

PAGE = 999
EXPANDED_PAGE = 100
"""With ``$expand`` a page of directory objects has no more, whatever is asked for."""
EXPANDED_AT_MOST = 20
WORTH_A_PAGE = 2
"""A page with expanded objects counts for two requests towards Graph's limits. Source:
https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits"""
Query = Mapping[str, str | int]
T = TypeVar("T")


def listed(
    reader: Reader, section: SectionReading, path: str, row: type[T], *queries: Query, beta: bool = False
) -> Iterator[T]:
    """The rows by the first query that Graph takes; a later one asks for less."""
    for number, query in enumerate(queries, start=1):
        begun = False
        try:
            for page in reader.api.graph_pages(path, params=query, beta=beta):
                begun = True
                yield from reader.rows(section, [page], row)
        except NotTaken:
            if begun or number == len(queries):
                raise
        else:
            return


def is_all(related: list[Raw] | None) -> bool:
    """Whether these are all related objects, as far as they were expanded."""
    return related is not None and len(related) < EXPANDED_AT_MOST


def related(
    reader: Reader,
    section: SectionReading,
    path: str,
    relation: str,
    wanted: Iterable[str],
    *,
    expand: str,
    among: int,
) -> Iterator[tuple[str, list[Raw]]]:
    """For each object wanted (by its id) of a list, its related ones. Whose could not be read is left out.

    ``relation``: the last part of the path below an object. ``expand``: the relationship, and what of it. ``among``: so
    many are in the list; a few of very many are asked about on their own.
    """
    open_ids = dict.fromkeys(wanted)
    pages = math.ceil(among / EXPANDED_PAGE)
    query: Query = {"$select": "id", "$expand": expand, "$top": EXPANDED_PAGE}
    try:
        worthwhile = len(open_ids) >= pages * WORTH_A_PAGE or pages == 1
        for row in listed(reader, section, path, Expanded, query) if open_ids and worthwhile else ():
            found = row.owners if relation == "owners" else row.federated_identity_credentials
            if found is not None and is_all(found) and row.id in open_ids:
                del open_ids[row.id]
                yield row.id, found
    except NotTaken as error:
        section.note(f"each object was asked for its {relation} on its own: {error}")
    yield from followed(reader, section, {f"{path}/{one}/{relation}": one for one in open_ids})


def followed(reader: Reader, section: SectionReading, paths: Mapping[str, str]) -> Iterator[tuple[str, list[Raw]]]:
    """The rows below each path, with what ``paths`` has for it; twenty are asked in one request.

    What failed is told once, and the rest is left alone once nothing but denials came back. An object may have gone
    since it was listed; where all have, there is no such list.
    """
    failures: list[SourceError] = []
    gone: list[SourceError] = []
    denied = succeeded = 0
    for path, rows in reader.api.graph_batch(list(paths)):
        if isinstance(rows, Gone):
            gone.append(rows)
            continue
        if isinstance(rows, SourceError):
            failures.append(rows)
            denied += isinstance(rows, Denied)
            if denied >= AT_ONCE and not succeeded:
                break
            continue
        succeeded += 1
        yield paths[path], rows
    if failures := failures or ([] if succeeded else gone):
        first = failures[0]
        told = f"{len(failures)} of {len(paths)} could not be read: {first}"
        section.lost(type(first)(told, permission=first.permission, hint=first.hint), partial=succeeded > 0)
