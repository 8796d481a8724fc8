"""Tokens as credentials."""

from __future__ import annotations

from datetime import UTC, datetime

from connectors.vault.payloads import Token, moment
from scanner.model import Credential, credential_key


def parse_token(identity: str, row: Token, *, is_own: bool) -> Credential:
    """A token of the identity with that key, under its accessor.

    The server keeps no record of use; a renewal is the one sign of life. ``own_token``: this scan read with it.
    """
    expires = moment(row.expire_time)
    facts = {
        "path": row.path,
        "policies": sorted(set(row.policies or ())),
        "period": row.period,
        "explicit_max_ttl": row.explicit_max_ttl,
        "num_uses": row.num_uses,
        "bound_cidrs": row.bound_cidrs,
        "own_token": is_own,
    }
    return Credential(
        key=credential_key(identity, "token", row.accessor),
        kind="token",
        id=row.accessor,
        enabled=True,
        created_at=created_at(row),
        expires_at=expires,
        never_expires=expires is None and row.ttl == 0,
        last_used_at=moment(row.last_renewal),
        attributes={
            "orphan": row.orphan,
            "renewable": row.renewable,
            **{key: value for key, value in facts.items() if value},
        },
    )


def created_at(row: Token) -> datetime | None:
    """When it was issued; None for what is no time."""
    try:
        return datetime.fromtimestamp(row.creation_time, UTC) if row.creation_time else None
    except (ValueError, OverflowError, OSError):
        return None
