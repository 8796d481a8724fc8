"""Who may sign in with a token of someone else's: subjects and expressions of federated credentials."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.azure.identities.federation import CLUSTERS, ENTRA, Terms, federates, is_external, trust_of
from connectors.federation import recognised

TENANT = "11111111-2222-3333-4444-555555555555"
GITHUB = "https://token.actions.githubusercontent.com"
OWN = "https://gitlab.acme.example"
AKS = "https://westeurope.oic.prod-aks.azure.com/t/c"
MAIN = "repo:acme/app:ref:refs/heads/main"


def terms(issuer: str = GITHUB, subject: str | None = None, expression: str | None = None) -> Terms:
    """As a service gives them."""
    flexible = None if expression is None else {"value": expression}
    return msgspec.convert({"issuer": issuer, "subject": subject, "claimsMatchingExpression": flexible}, Terms)


@pytest.mark.parametrize(
    ("issuer", "external"),
    [
        (GITHUB, True),
        (AKS, None),
        (f"{AKS}/", None),
        ("https://oic.prod-aks.azure.com.example.com/t/c", True),
        (f"https://login.microsoftonline.com/{TENANT}/v2.0", False),
        (f"https://LOGIN.microsoftonline.com/{TENANT.upper()}/v2.0", False),
        (f"https://sts.windows.net/{TENANT}/", False),
        ("https://login.microsoftonline.com/99999999-2222-3333-4444-555555555555/v2.0", True),
        (f"https://login.example.com/{TENANT}/v2.0", True),
        (f"https://login.example.com/?{TENANT}", True),
        ("https://[", True),
        ("", True),
    ],
)
def test_whose_tokens_are_let_in(issuer: str, external: bool | None) -> None:
    """Our own tenant's are ours; a cluster may be ours, which is known when everything has been read."""
    assert is_external(issuer, TENANT) is external


def test_the_names_of_issuers_are_those_of_the_table() -> None:
    """Else no one would be recognised."""
    (entra, _), *_ = recognised(f"https://sts.windows.net/{TENANT}/")
    (cluster, _), *_ = recognised(AKS)

    assert (entra.name, cluster.name) == (ENTRA, CLUSTERS)


@pytest.mark.parametrize(
    ("given", "restriction", "subject", "target"),
    [
        (terms(subject=MAIN), "exact", MAIN, "github:acme/app"),
        (terms(subject="repo:acme/app:pull_request"), "loose", "repo:acme/app:pull_request", "github:acme/app"),
        (terms(subject="repo:acme/app:ref:*"), "exact", None, None),
        (terms(expression=f"claims['sub'] eq '{MAIN}'"), "exact", MAIN, "github:acme/app"),
        (terms(expression=f"claims['sub'] matches '{MAIN}'"), "exact", MAIN, "github:acme/app"),
        (terms(expression="claims['sub'] eq 'repo:acme/*'"), "exact", None, None),
        (terms(expression="claims['sub'] matches 'repo:acme/app:environment:*'"), "loose",
         "repo:acme/app:environment:*", "github:acme/app"),
        (terms(expression="claims['sub'] matches 'repo:acme/*'"), "loose", "repo:acme/*", "github:acme/*"),
        (terms(expression="claims['sub'] matches 'repo:*/app:ref:refs/heads/main'"), "none",
         "repo:*/app:ref:refs/heads/main", "github:*/app"),
        (terms(expression="claims['sub'] matches '*'"), "none", "*", "oidc:token.actions.githubusercontent.com#*"),
        (terms(expression=f"claims['sub'] eq '{MAIN}' and claims['job_workflow_ref'] matches 'x/y/*'"), "exact",
         MAIN, "github:acme/app"),
        (terms(expression="claims['job_workflow_ref'] matches 'x/y/*@refs/heads/main'"), "loose", None,
         "oidc:token.actions.githubusercontent.com#*"),
        (terms(expression="claims['actor'] eq 'octocat'"), "none", None, "oidc:token.actions.githubusercontent.com#*"),
        (terms(expression="nobody knows"), "loose", None, "oidc:token.actions.githubusercontent.com#*"),
        (terms(), "loose", None, "oidc:token.actions.githubusercontent.com#*"),
        (terms(subject=""), "loose", None, "oidc:token.actions.githubusercontent.com#*"),
        (terms(OWN, "project_path:a/b:ref:main"), "exact", "project_path:a/b:ref:main",
         "oidc:gitlab.acme.example#project_path:a/b:ref:main"),
        (terms(OWN, expression="claims['sub'] matches '*'"), "loose", "*", "oidc:gitlab.acme.example#*"),
        (terms(AKS, "system:serviceaccount:a:b"), "exact", "system:serviceaccount:a:b",
         "kubernetes:westeurope.oic.prod-aks.azure.com/t/c/a/b"),
    ],
)  # fmt: skip
def test_how_far_a_credential_is_narrowed(
    given: Terms, restriction: str, subject: str | None, target: str | None
) -> None:
    """A subject is meant letter for letter; an expression as far as it stays inside one organisation."""
    trust = trust_of("ci", given, TENANT)

    assert (trust.restriction, trust.subject, trust.issuer) == (restriction, subject, given.issuer)
    assert [(one.relation, one.target) for one in federates([trust])] == ([("federates", target)] if target else [])


@pytest.mark.parametrize(
    ("given", "evidence"),
    [
        (terms(subject=MAIN), f"subject {MAIN}"),
        (terms(expression=f"claims['sub'] eq '{MAIN}'"), f"every subject that matches claims['sub'] eq '{MAIN}'"),
        (terms(expression="nobody knows"), "every subject that matches nobody knows, which is not understood"),
        (terms(), "an expression over the claims, which could not be read"),
    ],
)
def test_a_credential_says_who_it_takes_tokens_for(given: Terms, evidence: str) -> None:
    """Also where that is not known."""
    assert trust_of("ci", given, TENANT).evidence == f"its federated credential ci takes tokens for {evidence}"


@given(st.text(), st.text() | st.none(), st.text() | st.none())
def test_any_text_is_kept_as_it_is(issuer: str, subject: str | None, expression: str | None) -> None:
    """It is someone else's, and breaks nothing."""
    reported = terms(issuer, subject, expression)

    trust = trust_of("ci", reported, TENANT)

    assert trust.external in (True, None)
    assert trust.subject in (None, subject)
    assert (reported.facts["issuer"], reported.facts.get("subject")) == (issuer, subject)
    federates([trust])
