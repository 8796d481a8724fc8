"""List the scopes of a source and read one scope. Every failure becomes a gap.

Types are registered with msgspec before threads decode them: msgspec prepares a type when it is first used, and crashes
the process (a segmentation fault, as of 0.22) if two threads do that at once, as when many scopes start together.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from threading import Lock
from typing import Any, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from connectors.core.budget import LIMITS, Budget, Limits, spending
from connectors.core.contract import Connector, DiscoveredRecord, Scope, Spec, settled
from scanner.access.edges import misfits
from scanner.discovery.inventory import ScopeReading
from scanner.errors import MEMORY_HINT, DeadlineExceeded, SourceError, with_fix
from scanner.model import (
    EVERY_SCOPE,
    RUNGS,
    WHOLE_SCOPE,
    Assignment,
    Coverage,
    Exposure,
    Fact,
    FileEnd,
    Identity,
    StoredSecret,
    Workload,
    with_uncertain,
)
from scanner.processes import spread
from scanner.redaction.masking import mask, was_cut
from scanner.redaction.shapes import LONGEST, public_id
from scanner.text import printable

_learning = Lock()
_begun: set[type] = set()
"""Classes of connectors whose types are registered. Their modules are loaded before their work begins."""


def learn_before(kind: type) -> None:
    """Register every record and payload type with msgspec before a connector of this class starts.

    Other threads wait meanwhile. Later calls return at once.
    """
    with _learning:
        if kind not in _begun:
            _begun.add(kind)
            for one in _every(Struct):
                # A type that msgspec does not support is never decoded.
                with suppress(TypeError, NameError):
                    msgspec.json.Decoder(one)


def _every(kind: type[Struct]) -> Iterator[type[Struct]]:
    for one in kind.__subclasses__():
        yield one
        yield from _every(one)


# --- Listing and reading scopes ---

log = logging.getLogger(__name__)
_NAMED = 100
"""Characters of a key that a warning names."""

GRACE, GRACE_SHARE = 1.0, 0.1
"""Grace after the deadline, as a share of it and as seconds at most, for a connector to yield what it has read."""


class Listing(Struct, frozen=True, kw_only=True):
    """The result of listing one source: its scopes, and gaps for what could not be listed."""

    source: str
    scopes: tuple[Scope, ...] = ()
    coverage: tuple[Coverage, ...] = ()


class Job(Struct, frozen=True, kw_only=True):
    """The work of one source: two functions, which an executor may run on another machine."""

    source: str
    spec: Spec
    list_scopes: Callable[[], Listing]
    read_scope: Callable[[Scope], ScopeReading]


def list_scopes(source: str, connector: Connector, *, deadline: float, limits: Limits = LIMITS) -> Listing:
    """List the scopes of a connector; errors become gaps. ``deadline``: in seconds."""
    learn_before(type(connector))
    scopes: list[Scope] = []
    unlisted: list[Coverage] = []
    try:
        with spending(deadline, limits) as budget:
            for found in connector.scopes():
                if isinstance(found, Scope):
                    scopes.append(found)
                else:
                    unlisted.append(mask(found))
                _keep_deadline(budget, deadline)
    except SourceError as error:
        unlisted.append(gap_of(connector.spec, source, EVERY_SCOPE, WHOLE_SCOPE, error))
    except Exception as error:  # noqa: BLE001  # a bug in a connector must not end the scan of other sources
        unlisted.append(gap_of(connector.spec, source, EVERY_SCOPE, WHOLE_SCOPE, _bug(source, error)))
    return Listing(source=source, scopes=tuple(scopes), coverage=settled(connector.spec, unlisted))


def read_scope(
    connector: Connector,
    scope: Scope,
    *,
    deadline: float,
    stop: threading.Event | None = None,
    limits: Limits = LIMITS,
) -> ScopeReading:
    """Read one scope; errors become gaps. Ends early when ``stop`` is set.

    ``deadline``: in seconds. After it, no more requests are made: each unfinished section is a gap, and what was read
    is kept.
    """
    learn_before(type(connector))
    found: dict[type[DiscoveredRecord], list[Any]] = {kind: [] for kind in get_args(DiscoveredRecord)}
    coverage: list[Coverage] = found[Coverage]
    try:
        with spending(deadline, limits) as budget:
            for record in connector.discover(scope):
                found[_kind_of(record)].append(record)
                if stop is not None and stop.is_set():
                    break
                _keep_deadline(budget, deadline)
    except SourceError as error:
        coverage.append(gap_in(scope, error))
    except Exception as error:  # noqa: BLE001  # a bug in a connector must not end the scan of other scopes
        coverage.append(gap_in(scope, _bug(scope.source, error)))
    try:
        for records in found.values():
            _clear(records)
    except Exception as error:  # noqa: BLE001  # a bug in masking must let no record out, and not end the scan of other scopes
        found = {kind: [] for kind in found} | {Coverage: [gap_in(scope, _bug(scope.source, error))]}
    return ScopeReading(
        source=scope.source,
        scope=public_id(scope.id),
        part=scope.part,
        identities=tuple(found[Identity]),
        secrets=tuple(found[StoredSecret]),
        workloads=tuple(found[Workload]),
        assignments=tuple(found[Assignment]),
        exposures=tuple(found[Exposure]),
        ends=tuple(found[FileEnd]),
        coverage=settled(
            connector.spec,
            (*found[Coverage], *misfits((*found[Identity], *found[Workload]), part=scope.part)),
        ),
    )


def _kind_of(record: DiscoveredRecord) -> type[DiscoveredRecord]:
    if not isinstance(record, DiscoveredRecord):
        kinds = "identities, secrets, workloads, assignments, exposures, ends of files and coverage"
        raise TypeError(f"a connector yields {kinds}, not {type(record).__name__}")
    return type(record)


def _clear(records: list[Any]) -> None:
    """Mask secrets in the records, and validate their attributes. Only changed records are sent back."""

    def changed(part: Sequence[int]) -> list[tuple[int, Any]]:
        clear = ((place, _typed(mask(records[place]))) for place in part)
        return [(place, record) for place, record in clear if record is not records[place]]

    for place, record in chain.from_iterable(spread(changed, range(len(records)))):
        records[place] = record
        if was_cut(record):
            named = printable(getattr(record, "key", record.source))[:_NAMED]
            log.warning(
                "source %s: a text of %s has more than %s characters and was cut", record.source, named, f"{LONGEST:,}"
            )


def _typed(record: Any) -> Any:
    return with_uncertain(record) if isinstance(record, (Identity, Workload)) else record


def _keep_deadline(budget: Budget, deadline: float) -> None:
    """Enforce the deadline for connectors that make no requests, or process their answers for long."""
    if budget.left() < -max(GRACE, GRACE_SHARE * deadline):
        raise DeadlineExceeded(f"not done after {deadline:g} seconds", hint="raise [engine] scope_deadline")


def rest_of(part: str | None) -> str:
    """The section of a gap that covers the unread rest of a scope, or of a part of it."""
    return WHOLE_SCOPE if part is None else f"{WHOLE_SCOPE}:{part}"


def gap_of(spec: Spec, source: str, scope: str, section: str, error: SourceError) -> Coverage:
    """The error as a gap that may hide every kind of record of the source."""
    gap = Coverage(
        source=source,
        provider=spec.name,
        scope=scope,
        section=section,
        status=error.status,
        detail=with_fix(str(error), error.hint),
        permission=error.permission,
        kinds=every_kind(spec),
        rungs=RUNGS,
        feeds=every_feed(spec),
    )
    return mask(gap)


def gap_in(scope: Scope, error: SourceError) -> Coverage:
    """The error as a gap that covers the unread rest of a scope."""
    gap = gap_of(scope.spec, scope.source, scope.id, rest_of(scope.part), error)
    return replace(gap, feeds_within=scope.feeds_within)


def every_kind(spec: Spec) -> tuple[str, ...]:
    """Every kind that the connector's sections list."""
    return tuple(sorted({kind for section in spec.sections for kind in section.kinds} | set(spec.kinds)))


def every_feed(spec: Spec) -> tuple[Fact, ...]:
    """Every fact that the connector's sections add to identities of other scopes."""
    return tuple(sorted({fact for section in spec.sections for fact in section.feeds}))


def _bug(source: str, error: Exception) -> SourceError:
    if isinstance(error, MemoryError):
        return SourceError("memory ran out", hint=MEMORY_HINT)
    log.error(
        "source %s: this is a bug in its connector; the scan goes on without it",
        source,
        exc_info=error,
        extra={"source": source},
    )
    return SourceError(f"internal error ({type(error).__name__})", hint="see the log; please report it")
