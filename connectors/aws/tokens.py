"""Whose tokens a federated trust takes, and whom they must be for (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from connectors.aws.conditions import Condition

_OIDC = re.compile(r"arn:[^:]+:iam::\d{12}:oidc-provider/(.+)")
_SAML = re.compile(r"arn:[^:]+:iam::\d{12}:saml-provider/.+")


def issuer_of(principal: str) -> str | None:
    """The URL, without its scheme, of whoever issues the tokens; None where assertions are of another sort."""
    return None if _SAML.fullmatch(principal) else provider_issuer(principal) or principal


def provider_issuer(principal: str) -> str | None:
    """The issuer that a provider of the account stands for, as :func:`issuer_of` has it; None for any other."""
    named = _OIDC.fullmatch(principal)
    return named[1] if named else None


def subjects_of(issuer: str, conditions: Iterable[Condition]) -> tuple[str | None, ...]:
    """Whom tokens must be for, as patterns; None where no one is named, or only by what we cannot match."""
    named = binding_claims(issuer, conditions).get("sub")
    return (None,) if named is None else tuple(map(named.pattern, named.values))


def binding_claims(issuer: str, conditions: Iterable[Condition]) -> dict[str, Condition]:
    """What narrows each claim of who may come, by the claim's name; of two conditions on one, the narrower."""
    prefix = f"{issuer.lower()}:"
    binding = sorted(
        (one for one in conditions if one.restriction != "none"), key=lambda one: one.restriction == "exact"
    )
    return {one.key.removeprefix(prefix): one for one in binding if one.key.startswith(prefix)}
