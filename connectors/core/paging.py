"""The ways from a page of a listing to the next. A connector names one of them, or writes its own ``Paging``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import urljoin

from msgspec import Raw, Struct

from connectors.core.contract import Malformed
from connectors.core.reading import Decode, decoded

Params: TypeAlias = Mapping[str, str | tuple[str, ...]]
"""Query parameters; one with many values is repeated."""
NO_PARAMS: Params = {}


class Page(Struct, frozen=True, kw_only=True):
    """One page of a listing. ``number``: from 0. ``link``: the URL in its ``Link`` header with ``rel="next"``."""

    url: str
    params: Params
    content: bytes
    number: int
    link: str | None
    rows: Sequence[Raw]


class _Ends(Struct):
    """The way from a page of a listing to the next."""

    has_more: bool | None = None
    next: str | int | None = None
    last_id: str | int | None = None


class _WithId(Struct):
    id: str | int | None = None


Next: TypeAlias = tuple[str, Params] | None
"""The URL of the next page and its query; None after the last page."""
Paging: TypeAlias = Callable[[Page], Next]


def link_header(page: Page) -> Next:
    """``Link: <…>; rel="next"``, as in GitHub, GitLab and Okta."""
    return None if page.link is None else (_joined(page.url, page.link), {})


def next_link(at: str) -> Paging:
    """The answer contains the URL of the next page: ``next_link("/@odata.nextLink")``. ``at``: a JSON pointer."""

    def following(page: Page) -> Next:
        address = pointed(page.content, at, str | None)
        return (_joined(page.url, address), {}) if address else None

    return following


def cursor(at: str, param: str) -> Paging:
    """A token from the answer is sent with the next request: ``cursor("/metadata/continue", "continue")``."""

    def following(page: Page) -> Next:
        token: str | int | None = pointed(page.content, at, str | int | None)
        return None if token in (None, "") else (page.url, {**page.params, param: str(token)})

    return following


def last_id(param: str) -> Paging:
    """The next page starts after ``next``, ``last_id``, or the ``id`` of the last row, unless ``has_more`` is false."""

    def following(page: Page) -> Next:
        said = decoded(page.content, _Ends)
        if said.has_more is False or not (page.rows or said.has_more):
            return None
        after = said.next or said.last_id or (decoded(page.rows[-1], _WithId).id if page.rows else None)
        if after is None:
            raise Malformed("a response has more pages, and does not say where")
        return page.url, {**page.params, param: str(after)}

    return following


def page_number(param: str = "page", *, first: int = 1) -> Paging:
    """Pages are numbered.

    The first empty page ends the listing, because a server may return fewer rows than requested.
    """

    def following(page: Page) -> Next:
        return (page.url, {**page.params, param: str(first + page.number + 1)}) if page.rows else None

    return following


def pointed(content: bytes | Raw, at: str, shape: Any, decode: Decode | None = None) -> Any:
    """The value at a JSON pointer, as ``shape``; None if there is none. Raises Malformed or Unreachable."""
    decode = decode or decoded
    part: bytes | Raw = content
    for step in at.split("/")[1:]:
        fields = decode(part, dict[str, Raw] | None) or {}
        if step not in fields:
            return None
        part = fields[step]
    return decode(part, shape)


def _joined(url: str, link: str) -> str:
    try:
        return urljoin(url, link)
    except ValueError:
        raise Malformed("a response contains an invalid address") from None
