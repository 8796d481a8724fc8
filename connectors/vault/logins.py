"""Roles of login methods, and their credentials: secret-ids and tokens (pure)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from connectors.core.contract import Scope
from connectors.vault.client.payloads import SecretId, Token, moment, simple_strings
from connectors.vault.methods import LoginMethod, RolePayload
from scanner.model import Credential, Signal, credential_key

DEFAULT_POLICY = "default"
FULLY_TRACKED_DAYS = 36_500
"""A secret-id with limited uses is updated on every login, so its use is known since its creation."""
_POLICY_FIELDS = frozenset({"token_policies", "policies", "token_no_default_policy"})


class LoginRole(Struct, frozen=True, kw_only=True):
    """A role before it is joined with its entity and tokens. ``is_read`` is False if only its name is known."""

    key: str
    method: LoginMethod
    mount: str
    name: str
    policies: tuple[str, ...]
    is_read: bool
    attributes: dict[str, Any]
    signals: tuple[Signal, ...]


def parse_role(scope: Scope, method: LoginMethod, mount: str, name: str, payload: RolePayload | None) -> LoginRole:
    """A role (or user), from its details if they could be read."""
    row = payload or method.payload()
    named = {*(row.token_policies or ()), *(row.policies or ())}
    default = {DEFAULT_POLICY} if payload and not row.token_no_default_policy else set()
    facts = msgspec.structs.asdict(row).items()
    return LoginRole(
        key=f"vault://{scope.id}/auth/{mount}/{method.login.noun}/{name}",
        method=method,
        mount=mount,
        name=name,
        policies=tuple(sorted(named | default)),
        is_read=payload is not None,
        attributes={key: value for key, value in facts if key not in _POLICY_FIELDS and value not in (None, 0, [], "")},
        signals=(_signal(method, row),),
    )


def _signal(method: LoginMethod, row: RolePayload) -> Signal:
    is_human = method.login.interactive or getattr(row, "role_type", None) == "oidc"
    return Signal(
        says="human" if is_human else "machine",
        sort="provider",
        evidence=f"logs in through {method.section.removeprefix('auth.')}",
        strength="weak" if is_human else "strong",
    )


def parse_secret_id(role: LoginRole, row: SecretId) -> Credential:
    """A secret-id. Its last use is known only if its uses are limited: each login lowers their number."""
    created, updated = moment(row.creation_time), moment(row.last_updated_time)
    expires = moment(row.expiration_time)
    is_tracked = row.secret_id_num_uses > 0
    return Credential(
        key=credential_key(role.key, "secret_id", row.secret_id_accessor),
        kind="secret_id",
        id=row.secret_id_accessor,
        enabled=True,
        created_at=created,
        expires_at=expires,
        never_expires=expires is None and row.secret_id_ttl == 0,
        last_used_at=updated if is_tracked and _is_later(updated, created) else None,
        use_tracked_days=FULLY_TRACKED_DAYS if is_tracked else None,
        attributes={
            key: value
            for key, value in (
                ("uses_left", row.secret_id_num_uses),
                ("bound_cidrs", row.cidr_list),
                ("metadata", simple_strings(row.metadata)),
            )
            if value
        },
    )


def _is_later(moment_: datetime | None, than: datetime | None) -> bool:
    return moment_ is not None and than is not None and moment_ > than


# --- Tokens as credentials ---


def parse_token(identity: str, row: Token, *, is_own: bool) -> Credential:
    """A token as a credential of an identity, with its accessor as id. ``is_own``: it is the token of this scan.

    The server does not record the use of tokens; a renewal counts as use.
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
    """The issue time of the token; None if it is missing or invalid."""
    try:
        return datetime.fromtimestamp(row.creation_time, UTC) if row.creation_time else None
    except (ValueError, OverflowError, OSError):
        return None
