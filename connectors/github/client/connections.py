"""Connections of GraphQL: their nodes, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct, field

from connectors.core.contract import Malformed, SectionReading
from connectors.github.client.api import Answered, Api
from connectors.github.client.requests import GithubPermission
from scanner.errors import Throttled, Unreachable
from scanner.text import counted


class PageInfo(Struct):
    has_next: bool = field(name="hasNextPage", default=False)
    cursor: str | None = field(name="endCursor", default=None)


class _Connection(Struct):
    page: PageInfo = field(name="pageInfo")
    nodes: list[Any]


def nodes_of(
    api: Api,
    section: SectionReading,
    text: str,
    org: str,
    of: str,
    *,
    asked: GithubPermission,
    batches: tuple[int, ...] = (),
) -> Iterator[Any]:
    """The nodes of a connection of the organization, page by page. Raises SourceError, Malformed if pages repeat."""
    cursor: str | None = None
    seen: set[str | None] = {None}
    sizes = list(batches)
    while True:
        variables = {"org": org, "endCursor": cursor} | ({"first": sizes[0]} if sizes else {})
        try:
            answer = api.query(text, variables, asked)
            page = _connection(answer, of)
        except Throttled:
            raise
        except Unreachable:
            if not sizes[1:]:  # there is no smaller batch
                raise
            sizes.pop(0)
            continue
        if answer.errors:
            section.lost(answer.errors[0], partial=True)
            section.note(f"{counted(len(answer.errors), 'part of an answer was', 'parts of an answer were')} not given")
        yield from (node for node in page.nodes if node is not None)
        if not page.page.has_next:
            return
        cursor = page.page.cursor
        if cursor in seen:
            raise Malformed(f"the pages of {of} repeat")
        seen.add(cursor)


def _connection(answer: Answered, of: str) -> _Connection:
    try:
        found = answer.data["organization"][of]
        return msgspec.convert(found, _Connection)
    except (KeyError, TypeError, msgspec.ValidationError):
        raise answer.errors[0] if answer.errors else Malformed(f"an answer has no {of}") from None
