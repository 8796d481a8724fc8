"""The last use of an identity and its credentials: the later of the provider's record and the logs. Pure."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from scanner.judging.activity.timeline import Timeline, last_use, moment, span_of, successes
from scanner.matching.keys import fold
from scanner.model import Credential, Identity


def with_last_use(identity: Identity, line: Timeline) -> Identity:
    """The identity with the last use known, whoever recorded it. A refused try is no use."""
    used = _credentials_used(line) if identity.credentials else {}
    credentials = tuple(_used(one, used.get(fold(one.id))) for one in identity.credentials)
    last = _later(identity.last_used_at, last_use(line))
    if last == identity.last_used_at and credentials == identity.credentials:
        return identity
    return replace(identity, last_used_at=last, credentials=credentials)


def _used(credential: Credential, used: datetime | None) -> Credential:
    last = _later(credential.last_used_at, used)
    return credential if last == credential.last_used_at else replace(credential, last_used_at=last)


def _later(recorded: datetime | None, logged: datetime | None) -> datetime | None:
    return max((one for one in (recorded, logged) if one is not None), default=None)


def _credentials_used(line: Timeline) -> dict[str, datetime]:
    """By folded id, when a credential last did something that succeeded."""
    ids = {number: fold(one.value) for number, one in enumerate(line.features) if one.sort == "credential"}
    found: dict[str, datetime] = {}
    if not ids:
        return found
    for _, counts in (*line.weeks, *line.days):
        for number in successes(counts).keys() & ids.keys():
            id_, used = ids[number], moment(span_of(counts, (number,))[1])
            found[id_] = max(found.get(id_, used), used)
    return found
