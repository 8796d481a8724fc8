"""Reads rows of a paged listing, or answers item by item, as records or a gap, for all parts of the connector."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Struct

from connectors.aws.client import payloads
from connectors.aws.client.payloads import AwsAccount
from connectors.aws.client.session import IN_FLIGHT, call, pages, permission_of
from connectors.core import reading
from connectors.core.contract import Gone, Meter, Scope, SectionReading
from connectors.core.offline import NotExported
from scanner.errors import NotOffered, SourceError, Unreachable

PAGE_SIZE = 1000
_MORE = ("IsTruncated", "isTruncated")

S = TypeVar("S", bound=Struct)
T = TypeVar("T")


class Paging(Struct, frozen=True, kw_only=True):
    """The paging parameters of a service: number of rows, and token."""

    rows: str
    place: str
    size: int


IAM_PAGES = Paging(rows="MaxItems", place="Marker", size=PAGE_SIZE)


class AwsReader(Struct, frozen=True, kw_only=True):
    """The context of reading one scope. ``meter`` counts the requests of ``client``."""

    scope: Scope
    client: Any
    meter: Meter
    place: AwsAccount

    def section(self, name: str) -> SectionReading:
        """Read one section, see :meth:`Scope.section`."""
        return self.scope.section(name, meter=self.meter)

    def rows(
        self, section: SectionReading, method: str, member: str, shape: type[S], *, name: str, **parameters: Any
    ) -> Iterator[S]:
        """Every row of a paged listing, counted.

        A row that does not parse is a gap, identified by its member ``name``.
        """
        must_know(self.client, method)
        for page in pages(self.client, method, page_size=PAGE_SIZE, expecting=(member,), **parameters):
            yield from parsed(section, page.get(member, ()), shape, name=name)


def parsed(section: SectionReading, rows: Iterable[Any], shape: type[S], *, name: str) -> Iterator[S]:
    """Convert and count rows. A row that does not fit the shape is a gap, identified by its member ``name``."""
    for row in rows:
        try:
            record = payloads.read(row, shape)
        except ValueError as error:
            section.malformed(
                str(row.get(name, "without a name")) if isinstance(row, Mapping) else "without a name", str(error)
            )
            continue
        section.found()
        yield record


def looped(client: Any, method: str, member: str, paging: Paging, **parameters: Any) -> Iterator[Sequence[Any]]:
    """The rows of each page of a listing for which the SDK has no working paginator. Raises SourceError."""
    must_know(client, method)
    permission = permission_of(client, method)
    at: dict[str, Any] = {paging.rows: paging.size}
    more = True
    while more:
        page = call(client, method, **parameters, **at)
        if member not in page and paging.place not in page:
            raise Unreachable(f"{permission}: unexpected response: it has no {member}")
        yield page.get(member, ())
        more = goes_on(page, at, paging, permission)


def goes_on(page: Mapping[str, Any], at: dict[str, Any], paging: Paging, permission: str) -> bool:
    """Whether there is another page; sets its token in ``at``. Raises SourceError if the answer lacks the token."""
    follows = page.get(paging.place)
    if not follows and any(page.get(more) for more in _MORE):
        raise SourceError(
            f"{permission}: its response is incomplete: there are more pages, and no token for the next one"
        )
    if follows and follows == at.get(paging.place):
        raise SourceError(f"{permission}: its pages repeat: the next-page token leads back to a page already read")
    at[paging.place] = follows
    return bool(follows)


def must_know(client: Any, method: str) -> None:
    """Raise NotOffered if the installed SDK is older than the operation."""
    if method not in client.meta.method_to_api_mapping:
        raise NotOffered(f"the installed boto3 does not know {client.meta.service_model.service_name} {method}")


# --- Single answers ---


def expect(row: Any, shape: type[S], permission: str) -> S:
    """Convert part of an answer to a shape. Raises SourceError that names the permission if it does not fit."""
    try:
        return payloads.read(row, shape)
    except ValueError as error:
        raise SourceError(f"{permission}: its response could not be parsed: {error}") from error


class EachRead(Struct, Generic[T], frozen=True, kw_only=True):
    """Results of reading item by item: answers, items that no longer exist, and why others could not be read."""

    answers: dict[str, T]
    gone: frozenset[str]
    error: SourceError | None


def read_each(items: Iterable[str], read: Callable[[str], T], *, of: str) -> EachRead[T]:
    """Read each item on a few threads. A failure affects one item; consecutive failures end the reading.

    ``of``: the items' name for messages. The error has the class of the first failure and so its status.
    """
    names = list(items)
    answers: dict[str, T] = {}
    gone: set[str] = set()
    failures: list[SourceError] = []
    for name, result in reading.read_each(read, names, IN_FLIGHT, alone=(NotExported,)):
        if isinstance(result, Gone):
            gone.add(name)
        elif isinstance(result, SourceError):
            failures.append(result)
        else:
            answers[name] = result
    return EachRead(
        answers=answers,
        gone=frozenset(gone),
        error=_summed_up(failures, f"{len(names) - len(answers) - len(gone)} of {len(names)} {of}"),
    )


def _summed_up(failures: Sequence[SourceError], unread: str) -> SourceError | None:
    if not failures:
        return None
    first = failures[0]
    return type(first)(f"{unread} could not be read: {first}", permission=first.permission, hint=first.hint)
