"""Helpers for all connectors: reading sections, decoding answers, requests in parallel, and facts hidden by gaps."""

from __future__ import annotations

import importlib.util
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Annotated, Any, Generic, Protocol, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Raw

from connectors.core.budget import Pool
from connectors.core.contract import DiscoveredRecord, Gone, Malformed, Meter, NotAsked, Scope, SectionReading, Spec
from scanner.errors import MissingExtra, NotOffered, SourceError, Unreachable
from scanner.model import Coverage, Fact
from scanner.text import few

T = TypeVar("T")
R = TypeVar("R")
Q = TypeVar("Q")

# --- Sections ---

ReadSection: TypeAlias = Generator[DiscoveredRecord, None, T]
"""The records of a section, and the value that it returns for later sections."""


class SectionReader:
    """Reads sections of one scope. ``gaps``: names, without qualifiers, of the sections that are gaps."""

    def __init__(self, scope: Scope, meter: Meter) -> None:
        self.scope = scope
        self.gaps: set[str] = set()
        self._meter = meter

    def section(self, name: str) -> SectionReading:
        """Begin a section; a qualifier may follow its name after a colon."""
        return self.scope.section(name, meter=self._meter)

    def done(self, section: SectionReading) -> Coverage:
        """The section's coverage; to be yielded."""
        coverage = section.coverage
        if coverage.is_gap:
            self.gaps.add(coverage.section.partition(":")[0])
        return coverage

    def skipped(self, name: str, why: str) -> Coverage:
        """A section that cannot even be tried."""
        self.gaps.add(name)
        return self.scope.coverage(name, "skipped", detail=why)


class Named(Protocol):
    """A row with an id, and most often a name: ``name`` or ``display_name``."""

    @property
    def id(self) -> str: ...


def shown(row: Named) -> str:
    """Its name, or its id if it has none."""
    return getattr(row, "name", None) or getattr(row, "display_name", None) or row.id


N = TypeVar("N", bound=Named)


class ListingReader(SectionReader, Generic[Q]):
    """Reads sections that are listings, or requests for each row of them. ``Q``: how its requests are named."""

    def __init__(self, scope: Scope, meter: Meter, workers: int) -> None:
        super().__init__(scope, meter)
        self._workers = workers

    @abstractmethod
    def rows(self, section: SectionReading, request: Q, row: type[T], **places: Any) -> Iterator[T]:
        """The rows of a listing. Raises SourceError. ``places``: the parameters of its path."""
        ...

    def listed(self, section: SectionReading, request: Q, row: type[T], **places: Any) -> list[T]:
        """All rows of a listing; rows before a failure are kept."""
        found: list[T] = []
        try:
            found.extend(self.rows(section, request, row, **places))
        except SourceError as error:
            section.lost(error, partial=bool(found))
        return found

    def read_listed(self, name: str, request: Q, row: type[T]) -> ReadSection[list[T]]:
        """Read a section that is one listing."""
        found: list[T] = []
        with self.section(name) as section:
            found = self.listed(section, request, row)
            section.found(len(found))
        yield self.done(section)
        return found

    def each(
        self,
        section: SectionReading,
        what: str,
        read: Callable[[T], R],
        items: Sequence[T],
        name: Callable[[T], str],
        *,
        part: Callable[[T], str] | None = None,
    ) -> Iterator[tuple[T, R]]:
        """See :func:`each_of`."""
        yield from each_of(section, what, read, items, self._workers, name, part=part)

    def each_listed(
        self,
        section: SectionReading,
        what: str,
        items: Sequence[N],
        request: Q,
        row: type[T],
        *,
        part: Callable[[N], str] | None = None,
        **places: Callable[[N], Any],
    ) -> Iterator[tuple[N, list[T]]]:
        """Every item with the rows of its own listing. ``places``: the parameters of the path, by item.

        ``part``: see :func:`each_of`.
        """

        def read(item: N) -> list[T]:
            return list(self.rows(section, request, row, **{name: of(item) for name, of in places.items()}))

        yield from self.each(section, what, read, items, shown, part=part)


