"""Forgetting a source that is retired, or one scope of it: what the store then holds instead of the latest scan."""

from __future__ import annotations

from datetime import datetime

from scanner import __version__
from scanner.continuity.forgetting import Forgetting, forget
from scanner.errors import UsageError
from scanner.history.outbox import Alarms
from scanner.history.store import Store
from scanner.model import BlindSpot, Forgotten, ScanInfo, ScanResult
from scanner.text import printable

PLACES_NAMED = 20


def plan_forgetting(store: Store, place: Forgotten, scan_id: str, now: datetime) -> Forgetting:
    """What :func:`forget_place` would do. Raises UsageError for a place of which nothing is known."""
    last, blind = store.load(), store.outbox.blind_spots()
    known = _places(last, blind)
    if not any(place.holds(*one) for one in known):
        raise _unknown(place, known)
    info = ScanInfo(id=scan_id, started_at=now, finished_at=now, version=__version__)
    return forget(last, place, info)


def forget_place(store: Store, place: Forgotten, scan_id: str, now: datetime) -> Forgetting:
    """End all that only this place knew, as of now; earlier scans stay as they were. Raises as the planning does."""
    with store.alone():
        done = store.steadily(lambda: plan_forgetting(store, place, scan_id, now))
        blind = tuple(
            one
            for one in store.outbox.blind_spots()
            if one.source == place.source and not place.holds(one.source, one.scope)
        )
        store.save(done.after, Alarms(blind=blind, sources=frozenset({place.source})), forgot=place)
    return done


def _places(last: ScanResult, blind: tuple[BlindSpot, ...]) -> set[tuple[str, str]]:
    """Sources and scopes that something is known of."""
    places = {(one.source, one.scope) for one in last.coverage} | {(one.source, one.scope) for one in blind}
    places |= {(one.source, one.scope) for one in last.secrets} | {(one.source, one.scope) for one in last.workloads}
    places |= {(one.source, one.scope) for one in last.assignments}
    found = (one.identity for one in last.identities)
    return places | {(source, one.scope) for one in found for source in (one.source, *one.sources)}


def _unknown(place: Forgotten, known: set[tuple[str, str]]) -> UsageError:
    scopes = sorted(scope for source, scope in known if source == place.source)
    names = scopes or sorted({source for source, _ in known})
    shown = ", ".join(map(printable, names[:PLACES_NAMED])) or "none"
    more = f" and {len(names) - PLACES_NAMED} more" if len(names) > PLACES_NAMED else ""
    return UsageError(
        f"the store knows nothing of {place}",
        hint=f"{'scopes of that source' if scopes else 'sources that it knows'}: {shown}{more}",
    )
