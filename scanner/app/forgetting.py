"""Remove a retired source, or one scope of it, from the store's current state."""

from __future__ import annotations

from datetime import datetime

from scanner import __version__
from scanner.app.acting import by_command
from scanner.errors import UsageError
from scanner.judging.last_known.forgetting import Forgetting, forget
from scanner.model import BlindSpot, Forgotten, ScanInfo, ScanResult
from scanner.model.decisions import Act
from scanner.store.outbox import Alarms
from scanner.store.store import Store
from scanner.text import few, printable

PLACES_NAMED = 20


def plan_forgetting(store: Store, place: Forgotten, scan_id: str, now: datetime) -> Forgetting:
    """What :func:`forget_place` would do. Raises UsageError for an unknown place."""
    last, blind = store.load(), store.outbox.blind_spots()
    known = _places(last, blind)
    if not any(place.holds(*known_place) for known_place in known):
        raise _unknown(place, known)
    info = ScanInfo(id=scan_id, started_at=now, finished_at=now, version=__version__)
    return forget(last, place, info)


def forget_place(store: Store, place: Forgotten, scan_id: str, now: datetime) -> Forgetting:
    """Remove what only this place reported. Earlier scans do not change. Raises as :func:`plan_forgetting` does."""
    with store.alone():
        done = store.retrying(lambda: plan_forgetting(store, place, scan_id, now))
        blind = tuple(
            spot
            for spot in store.outbox.blind_spots()
            if spot.source == place.source and not place.holds(spot.source, spot.scope)
        )
        act = Act(
            what="forgot",
            actor=by_command(),
            at=now,
            about={"source": place.source} | ({} if place.scope is None else {"scope": place.scope}),
            after=str(done),
        )
        store.save(done.after, Alarms(blind=blind, sources=frozenset({place.source})), forgot=place, decided=[act])
    return done


def _places(last: ScanResult, blind: tuple[BlindSpot, ...]) -> set[tuple[str, str]]:
    """The known sources and scopes."""
    places = {(record.source, record.scope) for record in last.coverage} | {(spot.source, spot.scope) for spot in blind}
    places |= {(secret.source, secret.scope) for secret in last.secrets} | {
        (workload.source, workload.scope) for workload in last.workloads
    }
    places |= {(assignment.source, assignment.scope) for assignment in last.assignments}
    places |= {(exposure.source, exposure.scope) for exposure in last.exposures}
    found = (assessment.identity for assessment in last.identities)
    return places | {(source, identity.scope) for identity in found for source in (identity.source, *identity.sources)}


def _unknown(place: Forgotten, known: set[tuple[str, str]]) -> UsageError:
    scopes = sorted(scope for source, scope in known if source == place.source)
    names = scopes or sorted({source for source, _ in known})
    shown = few(list(map(printable, names)), PLACES_NAMED) or "none"
    return UsageError(
        f"the store knows nothing of {place}",
        hint=f"{'scopes of that source' if scopes else 'known sources'}: {shown}",
    )
