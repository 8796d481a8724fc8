"""Reads sources into an inventory: by threads of this process, or by the workers of a cluster."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import chain

from msgspec import Struct

from connectors.base import Connector, Scope
from scanner.discovery.engine import Observer, job_here, readings_of, run
from scanner.discovery.scopes import Listing
from scanner.history.staging import Staging
from scanner.inventory import Inventory, Reading, join
from scanner.matching.places import SourceRef
from scanner.settings import EngineSettings
from scanner.shards.joining import parts
from scanner.shards.lines import decode

LIVE, EXPORT, LIST = range(3)
"""How far a source is believed where several saw the same, best first."""


class Source(Struct, frozen=True, kw_only=True):
    """A connector made ready. ``rank``: LIVE, EXPORT or LIST. ``digest``: a hash of its settings as they were given."""

    name: str
    type: str
    connector: Connector
    settings: Struct
    rank: int
    digest: str

    @property
    def ref(self) -> SourceRef:
        """What the entries need to know of it."""
        return SourceRef(name=self.name, provider=self.type)


Outcomes = Generator[Listing | Reading]


@contextmanager
def reading_here(
    engine: EngineSettings,
    sources: Sequence[Source],
    observer: Observer,
    wanted: Callable[[Scope], bool] = lambda _: True,
) -> Iterator[Outcomes]:
    """What threads of this process read in those of the sources' scopes that are ``wanted``, as it is done."""
    stop = threading.Event()
    executor = ThreadPoolExecutor(engine.workers, thread_name_prefix="scope")
    jobs = [job_here(one.name, one.connector, engine.scope_deadline, stop) for one in sources]
    try:
        with closing(run(jobs, executor=executor, observer=observer, wanted=wanted)) as outcomes:
            yield outcomes
    finally:
        stop.set()
        # Not waited for: after Ctrl-C a thread may be in a call for as long as its time-out.
        executor.shutdown(wait=False, cancel_futures=True)


def discover(
    engine: EngineSettings, sources: Sequence[Source], observer: Observer, *, staging: Staging, url: str, scan_id: str
) -> Inventory:
    """All that the sources have. A cluster's workers put it into ``staging`` (of the store at ``url``) if they can.

    Raises ClusterError where the cluster cannot be reached, or is lost.
    """
    ranks = {source.name: source.rank for source in sources}
    if engine.dask is None:
        with reading_here(engine, sources, observer) as outcomes:
            return join(chain.from_iterable(map(readings_of, outcomes)), ranks)
    from scanner.discovery.cluster import cluster_executor
    from scanner.discovery.remote import Shelf, job_there

    shelf = Shelf(url=url, scan=scan_id) if staging.is_shared else None
    jobs = [
        job_there(one.name, one.connector, one.settings, scope_deadline=engine.scope_deadline, shelf=shelf)
        for one in sources
    ]
    try:
        with (
            cluster_executor(engine.dask) as executor,
            closing(run(jobs, executor=executor, observer=observer)) as outcomes,
        ):
            came_back = [one for one in chain.from_iterable(map(readings_of, outcomes)) if one.staged is None]
        staged = (one for one in parts(map(decode, staging.lines(scan_id))) if isinstance(one, Reading))
        return join(chain(came_back, staged), ranks)
    finally:
        if shelf is not None:
            staging.discard(scan_id)
