"""Federated credentials: which external tokens are accepted instead of a secret (pure).

Applications, agent blueprints and user-assigned identities have the same kind. A credential names one subject, or an
expression that claims must match. Source:
https://learn.microsoft.com/entra/workload-id/workload-identities-flexible-federated-identity-credentials
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from connectors.core.contract import own_words
from connectors.federation import SUBJECT, Restriction, is_by_name, links_of, narrowest, recognised, shared
from scanner.model import Claim, Credential, Link, Trust, credential_key

ENTRA, CLUSTERS = "Microsoft Entra", "Azure Kubernetes Service"
"""Issuers whose tokens may come from the organization itself, by their names in ``issuers.toml``."""
_EXACTLY = "eq"
_CLAUSE = r"claims\['(\w+)'\] (eq|matches) '([^']*)'"
_EXPRESSION = re.compile(rf"{_CLAUSE}(?: and {_CLAUSE})*")
_SIGNS = "*?"


class Expression(Struct, frozen=True, kw_only=True, rename="camel"):
    """An expression over claims: ``claims['sub'] matches 'repo:acme/*' and …``."""

    value: str | None = None


class Terms(Struct, frozen=True, kw_only=True, rename="camel"):
    """The issuer whose tokens are accepted, and a subject or an expression."""

    issuer: str | None = None
    subject: str | None = None
    audiences: tuple[str, ...] | None = None
    claims_matching_expression: Expression | None = None

    @property
    def expression(self) -> str | None:
        """The expression, if reported."""
        return (self.claims_matching_expression and self.claims_matching_expression.value) or None

    @property
    def lacks_subject(self) -> bool:
        """Whether neither was reported; one of them is always there."""
        return not (self.subject or self.expression)

    @property
    def facts(self) -> dict[str, Any]:
        """As attributes of a credential."""
        reported = {"issuer": self.issuer, "subject": self.subject, "expression": self.expression}
        return {
            **{name: value for name, value in reported.items() if value is not None},
            "audiences": list(self.audiences or ()),
        }


class Clause(Struct, frozen=True, kw_only=True):
    """A condition on one claim: equal to ``value``, or like it."""

    claim: str
    operator: str
    value: str

    @property
    def is_literal(self) -> bool:
        """Whether its value has no wildcards."""
        return self.operator == _EXACTLY

    @property
    def bound(self) -> Restriction:
        """The restriction of its claim."""
        if self.is_literal or not _has_signs(self.value):
            return "exact"
        return "loose" if self.value.strip(_SIGNS) else "none"

    @property
    def pattern(self) -> str | None:
        """The value as a pattern with ``*`` and ``?``; None if no pattern expresses it."""
        return None if self.is_literal and _has_signs(self.value) else self.value


def clauses_of(terms: Terms) -> tuple[Clause, ...]:
    """The conditions that must all hold; empty if none is reported, or the expression is not understood."""
    if terms.subject:
        return (Clause(claim=SUBJECT, operator=_EXACTLY, value=terms.subject),)
    text = terms.expression or ""
    if not _EXPRESSION.fullmatch(text):
        return ()
    return tuple(Clause(claim=claim, operator=how, value=value) for claim, how, value in re.findall(_CLAUSE, text))


def credential_of(key: str, id_: str, terms: Terms, *, name: str | None = None) -> Credential:
    """A credential of the identity with that key. ``name``: its name, if that differs from the id."""
    return Credential(
        key=credential_key(key, "federation", id_),
        kind="federation",
        id=id_,
        never_expires=True,
        attributes=({} if name is None else {"name": name}) | terms.facts,
    )


def trust_of(name: str, terms: Terms, tenant: str) -> Trust:
    """The trust that a credential grants. ``tenant``: the tenant that is scanned."""
    clauses = clauses_of(terms)
    subject = next((one.pattern for one in clauses if one.claim == SUBJECT), None)
    claims = tuple(
        Claim(name=one.claim, values=() if one.pattern is None else (one.pattern,))
        for one in clauses
        if one.claim != SUBJECT
    )
    return Trust(
        principal=terms.issuer or "unknown",
        kind="federated",
        external=None if terms.issuer is None else is_external(terms.issuer, tenant),
        restriction=_restriction(terms.issuer or "", clauses),
        evidence=f"its federated credential {own_words(name)} takes tokens for {_subjects(terms, clauses)}",
        issuer=terms.issuer,
        subject=subject,
        claims=claims,
        by_name=is_by_name(terms.issuer or "", subject, claims),
    )


def federates(trusts: Iterable[Trust]) -> tuple[Link, ...]:
    """The links to all subjects in these trusts."""
    return links_of(trusts, "a federated credential trusts")


def is_external(issuer: str, tenant: str) -> bool | None:
    """Whether the issuer is external. None for a cluster, which may belong to the organization: decided later."""
    for one, parts in recognised(issuer):
        if one.name == ENTRA:
            return (parts["own"] or "").lower() != tenant.lower()
        if one.name == CLUSTERS:
            return None
    return True


def _restriction(issuer: str, clauses: Sequence[Clause]) -> Restriction:
    if not clauses:
        return "loose"
    everybodys = shared(issuer)
    if everybodys is None:  # an issuer of one tenant narrows by itself
        return narrowest(("loose", *(one.bound for one in clauses)))
    return narrowest(everybodys.narrows(one.claim, one.bound, (one.value,)) for one in clauses)


def _subjects(terms: Terms, clauses: Sequence[Clause]) -> str:
    if terms.subject:
        return f"subject {own_words(terms.subject)}"
    if terms.expression is None:
        return "an expression over the claims, which could not be read"
    return f"every subject that matches {own_words(terms.expression)}" + (
        "" if clauses else ", which is not understood"
    )


def _has_signs(text: str) -> bool:
    return any(sign in text for sign in _SIGNS)
