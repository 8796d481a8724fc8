"""Trust policies as statements: whom each lets become a role, or does not, and on what conditions (pure)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from connectors.aws.conditions import Condition, parse_conditions
from connectors.aws.globs import action_matches

ASSUMING = ("sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")
ANYONE = "*"


class Principal(Struct, frozen=True, kw_only=True, gc=False):
    """One that a trust policy names; ``type``: ``AWS``, ``Service``, ``Federated`` or ``CanonicalUser``."""

    type: str
    value: str


class TrustStatement(Struct, frozen=True, kw_only=True, gc=False):
    """What a statement says of becoming the role; ``not_principals``: of everybody but those named."""

    allow: bool
    actions: frozenset[str]
    principals: tuple[Principal, ...]
    not_principals: bool
    conditions: tuple[Condition, ...]

    def denies(self, principal: Principal) -> bool:
        """Whether it refuses that principal, whatever the circumstances."""
        named = any(each in (principal, EVERYBODY) for each in self.principals)
        return not self.allow and not self.conditions and named != self.not_principals


EVERYBODY = Principal(type="AWS", value=ANYONE)


class _StatementPayload(Struct, frozen=True, kw_only=True, rename="pascal"):
    effect: Literal["Allow", "Deny"]
    principal: Literal["*"] | dict[str, str | tuple[str, ...]] | None = None
    not_principal: Literal["*"] | dict[str, str | tuple[str, ...]] | None = None
    action: str | tuple[str, ...] | None = None
    not_action: str | tuple[str, ...] | None = None
    condition: dict[str, dict[str, Any]] = {}


class _DocumentPayload(Struct, frozen=True, kw_only=True, rename="pascal"):
    statement: _StatementPayload | tuple[_StatementPayload, ...] = ()


def trust_statements(document: Any) -> list[TrustStatement]:
    """The statements of a trust policy that are about becoming the role. Raises ValueError."""
    try:
        payload = msgspec.convert(document, _DocumentPayload)
    except msgspec.ValidationError as error:
        raise ValueError(f"not a trust policy: {error}") from error
    written = payload.statement if isinstance(payload.statement, tuple) else (payload.statement,)
    return [statement for each in written if (statement := _statement(each)).actions]


def _assuming(payload: _StatementPayload) -> frozenset[str]:
    """The calls that let somebody become the role, of those that the statement is about."""
    if (payload.action is None) == (payload.not_action is None):
        raise ValueError("a statement needs one of Action and NotAction")
    patterns = _listed(payload.action if payload.action is not None else payload.not_action)
    named = {action for action in ASSUMING if any(action_matches(pattern, action) for pattern in patterns)}
    return frozenset(named if payload.action is not None else set(ASSUMING) - named)


def _statement(payload: _StatementPayload) -> TrustStatement:
    given = payload.principal if payload.principal is not None else payload.not_principal
    if given is None:
        raise ValueError("a statement of a trust policy needs a Principal")
    by_type = {"AWS": ANYONE} if isinstance(given, str) else given
    return TrustStatement(
        allow=payload.effect == "Allow",
        actions=_assuming(payload),
        principals=tuple(Principal(type=kind, value=v) for kind, values in by_type.items() for v in _listed(values)),
        not_principals=payload.principal is None,
        conditions=parse_conditions(payload.condition),
    )


def _listed(values: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (values,) if isinstance(values, str) else values or ()
