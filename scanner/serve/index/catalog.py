"""The index files of the scans that are served: the latest scan's, and those of a few older scans."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scanner.model import ActivityPolicy
from scanner.serve.index.reading import Index
from scanner.store.store import Store

OLDER = 3
"""The number of older scans whose index files are kept."""


class Catalog:
    """A folder of index files. Safe for any number of threads. ``connect`` opens the store for reading."""

    def __init__(
        self, folder: Path, connect: Callable[[], Store], *, activity: ActivityPolicy | None = None, older: int = OLDER
    ) -> None:
        """Make the folder, with mode 0700, if it is missing."""

    def refresh(self, progress: Callable[[int], None] = lambda _: None) -> Index:
        """Build the latest scan's index if it is not there, and return it; the server calls this now and then.

        Until it is built, :meth:`latest` returns the index of the scan before. Raises StoreError.
        """
        raise NotImplementedError

    def latest(self) -> Index | None:
        """The newest index that is there, without looking into the store; None before the first :meth:`refresh`."""
        raise NotImplementedError

    def of(self, scan: str) -> Index:
        """The index of a scan by its id, built if it is not there; this may take a minute. Raises StoreError."""
        raise NotImplementedError

    def close(self) -> None:
        """Close all files."""
