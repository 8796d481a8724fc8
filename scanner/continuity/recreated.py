"""Which identities were deleted and made anew under a key that was known: what was approved is another one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

import msgspec

from scanner.model import Finding, Identity, Recreation

LOOK_BACK = timedelta(days=90)
"""No place stays unread for so long between two scans that what was made anew in it is older."""


def to_look_up(identities: Iterable[Identity], now: datetime) -> dict[str, Identity]:
    """By key, those that may be new under their key: made lately, or nobody knows when."""
    return {
        one.key: one
        for one in identities
        if one.unique_id is not None and (one.created_at is None or now - one.created_at <= LOOK_BACK)
    }


def recreations(
    identities: Mapping[str, Identity],
    last_ids: Mapping[str, tuple[str, str]],
    standing: Iterable[Finding],
    today: date,
) -> dict[str, Recreation]:
    """By key, how each was made anew, as this scan or an earlier one found it.

    ``identities``: those to look at, by key; ``last_ids``: source and unique id that these keys had last, for a list
    may have ids of its own. ``standing``: the last scan's findings of the rule, each of which stands for as long as
    its key keeps that unique id.
    """
    known = {finding.identity: msgspec.convert(finding.evidence, Recreation) for finding in standing}
    stand = {key: one for key, one in known.items() if key is not None}
    made = {
        key: Recreation(
            unique_id=one.unique_id,
            before=last_ids[key][1],
            recreated_on=today if one.created_at is None else one.created_at.date(),
        )
        for key, one in identities.items()
        if one.unique_id is not None and _is_another(one.unique_id, one.source, last_ids.get(key))
    }
    return stand | made


def _is_another(unique_id: str, source: str, last: tuple[str, str] | None) -> bool:
    return last is not None and last[0] == source and last[1] != unique_id
