"""Leaked keys: which to rotate first, one line for each key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from scanner.model import (
    EXPOSURE_KIND,
    PRIVILEGES,
    Assessment,
    Credential,
    Exposure,
    Identity,
    PrivilegeLevel,
    ScanResult,
)
from scanner.model.attributes import EXPOSED
from scanner.rules.base import is_live
from scanner.rules.exposure import LAST_TO_ROTATE, may_hold_unlisted, rotation_priority

KeyState: TypeAlias = Literal["live", "disabled", "expired", "not listed", "unknown", "no known identity"]
"""``not listed``: the ids of the identity's keys are known, and it is none of them. ``unknown``: they are not."""
_LEAST_PRIVILEGED = len(PRIVILEGES)


class ExposedRow(Struct, frozen=True, kw_only=True, gc=False):
    """A leaked key. ``rank``: 1 is to be rotated first. ``place``: one of ``places``, of the latest commit.

    ``reading``: source, scope and section of the report.
    """

    rank: int = 0
    priority: int
    key: str
    key_id: str | None
    state: KeyState
    provider: str
    identity: str | None = None
    scope: str | None = None
    name: str | None = None
    owner: str | None = None
    privilege: PrivilegeLevel | None = None
    last_used_at: datetime | None = None
    place: str
    places: int
    commit: str | None = None
    committer: str | None = None
    exposed_at: datetime | None = None
    verified: bool | None = None
    public: bool | None = None
    source: str | None = None
    link: str | None = None
    reading: str | None = None


def exposed_rows(result: ScanResult) -> Iterator[ExposedRow]:
    """The leaked keys of a whole result, the one to rotate first at the top. ``rank`` counts them."""
    sections = {
        f"{one.source} {one.scope}": f"{one.source} {one.scope} {one.section}"
        for one in result.coverage
        if EXPOSURE_KIND in one.kinds
    }
    rows = sorted(_rows(result), key=_urgency)
    return (replace(row, rank=rank, reading=sections.get(row.reading or "")) for rank, row in enumerate(rows, start=1))


def leaking_identities(result: ScanResult) -> frozenset[str]:
    """The keys of identities with a leaked key, by a report or by the provider."""
    by_provider = (one.identity.key for one in result.identities if is_exposed(one.identity))
    return frozenset((*by_provider, *(one.identity for one in result.exposures if one.identity is not None)))


def is_exposed(identity: Identity) -> bool:
    """Whether the provider reports that a credential of it has leaked."""
    return any(credential.attributes.get(EXPOSED) for credential in identity.credentials)


def _urgency(row: ExposedRow) -> tuple[object, ...]:
    """The sort key: priority, privilege, verified, public, last used; then keys for a stable order."""
    level = _LEAST_PRIVILEGED if row.privilege is None else PRIVILEGES.index(row.privilege)
    used = 0.0 if row.last_used_at is None else -row.last_used_at.timestamp()
    return row.priority, level, row.verified is not True, row.public is not True, used, row.identity or "", row.key


def _rows(result: ScanResult) -> Iterator[ExposedRow]:
    now = result.scan.started_at
    found: dict[str, list[Exposure]] = defaultdict(list)
    for exposure in result.exposures:
        found[_subject(exposure)].append(exposure)
    for judged in result.identities:
        for credential in judged.identity.credentials:
            its = found.pop(credential.key, [])
            if its or credential.attributes.get(EXPOSED):
                yield _held(credential, judged, its, now)
    known = {one.identity.key: one for one in result.identities} if found else {}
    for key, its in found.items():
        yield _unlisted(key, its, known.get(its[0].identity or ""), now)


def _subject(exposure: Exposure) -> str:
    """The facts that all exposures of a key share."""
    if exposure.credential is not None:
        return exposure.credential
    key = exposure.key_id or exposure.holder
    return exposure.key if key is None else f"{exposure.identity or exposure.provider}#{key}"


def _held(credential: Credential, judged: Assessment, its: Sequence[Exposure], now: datetime) -> ExposedRow:
    live = is_live(credential, now)
    state: KeyState = "live" if live else "disabled" if credential.enabled is False else "expired"
    level, said = judged.privilege.level, credential.attributes.get(EXPOSED)
    row = _row(credential.key, its, judged, state, rotation_priority(level, its, is_live=live, is_public=bool(said)))
    return replace(
        row,
        key_id=credential.id,
        last_used_at=credential.last_used_at or judged.usage.last_used_at,
        public=True if said else row.public,
        place=row.place if its else said if isinstance(said, str) else "reported by the provider",
    )


def _unlisted(key: str, its: Sequence[Exposure], judged: Assessment | None, now: datetime) -> ExposedRow:
    """A key that is in no list of credentials. Only the secret scanner knows whether it works."""
    if judged is None:
        possible = any(one.verified is not False for one in its)
        certain = any(one.verified or one.public for one in its)
        return _row(key, its, None, "no known identity", 3 if certain else 4 if possible else LAST_TO_ROTATE)
    may_work = may_hold_unlisted(judged, now) and any(one.verified is not False for one in its)
    priority = rotation_priority(judged.privilege.level, its, is_live=may_work)
    return _row(key, its, judged, "unknown" if may_work else "not listed", priority)


def _row(key: str, its: Sequence[Exposure], judged: Assessment | None, state: KeyState, priority: int) -> ExposedRow:
    latest = max(its, key=lambda one: (one.exposed_at.timestamp() if one.exposed_at else 0.0, one.key), default=None)
    verified = {one.verified for one in its}
    identity = None if judged is None else judged.identity
    return ExposedRow(
        priority=priority,
        key=key,
        key_id=None if latest is None else latest.key_id or latest.holder,
        state=state,
        provider=identity.provider if identity is not None else "" if latest is None else latest.provider,
        identity=None if identity is None else identity.key,
        scope=None if identity is None else identity.scope,
        name=None if identity is None else identity.name,
        owner=None if judged is None else judged.ownership.owner,
        privilege=None if judged is None else judged.privilege.level,
        last_used_at=None if judged is None else judged.usage.last_used_at,
        place="" if latest is None else latest.place,
        places=len({(one.place, one.commit) for one in its}),
        commit=None if latest is None else latest.commit,
        committer=None if latest is None else latest.committer,
        exposed_at=min((one.exposed_at for one in its if one.exposed_at is not None), default=None),
        verified=True if True in verified else False if verified == {False} else None,
        public=True if any(one.public for one in its) else None,
        source=None if latest is None else latest.source,
        link=None if latest is None else latest.link,
        reading=None if latest is None else f"{latest.source} {latest.scope}",
    )
