"""What sections are read from: an API, or files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, TypeVar

from connectors.base import SectionReading
from connectors.kubernetes.sections import Listing

T = TypeVar("T")


class Cluster(Protocol):
    """A cluster that can be listed. Methods raise SourceErrors only."""

    def rows(self, listing: Listing, section: SectionReading, selector: str = "") -> Iterator[Any]:
        """The objects of a resource in all namespaces, as its shape. A malformed one is a gap of its own."""
        ...

    def get(self, path: str, shape: type[T]) -> T:
        """One answer. Raises NotOffered where there is none."""
        ...

    def post(self, path: str, body: Any, shape: type[T]) -> T:
        """The answer to a question with a body, which changes nothing."""
        ...

    def close(self) -> None:
        """Give back what it holds."""
        ...
