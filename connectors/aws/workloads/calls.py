"""The calls that list resources and describe them. Unused parts of an answer are dropped here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from connectors.aws.client.reading import EachRead, Paging, looped, must_know, read_each
from connectors.aws.client.session import AwsClient, call, pages
from connectors.aws.workloads.declarations import AwsDeclarationListing, Detail, ResourceType, Where
from connectors.aws.workloads.paths import filled, found

_PAGE_TOKENS = ("NextToken", "nextToken")
_PAGE_SIZES = ("MaxResults", "maxResults", "Limit")

Raw: TypeAlias = dict[str, Any]
Parameters: TypeAlias = Mapping[str, Any]


class Calls(Struct, frozen=True, kw_only=True):
    """The calls for one kind of resource, with a client of its service.

    ``members``: the members of a row to keep; None: all.
    """

    client: AwsClient
    one: ResourceType
    where: Where
    members: frozenset[str] | None

    def listed(self, leads: Parameters) -> Iterator[Raw]:
        """Every row of the listing. ``leads``: parameters from the parent row. Raises SourceError."""
        listing = self.one.listing
        own = {} if listing.under else filled_all(listing.by, {}, self.where)
        for page in self._pages(listing, {**listing.parameters, **own, **leads}):
            for row in found(page, listing.rows):
                yield self._kept({**leads, **(row if isinstance(row, Mapping) else {"id": row})})

    def each(self, detail: Detail, rows: list[Raw]) -> tuple[EachRead[Any], list[Raw]]:
        """Call for each row; returns the results and failures, and the rows with their details.

        Rows that no longer exist are left out.
        """
        return self._in_batches(detail, rows) if detail.batch else self._one_by_one(detail, rows)

    def _one_by_one(self, detail: Detail, rows: list[Raw]) -> tuple[EachRead[Any], list[Raw]]:
        asked: dict[str, dict[str, str]] = {}
        names = [self._asking(detail, row, asked) for row in rows]
        read = read_each(asked, lambda name: self._answer(detail, asked[name]), of=f"answers to {detail.operation}")
        answered = [(row, name) for row, name in zip(rows, names, strict=True) if name not in read.gone]
        return read, [{**row, **read.answers.get(name, {})} for row, name in answered]

    def _asking(self, detail: Detail, row: Raw, asked: dict[str, dict[str, str]]) -> str:
        """Record the call for a row, and return its name; None for a row that an earlier call left incomplete."""
        try:
            parameters = filled_all(detail.by, row, self.where)
        except ValueError:  # the earlier call counts among those that failed
            return ""
        name = " ".join(parameters.values())
        asked[name] = parameters
        return name

    def _answer(self, detail: Detail, parameters: Parameters) -> Raw:
        expecting = detail.at or None
        answer = call(
            self.client, self._method(detail.operation), expecting=expecting, **parameters, **detail.parameters
        )
        reported: Any = next(found(answer, detail.at), {})
        return self._kept(reported) if isinstance(reported, Mapping) else {}

    def _in_batches(self, detail: Detail, rows: list[Raw]) -> tuple[EachRead[Any], list[Raw]]:
        groups: defaultdict[tuple[tuple[str, str], ...], list[str]] = defaultdict(list)
        nameless: list[Raw] = []
        for row in rows:
            try:
                shared = tuple(filled_all(detail.by, row, self.where).items())
                groups[shared].append(filled(detail.id, row, self.where.names))
            except ValueError:  # reported when the row is parsed
                nameless.append(row)
        asked: dict[str, tuple[dict[str, str], list[str]]] = {}
        for shared, ids in groups.items():
            for start in range(0, len(ids), detail.batch):
                part = ids[start : start + detail.batch]
                asked[" ".join((*dict(shared).values(), part[0]))] = dict(shared), part
        read = read_each(asked, lambda name: self._batch(detail, *asked[name]), of=f"batches of {detail.operation}")
        return read, [*nameless, *(row for answer in read.answers.values() for row in answer)]

    def _batch(self, detail: Detail, shared: Mapping[str, str], ids: list[str]) -> list[Raw]:
        method = self._method(detail.operation)
        answer = call(self.client, method, expecting=detail.at, **{**shared, detail.ids: ids}, **detail.parameters)
        return [self._kept({**shared, **row}) for row in found(answer, detail.at) if isinstance(row, Mapping)]

    def _pages(self, listing: AwsDeclarationListing, parameters: Parameters) -> Iterator[Mapping[str, Any]]:
        method = self._method(listing.operation)
        if not listing.rows:
            yield call(self.client, method, **parameters)
            return
        member = listing.rows.partition(".")[0].removesuffix("[]")
        if self.client.sdk.can_paginate(method):
            yield from pages(self.client, method, page_size=listing.size, expecting=(member,), **parameters)
            return
        takes = self.client.meta.service_model.operation_model(listing.operation).input_shape.members
        sizes, tokens = ([name for name in names if name in takes] for names in (_PAGE_SIZES, _PAGE_TOKENS))
        if not tokens:
            yield call(self.client, method, expecting=member, **parameters)
            return
        paging = Paging(rows=sizes[0], place=tokens[0], size=listing.size or 1)
        for rows in looped(self.client, method, member, paging, **parameters):
            yield {member: rows}

    def _kept(self, row: Mapping[str, Any]) -> Raw:
        """The members of a row that are used."""
        return {name: value for name, value in row.items() if self.members is None or name in self.members}

    def _method(self, operation: str) -> str:
        """The client's name for an operation. Raises NotOffered if the SDK is older than the operation."""
        from botocore import xform_name

        method: str = xform_name(operation)
        must_know(self.client, method)
        return method


def filled_all(by: Mapping[str, str], row: Any, where: Where) -> dict[str, str]:
    """Parameters with their templates filled from a row. Raises ValueError."""
    return {name: filled(template, row, where.names) for name, template in by.items()}
