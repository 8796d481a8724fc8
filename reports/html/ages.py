"""Ages of credentials in classes for a chart: the states of the axis ``age``."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from scanner.model import ScanResult, StoredSecret

_STEPS = (("under 30 days", 30), ("30 to 90 days", 90), ("90 days to a year", 365), ("1 to 2 years", 730))
_OLDEST, _UNKNOWN = "over 2 years", "unknown"
AGES = (*(step for step, _ in _STEPS), _OLDEST, _UNKNOWN)


def age(since: datetime | None, now: datetime) -> str:
    """A state of the axis ``age``."""
    if since is None:
        return _UNKNOWN
    days = (now - since) / timedelta(days=1)
    return next((step for step, limit in _STEPS if days < limit), _OLDEST)


def written(secret: StoredSecret) -> datetime | None:
    """When the value of a stored secret was written."""
    return secret.rotated_at or secret.created_at


def ages(result: ScanResult) -> dict[str, int]:
    """All credentials and stored secrets by age."""
    now = result.scan.started_at
    counts = Counter(
        age(credential.created_at, now) for held in result.identities for credential in held.identity.credentials
    )
    counts.update(age(written(secret), now) for secret in result.secrets)
    return dict(counts)
