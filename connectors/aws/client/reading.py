"""What the readers of an account share: parsing rows into records, or a gap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from connectors.aws.client import payloads
from connectors.aws.client.payloads import Place
from connectors.aws.client.session import call, pages, permission_of
from connectors.base import Meter, Scope, SectionReading
from scanner.errors import NotOffered, SourceError, Unreachable

PAGE_SIZE = 1000
_MORE = ("IsTruncated", "isTruncated")

S = TypeVar("S", bound=Struct)


class Paging(Struct, frozen=True, kw_only=True):
    """The paging parameters of a service: number of rows, and token."""

    rows: str
    place: str
    size: int


IAM_PAGES = Paging(rows="MaxItems", place="Marker", size=PAGE_SIZE)


class Reading(Struct, frozen=True, kw_only=True):
    """The context of reading one scope. ``meter`` counts the requests of ``client``."""

    scope: Scope
    client: Any
    meter: Meter
    place: Place

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
            section.malformed(_named(row, name), str(error))
            continue
        section.found()
        yield record


def _named(row: Any, name: str) -> str:
    return str(row.get(name, "without a name")) if isinstance(row, Mapping) else "without a name"


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
