"""``federates`` links of roles: which subjects of which outside issuer may become them, as others can join it (pure).

Besides whom the tokens are for (see :mod:`connectors.federation`) they lead to the ARN of each identity provider of
the account that a role trusts, which stands for whoever it vouches for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from connectors.aws.conditions import Condition
from connectors.aws.tokens import binding_claims, provider_issuer
from connectors.aws.trust_policy import trust_statements
from connectors.federation import ANY, federates_link
from scanner.model import Link, Trust

_GITHUB_REPOSITORY = "repository"


def federates_links(document: Any, trusts: Iterable[Trust]) -> tuple[Link, ...]:
    """The links that a role's trust policy gives it, sorted; ``trusts``: who is let in after all, denials counted.

    A policy that cannot be read gives none: it has no trusts either.
    """
    let_in = {trust.principal for trust in trusts if trust.kind == "federated"}
    if not let_in:
        return ()
    found = {
        Link(relation="federates", target=principal, evidence="its trust policy lets in those whom it vouches for")
        for principal in let_in
        if principal.startswith("arn:")
    }
    for statement in trust_statements(document):
        if statement.allow and not statement.not_principals:
            for principal in statement.principals:
                issuer = provider_issuer(principal.value) if principal.value in let_in else None
                if issuer:
                    found |= set(_subject_links(issuer, statement.conditions))
    return tuple(sorted(found, key=lambda link: (link.target, link.evidence)))


def _subject_links(issuer: str, conditions: Iterable[Condition]) -> Iterator[Link]:
    claims = {claim: one.values for claim, one in binding_claims(issuer, conditions).items()}
    subjects = claims.get("sub") or tuple(f"repo:{name}" for name in claims.get(_GITHUB_REPOSITORY, ())) or (ANY,)
    for subject in subjects:
        yield federates_link(issuer, subject, "its trust policy lets in")
