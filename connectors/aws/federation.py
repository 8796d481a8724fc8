"""``federates`` links of roles: which subjects of which outside issuer may become them, as others can join it (pure).

A link's target names the subject as the connector of its own platform would:

=========================================  ==========================================================
``github:ORG/REPOSITORY``                  a repository whose GitHub Actions workflows are let in
``gitlab:GROUP/PROJECT``                   a project whose GitLab pipelines are let in
``terraform:ORGANIZATION/WORKSPACE``       a workspace of HCP Terraform
``kubernetes:ISSUER/NAMESPACE/NAME``       a service account of the cluster with that OIDC issuer (without ``https://``)
``oidc:ISSUER#SUBJECT``                    any other subject, as it stands there; ``*`` where none is named
the ARN of an identity provider            whoever it vouches for: in addition, for every provider of the account
=========================================  ==========================================================

Wildcards stay as they are: ``github:acme/*`` is every repository of acme.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from connectors.aws.conditions import Condition
from connectors.aws.tokens import binding_claims, provider_issuer
from connectors.aws.trust_policy import ANYONE, trust_statements
from scanner.model import Link, Trust

# An issuer, the grammar of its subjects, and the target that a subject stands for. Grammars are the issuers' own.
_FORMS: tuple[tuple[re.Pattern[str], re.Pattern[str], str], ...] = (
    (
        # A repository made since July 2026 has numbers in its subject: repo:ORG@ID/REPO@ID:…
        re.compile(r"token\.actions\.githubusercontent\.com(?:/.*)?"),
        re.compile(r"repo:(?P<org>[^:/@]+)(?:@[^:/]*)?/(?P<repo>[^:/@]+)(?:@[^:/]*)?(?::.*)?"),
        "github:{org}/{repo}",
    ),
    (
        re.compile(r"gitlab\.com"),
        re.compile(r"project_path:(?P<path>[^:]+)(?::.*)?"),
        "gitlab:{path}",
    ),
    (
        re.compile(r"app\.terraform\.io"),
        re.compile(r"organization:(?P<org>[^:]+):project:[^:]*:workspace:(?P<workspace>[^:]+)(?::.*)?"),
        "terraform:{org}/{workspace}",
    ),
    (
        re.compile(r".*"),
        re.compile(r"system:serviceaccount:(?P<namespace>[^:]+):(?P<name>[^:]+)"),
        "kubernetes:{issuer}/{namespace}/{name}",
    ),
)
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
    subjects = claims.get("sub") or tuple(f"repo:{name}" for name in claims.get(_GITHUB_REPOSITORY, ())) or (ANYONE,)
    for subject in subjects:
        who = f"every subject of {issuer}" if subject == ANYONE else f"{subject} of {issuer}"
        yield Link(
            relation="federates", target=subject_target(issuer, subject), evidence=f"its trust policy lets in {who}"
        )


def subject_target(issuer: str, subject: str) -> str:
    """The target that stands for a subject of an issuer (its URL without ``https://``)."""
    for of_issuer, grammar, form in _FORMS:
        if of_issuer.fullmatch(issuer) and (parts := grammar.fullmatch(subject)):
            return form.format(issuer=issuer, **parts.groupdict())
    return f"oidc:{issuer}#{subject}"
