"""The index files of the scans that are served: the latest scan's, and those of a few older scans."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection as PipeConnection
from pathlib import Path
from threading import Lock, RLock

from filelock import FileLock, Timeout
from msgspec import Struct

from scanner.errors import MusterError, StoreError
from scanner.model import ActivityPolicy
from scanner.serve.index.building import IndexPlan, Progress, build
from scanner.serve.index.reading import ScanIndex, UnusableIndex
from scanner.store.scans import StoredScan
from scanner.store.store import Store
from scanner.text import printable

SMALL = 10_000
"""Records of a scan whose index is built within a second or two, before the server listens."""
OLDER = 3
"""The number of older scans whose index files are kept."""
_SUFFIX, _LOCK = ".index", ".building.lock"
_PATIENCE = 900.0
"""Seconds for which another process may build."""
_FILES = f"[0-9a-f]*{_SUFFIX}"
"""Without files that another process is building, whose names begin with a dot."""


class Underway(Struct, frozen=True):
    """An index that is being built: records done, and of all."""

    done: int
    total: int

    def __str__(self) -> str:
        return f"building the index, {self.done:,} of {self.total:,}"


def _silent(_done: int, _total: int) -> None:
    """Report no progress."""


class Catalog:
    """A folder of index files. Safe for any number of threads. ``connect`` opens the store for reading."""

    def __init__(
        self, folder: Path, connect: Callable[[], Store], *, activity: ActivityPolicy | None = None, older: int = OLDER
    ) -> None:
        """Make the folder, with mode 0700, if it is missing. Raises StoreError if it cannot be made."""
        self._folder, self._connect, self._older = folder, connect, older
        self._activity = activity or ActivityPolicy()
        self._building, self._lock = RLock(), Lock()
        self._open: OrderedDict[str, ScanIndex] = OrderedDict()
        self._latest: str | None = None
        self.underway: Underway | None = None
        """The build of the latest scan's index, if there is one."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the folder {folder} of the index cannot be made ({error.strerror})",
                hint="name another: [serve] index",
            ) from error
        for index in sorted(self._found(), key=lambda index: (index.started_at, index.built_at)):
            self._remember(index)
            self._latest = index.scan

    def refresh(self, progress: Progress = _silent) -> ScanIndex:
        """Build the latest scan's index if it is missing, and return it. The server calls this periodically.

        Until it is built, :meth:`latest` returns the index of the scan before. Raises StoreError.
        """
        with self._building, self._connect() as store:
            newest = store.latest_scan()
            index = self._made(store, newest, progress)
            try:
                index.warm()
            except UnusableIndex:
                index = self._made(store, newest, progress)  # which reports the damaged file
            self._latest = index.scan
            self._remove_oldest()
            return index

    def refresh_small(self) -> None:
        """Like :meth:`refresh`, if there is next to nothing to build. Raises StoreError if there is no scan."""
        with self._connect() as store:
            newest = store.latest_scan()
            if not self._is_of(newest):
                with store.streamed(newest.id) as scan:
                    if scan.count() > SMALL:
                        return
        self.refresh()

    def refresh_apart(self, begin: Callable[[], None], progress: Progress = _silent) -> None:
        """Like :meth:`refresh`, but a separate process builds the file, so that requests are not slowed down.

        ``begin``: called first in that process.
        """
        with self._connect() as store:
            newest = store.latest_scan()
        if self._is_of(newest):
            return
        context = get_context("spawn")
        reports, sends = context.Pipe(duplex=False)
        arguments = (begin, self._folder, self._connect, self._activity, sends)
        builder = context.Process(target=_refreshed, args=arguments, daemon=True)
        try:
            builder.start()
            sends.close()  # else there was no end when that process ends
            with suppress(EOFError):
                while True:
                    self.underway = Underway(*reports.recv())
                    progress(self.underway.done, self.underway.total)
            builder.join()
            self.refresh(progress)  # opens the file, or builds it if that process could not
        finally:
            self.underway = None
            reports.close()

    def _is_of(self, scan: StoredScan) -> bool:
        """Whether the newest index is of that scan."""
        index = self.latest()
        return index is not None and (index.scan, index.started_at) == (scan.id, scan.started_at)

    def latest(self) -> ScanIndex | None:
        """The newest existing index, without reading the store; None before the first :meth:`refresh`."""
        return None if self._latest is None else self._known(self._latest)

    def of(self, scan: str, progress: Progress = _silent) -> ScanIndex:
        """The index of a scan by its id, built if it is missing, which may take a minute. Raises StoreError."""
        if (index := self._known(scan)) is not None:
            return index
        with self._building, self._connect() as store:
            found = next((stored for stored in store.scans() if stored.id == scan), None)
            if found is None:
                raise StoreError(f"the store has no scan {printable(scan)}", hint="`muster history` lists those it has")
            index = self._made(store, found, progress)
            self._remove_oldest()
            return index

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    # --- open files -----------------------------------------------------------

    def _known(self, scan: str) -> ScanIndex | None:
        with self._lock:
            index = self._open.get(scan)
            if index is None or not index.is_usable:
                return None
            self._open.move_to_end(scan)
            return index

    def _remember(self, index: ScanIndex) -> None:
        with self._lock:
            if (before := self._open.pop(index.scan, None)) is not None:
                before.close()
            self._open[index.scan] = index

    # --- files ------------------------------------------------------------------

    def _made(self, store: Store, scan: StoredScan, progress: Progress) -> ScanIndex:
        """The index of a scan, opened or built."""
        if (index := self._known(scan.id)) is not None and index.started_at == scan.started_at:
            return index
        path, is_damaged = self._path(scan.id), scan.id in self._open and index is None
        usable = None if is_damaged else _opened_of(path, scan)
        if usable is None:
            with self._alone():  # a scan and the server would build the same file
                usable = None if is_damaged else _opened_of(path, scan)
                if usable is None:
                    build(store, IndexPlan(path=path, scan=scan.id, activity=self._activity, progress=progress))
                    usable = ScanIndex(path)
        self._remember(usable)
        return usable

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait for another process that builds a file in this folder; not for one that takes too long."""
        lock = FileLock(self._folder / _LOCK, timeout=_PATIENCE, mode=0o600)
        try:
            with suppress(Timeout, OSError):
                lock.acquire()
            yield
        finally:
            lock.release()

    def _path(self, scan: str) -> Path:
        name = hashlib.sha256(scan.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return self._folder / f"{name}{_SUFFIX}"

    def _found(self) -> Iterator[ScanIndex]:
        for path in self._folder.glob(_FILES):
            if (index := _opened(path)) is not None:
                yield index

    def _remove_oldest(self) -> None:
        """Remove the least recently used files of older scans, and unusable files."""
        with self._lock:
            older = [scan for scan in self._open if scan != self._latest]
            for scan in older[: max(len(older) - self._older, 0)]:
                self._open.pop(scan).close()
            kept = {self._path(scan) for scan in self._open}
        for path in self._folder.glob(_FILES):
            if path not in kept:
                with suppress(OSError):
                    path.unlink()


def _opened(path: Path) -> ScanIndex | None:
    try:
        return ScanIndex(path)
    except UnusableIndex:
        return None


def _opened_of(path: Path, scan: StoredScan) -> ScanIndex | None:
    """The index file, if it is of that scan."""
    index = _opened(path)
    if index is None or (index.scan, index.started_at) == (scan.id, scan.started_at):
        return index
    index.close()
    return None


def _refreshed(
    begin: Callable[[], None],
    folder: Path,
    connect: Callable[[], Store],
    activity: ActivityPolicy,
    sends: PipeConnection,
) -> None:
    """Build a file in a separate process. The server retries, reports errors, and ends the process."""
    with suppress(KeyboardInterrupt, MusterError, BrokenPipeError), closing(sends):
        begin()
        with closing(Catalog(folder, connect, activity=activity)) as catalog:
            catalog.refresh(lambda done, total: sends.send((done, total)))
