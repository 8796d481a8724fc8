"""Access keys: their ids from one listing joined with their use from the credential report (pure).

The report has no key ids. A slot's rotation date equals its key's creation date until the key's status is changed;
what cannot be told apart for certain is left unmatched, to be asked about key by key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from connectors.aws.credential_report import KeySlot
from connectors.aws.payloads import AccessKey, AccessKeyLastUsed, to_second, utc


class KeyUse(Struct, frozen=True, kw_only=True, gc=False):
    """When and where a key was last used; all None: never, since records began."""

    last_used_at: datetime | None = None
    service: str | None = None
    region: str | None = None


def match_slots(keys: Sequence[AccessKey], slots: Sequence[KeySlot]) -> dict[str, KeyUse] | None:
    """The use of each key by its id; None when even one of them cannot be told for certain."""
    keys_at, slots_at = _by_second(keys), _slots_by_second(slots)
    uses: dict[str, KeyUse] = {}
    for second, created in keys_at.items():
        matched = _pair(created, slots_at.get(second, []))
        if matched is None:
            return None
        uses |= matched
    return uses


def _pair(keys: Sequence[AccessKey], slots: Sequence[KeySlot]) -> dict[str, KeyUse] | None:
    """Keys and slots of the same second: one of each, or told apart by status, or all with the same use."""
    if len(keys) != len(slots):
        return None
    uses = [_use_of_slot(slot) for slot in slots]
    if all(use == uses[0] for use in uses):
        return {key.access_key_id: uses[0] for key in keys}
    by_status = {slot.active: use for slot, use in zip(slots, uses, strict=True)}
    statuses = {is_active(key) for key in keys}
    if len(by_status) == len(slots) and statuses == set(by_status):
        return {key.access_key_id: by_status[is_active(key)] for key in keys}
    return None


def is_active(key: AccessKey) -> bool:
    """Whether AWS takes requests signed with it."""
    return key.status.lower() == "active"


def use_of_answer(answer: AccessKeyLastUsed) -> KeyUse:
    """The use that GetAccessKeyLastUsed tells; ``N/A`` in it is "none"."""
    used = answer.last_used_date is not None
    return KeyUse(
        last_used_at=utc(answer.last_used_date),
        service=answer.service_name if used else None,
        region=answer.region if used and answer.region != "N/A" else None,
    )


def _use_of_slot(slot: KeySlot) -> KeyUse:
    return KeyUse(last_used_at=slot.last_used_at, service=slot.last_used_service, region=slot.last_used_region)


def _by_second(keys: Iterable[AccessKey]) -> dict[datetime | None, list[AccessKey]]:
    found = defaultdict(list)
    for key in keys:
        found[to_second(utc(key.create_date))].append(key)
    return found


def _slots_by_second(slots: Iterable[KeySlot]) -> dict[datetime | None, list[KeySlot]]:
    found = defaultdict(list)
    for slot in slots:
        if slot.rotated_at is not None:
            found[to_second(slot.rotated_at)].append(slot)
    return found
