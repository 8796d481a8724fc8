"""The log of decisions, as the viewer may see it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from itertools import islice
from typing import Annotated

from msgspec import Meta, Struct

from reports.decisions import Record, csv_lines, fields_of
from reports.json import encoded
from scanner.serve.api.operations import OperationCall, Reply

_BATCH = 500
"""Records that are looked up together."""


class OfDecisions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``by``: the person. ``identity``: a key. ``since``: the first day, in UTC."""

    by: Annotated[str, Meta(max_length=400)] | None = None
    identity: Annotated[str, Meta(max_length=4_000)] | None = None
    since: date | None = None


class DecisionsQuery(OfDecisions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``before``: the number of a decision, ``next`` of the page before."""

    before: Annotated[int, Meta(ge=1)] | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 100


def decisions(call: OperationCall) -> Reply:
    """A page of the log, newest first, with its length and head."""
    query: DecisionsQuery = call.query
    call.visible.decisions(())
    found = (one for one in _visible(call, query) if query.before is None or one[0].n < query.before)
    page = list(islice(found, query.limit + 1))
    more = len(page) > query.limit
    shown = page[: query.limit]
    head = call.serving.store.decisions.head()
    return Reply(
        body=encoded(
            {
                "items": [fields_of(*one) for one in shown],
                "count": head.count,
                "head": head.head,
                "next": str(shown[-1][0].n) if more else None,
            }
        )
    )


def as_csv(call: OperationCall) -> Reply:
    """The log as CSV."""
    call.visible.decisions(())
    lines = csv_lines(list(_visible(call, call.query))[::-1])
    return Reply(body=lines, media_type="text/csv", file="muster-decisions.csv")


def _visible(call: OperationCall, query: OfDecisions) -> Iterator[Record]:
    """The records that the viewer may see, newest first."""
    since = None if query.since is None else datetime.combine(query.since, time(), UTC)
    found = call.serving.store.decisions.newest(by=query.by, identity=query.identity, since=since)
    while batch := list(islice(found, _BATCH)):
        seen = call.visible.decisions([record for record, _ in batch])
        yield from (one for one in batch if one[0].n in seen)
