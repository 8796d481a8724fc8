"""The shares on a board: of whom it is asked, and of each whether it holds, does not, or cannot be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Literal, TypeAlias

from scanner.board.records import Measure
from scanner.model import ROTATED, Assessment, Credential, ScanResult

Told: TypeAlias = bool | None
"""Whether something holds; None where it cannot be told."""


def measures(result: ScanResult) -> Iterator[Measure]:
    asked = [one for one in result.identities if one.ownership.state != "not_applicable"]
    held = list(_held(result))
    gaps = sum(section.is_gap for section in result.coverage)
    yield _measure("owned", map(is_owned, asked))
    yield _measure("registered", map(_registered, asked))
    yield _measure("agents_owned", (is_owned(one) for one in asked if one.agent.is_agent))
    yield _measure("rotated", (told for _, told in rotations(result)))
    yield _measure("long_lived", (_long_lived(one, result.policy.max_lifetime) for one, _ in held), better="less")
    complete = sum(section.status == "complete" for section in result.coverage)
    yield Measure(name="read", count=complete, known=complete + gaps, unknown=0)


def _measure(name: str, told: Iterable[Told], *, better: Literal["more", "less"] = "more") -> Measure:
    counts = Counter(told)
    return Measure(
        name=name, count=counts[True], known=counts[True] + counts[False], unknown=counts[None], better=better
    )


def is_owned(one: Assessment) -> Told:
    """Whether somebody answers for it; of what no entry was found for only as sure as the gap lets it be."""
    if one.ownership.state == "unchecked" or one.registry.provisional:
        return None
    return one.ownership.state == "owned"


def _registered(one: Assessment) -> Told:
    if one.registry.state == "unchecked" or one.registry.provisional:
        return None
    return one.registry.state == "registered"


def _held(result: ScanResult) -> Iterator[tuple[Credential, Assessment]]:
    """Credentials that open something, of identities that the provider does not answer for; federation is none."""
    now = result.scan.started_at
    for holder in result.identities:
        if holder.identity.managed_by is not None or holder.identity.enabled is False:
            continue
        for credential in holder.identity.credentials:
            expired = credential.expires_at is not None and credential.expires_at <= now
            if credential.enabled is not False and not expired and credential.kind != "federation":
                yield credential, holder


def rotations(result: ScanResult) -> Iterator[tuple[Assessment, Told]]:
    """Whether credentials that want rotating had it in time: in the entry's, else in the policy's."""
    limits = {one.entry.id: one.entry.max_credential_age for one in result.entries}
    for credential, holder in _held(result):
        if credential.kind not in ROTATED:
            continue
        declared = limits.get(holder.registry.entry or "") if holder.registry.state == "registered" else None
        limit = timedelta(days=result.policy.rotation if declared is None else declared)
        created = credential.created_at
        yield holder, None if created is None else result.scan.started_at - created <= limit


def _long_lived(credential: Credential, limit_days: int) -> Told:
    if credential.never_expires:
        return True
    if credential.created_at is None or credential.expires_at is None:
        return None
    return credential.expires_at - credential.created_at > timedelta(days=limit_days)