# --- Answers ---

Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""A time in a payload. One without a zone is malformed: it could not be compared with any other."""


def in_utc(moment: datetime | None) -> datetime | None:
    """The time in UTC, as records have it. None if UTC cannot represent it."""
    try:
        return None if moment is None else moment.astimezone(UTC)
    except OverflowError:
        return None


Decode: TypeAlias = Callable[[bytes | Raw, Any], Any]
"""JSON as a shape; see ``decoded``."""


def decoded(content: bytes | Raw, shape: Any) -> Any:
    """Decode JSON as ``shape``; other fields are dropped. Raises Malformed or Unreachable."""
    try:
        return msgspec.json.decode(content, type=shape)
    except msgspec.ValidationError as error:
        raise Malformed(f"a response has an unexpected structure: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreachable("unexpected response: not JSON") from None


def glimpsed(content: bytes | Raw, shape: type[T], otherwise: T) -> T:
    """As :func:`decoded`; ``otherwise`` for what is not as expected, which its reader will refuse."""
    try:
        found: T = decoded(content, shape)
    except SourceError:
        return otherwise
    return found


# --- Unknown fields of an identity ---


def unread_facts(
    *,
    credentials: bool = False,
    permissions: bool = False,
    tags: bool = False,
    trusts: bool = False,
    use: bool = False,
) -> tuple[Fact, ...]:
    """``Identity.unread``: the facts that could not be read, in the model's order."""
    kept: dict[Fact, bool] = {
        "credentials": credentials,
        "permissions": permissions,
        "tags": tags,
        "trusts": trusts,
        "use": use,
    }
    return tuple(fact for fact, is_kept in kept.items() if is_kept)


# --- Optional SDKs ---


def require_sdk(package: str, spec: Spec) -> None:
    """Raise MissingExtra if the package of the connector's extra is not installed."""
    if not is_installed(package):
        raise MissingExtra(f"source type {spec.name}", spec.extra or spec.name)


def is_installed(package: str) -> bool:
    """Whether a package is installed.

    For a dotted name, its parent packages are imported, which is cheap for a namespace.
    """
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


# --- One request for each item, several in parallel ---


def read_all(read: Callable[[T], R], items: Sequence[T], workers: int) -> Iterator[tuple[T, R | SourceError]]:
    """Call ``read`` for every item; yields results in order. A failure is a result."""
    if items:
        with Pool(min(len(items), workers)) as pool:
            yield from zip(items, pool.map(partial(_caught, read), items), strict=True)


GIVE_UP_AFTER = 8
"""Consecutive failures after which no more requests are sent: each would cost retries, or a line in an audit log."""


def read_each(
    read: Callable[[T], R], items: Sequence[T], workers: int, *, alone: tuple[type[SourceError], ...] = ()
) -> Iterator[tuple[T, R | SourceError]]:
    """Like :func:`read_all`, but after consecutive failures the rest is not requested: NotAsked for items left out.

    An item that is gone, or whose answer is malformed, does not count as a consecutive failure. Nor do errors in
    ``alone``, which concern single items only.
    """
    failures = 0
    ahead = iter(items)
    waiting: deque[Future[R | SourceError]] = deque()
    with Pool(workers) as pool:
        for item in items:
            if failures < GIVE_UP_AFTER:
                waiting.extend(pool.submit(_caught, read, one) for one in islice(ahead, workers - len(waiting)))
            if not waiting:
                yield item, NotAsked(f"skipped after {failures} failures in a row")
                continue
            result = waiting.popleft().result()
            failed = isinstance(result, SourceError) and not isinstance(result, (Gone, Malformed, *alone))
            failures = failures + 1 if failed else 0
            yield item, result


ITEMS_NAMED = 5
"""Maximum number of unread items that are named; the rest are counted."""


def each_of(
    section: SectionReading,
    what: str,
    read: Callable[[T], R],
    items: Sequence[T],
    workers: int,
    name: Callable[[T], str],
    *,
    part: Callable[[T], str] | None = None,
) -> Iterator[tuple[T, R]]:
    """Call ``read`` for every item, several in parallel, for a section. Failures are a gap that names the unread items.

    ``what``: the word for the items. Items that are gone or not offered are left out. ``part``: the part of the
    scope, such as a repository, that an item is in, so that what was lost of it is nowhere else.
    """
    failures: list[SourceError] = []
    left: list[str] = []
    parts: set[str] = set()
    for item, result in read_each(read, items, workers, alone=(NotOffered,)):
        if isinstance(result, (Gone, NotOffered)):
            continue
        if not isinstance(result, SourceError):
            yield item, result
            continue
        if isinstance(result, Malformed):
            section.malformed(name(item), str(result))
            if part:
                section.confine([part(item)], 1)
            continue
        left.append(name(item))
        parts.update((part(item),) if part else ())
        if not isinstance(result, NotAsked):
            failures.append(result)
    if failures:
        section.lost(failures[0], partial=len(left) < len(items))
        if part:
            section.confine(parts, 1)
        section.note(f"{len(left)} of {len(items)} {what} not read: {few(left, ITEMS_NAMED)}")


def _caught(read: Callable[[T], R], item: T) -> R | SourceError:
    try:
        return read(item)
    except SourceError as error:
        return error
