"""Reads scopes in parallel and turns every failure into a gap.

The contract with the outside is ``concurrent.futures.Executor``: threads by default. One section's, scope's or
source's failure never stops another. Results come back as they are done; ordering them is the inventory's business.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import NoReturn, Protocol, TypeAlias

from connectors.base import Connector, Scope
from scanner.errors import DeadlineExceeded, SourceError
from scanner.inventory import Reading
from scanner.model import EVERY_SCOPE, RUNGS, Coverage, Identity, StoredSecret, Workload

log = logging.getLogger(__name__)

WHOLE_SCOPE = "*"
"""The section of a gap that covers all of a scope."""


class Observer(Protocol):
    """Watches a run, to show progress. Called from one thread."""

    def planned(self, source: str, scopes: int) -> None:
        """So many more scopes of this source are to be read."""

    def done(self, reading: Reading) -> None:
        """A scope has been read."""


_Listing: TypeAlias = tuple[Connector, list[Scope], list[Coverage]]


def read_all(
    connectors: Sequence[tuple[str, Connector]],
    *,
    executor: Executor,
    scope_deadline: float,
    observer: Observer,
) -> Iterator[Reading]:
    """Every scope of every connector, given with its source's name. Closing the iterator stops the reading.

    ``scope_deadline``: seconds a scope may take; it is looked at between records, so a call in flight is waited for.
    """
    stop = threading.Event()
    done: SimpleQueue[Future[_Listing | Reading]] = SimpleQueue()
    pending: set[Future[_Listing | Reading]] = set()

    def submit(work: Callable[..., _Listing | Reading], *arguments: object) -> None:
        future = executor.submit(work, *arguments)
        pending.add(future)
        future.add_done_callback(done.put)

    try:
        for source, connector in connectors:
            submit(_list_scopes, source, connector)
        while pending:
            future = done.get()
            pending.discard(future)
            outcome = future.result()
            if isinstance(outcome, Reading):
                observer.done(outcome)
                yield outcome
                continue
            connector, scopes, unlisted = outcome
            for scope in scopes:
                submit(_read_scope, connector, scope, scope_deadline, stop)
            for coverage in unlisted:
                yield Reading(source=coverage.source, scope=coverage.scope, coverage=(coverage,))
            if scopes:
                observer.planned(scopes[0].source, len(scopes))
    finally:
        stop.set()
        for future in pending:
            future.cancel()


def _list_scopes(source: str, connector: Connector) -> _Listing:
    scopes: list[Scope] = []
    unlisted: list[Coverage] = []
    try:
        for found in connector.scopes():
            if isinstance(found, Scope):
                scopes.append(found)
            else:
                unlisted.append(found)
    except SourceError as error:
        unlisted.append(_gap(connector, source, EVERY_SCOPE, WHOLE_SCOPE, error))
    except Exception as error:  # noqa: BLE001  # a connector's bug costs its own source, not the run
        unlisted.append(_gap(connector, source, EVERY_SCOPE, WHOLE_SCOPE, _bug(source, error)))
    return connector, scopes, unlisted


def _read_scope(connector: Connector, scope: Scope, deadline: float, stop: threading.Event) -> Reading:
    started = time.monotonic()
    identities: list[Identity] = []
    secrets: list[StoredSecret] = []
    workloads: list[Workload] = []
    coverage: list[Coverage] = []
    try:
        for record in connector.discover(scope):
            match record:
                case Identity():
                    identities.append(record)
                case StoredSecret():
                    secrets.append(record)
                case Coverage():
                    coverage.append(record)
                case Workload():
                    workloads.append(record)
                case _:
                    _refuse(record)
            if stop.is_set():
                break
            _keep_deadline(started, deadline)
    except SourceError as error:
        coverage.append(_gap(connector, scope.source, scope.id, _rest_of(scope), error))
    except Exception as error:  # noqa: BLE001  # a connector's bug costs its own scope, not the run
        coverage.append(_gap(connector, scope.source, scope.id, _rest_of(scope), _bug(scope.source, error)))
    return Reading(
        source=scope.source,
        scope=scope.id,
        identities=tuple(identities),
        secrets=tuple(secrets),
        workloads=tuple(workloads),
        coverage=tuple(coverage),
    )


def _refuse(record: object) -> NoReturn:
    raise TypeError(f"a connector yields identities, secrets, workloads and coverage, not {type(record).__name__}")


def _keep_deadline(started: float, deadline: float) -> None:
    if time.monotonic() - started > deadline:
        raise DeadlineExceeded(f"not done after {deadline:g} seconds", hint="raise [engine] scope_deadline")


def _rest_of(scope: Scope) -> str:
    return WHOLE_SCOPE if scope.part is None else f"{WHOLE_SCOPE}:{scope.part}"


def _gap(connector: Connector, source: str, scope: str, section: str, error: SourceError) -> Coverage:
    spec = connector.spec
    return Coverage(
        source=source,
        provider=spec.name,
        scope=scope,
        section=section,
        status=error.status,
        detail=f"{error}: {error.hint}" if error.hint else str(error),
        permission=error.permission,
        kinds=tuple(sorted({kind for section in spec.sections for kind in section.kinds} | set(spec.kinds))),
        rungs=RUNGS,
    )


def _bug(source: str, error: Exception) -> SourceError:
    log.error(
        "source %s: this is a bug in its connector; the scan goes on without it",
        source,
        exc_info=error,
        extra={"source": source},
    )
    return SourceError(f"internal error ({type(error).__name__})", hint="see the log; please report it")
