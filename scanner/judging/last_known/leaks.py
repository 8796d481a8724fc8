"""Leaked keys that no report lists any more: a report that finds less fixes nothing while the key works. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from scanner.access.exposures import matched
from scanner.matching.places import Places
from scanner.model import EXPOSURE_KIND, Exposure, Identity
from scanner.rules.base import is_live
from scanner.text import counted, few

_NAMED = 5
"""Maximum number of leaked keys that a notice names."""


def with_working_keys(
    found: Sequence[Exposure], remembered: Sequence[Exposure], identities: Sequence[Identity], now: datetime
) -> tuple[Exposure, ...]:
    """Return the exposures, matched, with the remembered ones of keys that no report lists and that still work.

    A value that was taken out of a file stays in its history and with whoever copied it. A key without a public id
    follows its report, because nothing else tells what became of it.
    """
    listed = {one.key_id for one in found}
    unlisted = matched([one for one in remembered if one.key_id and one.key_id not in listed], identities)
    if unlisted:
        opened = {one.credential for one in unlisted} - {None}
        working = {
            credential.key
            for identity in identities
            for credential in identity.credentials
            if credential.key in opened and is_live(credential, now)
        }
        unlisted = tuple(one for one in unlisted if one.credential in working)
    every = {one.key: one for one in (*unlisted, *matched(found, identities))}
    return tuple(every[key] for key in sorted(every))


def unlisted_notices(shown: Iterable[Exposure], read: Iterable[Exposure], places: Places) -> Iterator[str]:
    """Yield a notice for each source whose reports no longer list keys that are not disabled."""
    listed = {one.key for one in read}
    kept: dict[str, set[str]] = {}
    for one in shown:
        if one.key not in listed and places.completely_read(one.source, one.scope, EXPOSURE_KIND):
            kept.setdefault(one.source, set()).add(one.key_id or "")
    for source, ids in sorted(kept.items()):
        keys = counted(len(ids), "leaked key is", "leaked keys are")
        yield f"source {source}: {keys} in no report any more, and shown until disabled: {few(sorted(ids), _NAMED)}"
