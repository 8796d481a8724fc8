"""``federates`` links: subjects of outside issuers, in words that the connectors of their platforms can join."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.federation import links_of, subject_target
from scanner.model import Trust

GITHUB = "token.actions.githubusercontent.com"
EKS = "oidc.eks.eu-west-1.amazonaws.com/id/ABC"
AKS = "westeurope.oic.prod-aks.azure.com/T/C"
BITBUCKET = "api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc"
ROLE = "arn:aws:iam::123456789012:role/deploy"


@pytest.mark.parametrize(
    ("issuer", "subject", "target"),
    [
        (GITHUB, "repo:acme/app:ref:refs/heads/main", "github:acme/app"),
        (GITHUB, "repo:acme/app:*", "github:acme/app"),
        (GITHUB, "repo:acme/app", "github:acme/app"),
        (GITHUB, "repo:acme/*", "github:acme/*"),
        (GITHUB, "repo:acme@12/app@34:environment:prod", "github:acme/app"),
        (f"{GITHUB}/acme", "repo:acme/app:pull_request", "github:acme/app"),
        (f"https://{GITHUB.upper()}/", "repo:acme/app:pull_request", "github:acme/app"),
        (GITHUB, "repo:*", f"oidc:{GITHUB}#repo:*"),
        ("gitlab.com", "project_path:group/sub/app:ref_type:branch:ref:main", "gitlab:group/sub/app"),
        ("app.terraform.io", "organization:acme:project:p:workspace:w:run_phase:*", "terraform:acme/w"),
        ("app.eu.terraform.io", "organization:acme:project:p:workspace:w:run_phase:plan", "terraform:acme/w"),
        (BITBUCKET, "{1-2}:{3-4}", "bitbucket:acme/1-2"),
        ("oidc.circleci.com/org/1-2", "org/1-2/project/3-4/user/5-6", "circleci:1-2/3-4"),
        ("agent.buildkite.com", "organization:acme:pipeline:app:ref:refs/heads/main:commit:x", "buildkite:acme/app"),
        ("vstoken.dev.azure.com/1-2", "sc://acme/shop/Prod", "azuredevops:acme/shop/Prod"),
        ("login.microsoftonline.com/T/v2.0", "/eid1/c/pub/t/x/a/y/sc/1-2/3-4", "azuredevops:1-2/3-4"),
        ("login.microsoftonline.com/T/v2.0", "1-2", "entra:T/1-2"),
        ("sts.windows.net/T/", "1-2", "entra:T/1-2"),
        ("accounts.google.com", "123456789012345678901", "google:123456789012345678901"),
        ("cognito-identity.amazonaws.com", "eu-west-1:0a-1b", "cognito:eu-west-1:0a-1b"),
        ("cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab", "client", "cognito:eu-west-1_Ab/client"),
        ("1-2.tokens.sts.global.api.aws", ROLE, ROLE),
        ("aws:123456789012", f"{ROLE}/*", f"{ROLE}/*"),
        (EKS, "system:serviceaccount:prod:api", f"kubernetes:{EKS}/prod/api"),
        (EKS, "system:serviceaccount:prod:*", f"kubernetes:{EKS}/prod/*"),
        (f"https://{AKS}/", "system:serviceaccount:prod:api", f"kubernetes:{AKS}/prod/api"),
        ("idp.example", "x", "oidc:idp.example#x"),
        ("notgitlab.com", "project_path:a/b", "oidc:notgitlab.com#project_path:a/b"),
        ("accounts.google.com", "123x", "oidc:accounts.google.com#123x"),
        ("accounts.google.com.example.com", "123", "oidc:accounts.google.com.example.com#123"),
        ("idp.example", "{issuer}", "oidc:idp.example#{issuer}"),
    ],
)
def test_a_subject_is_named_as_its_own_platform_does(issuer: str, subject: str, target: str) -> None:
    """A repository, a project, a workspace, a service account; else the issuer and the subject as they stand."""
    assert subject_target(issuer, subject) == target


def trust(subject: str | None, **facts: Any) -> Trust:
    """A trust in an issuer's subject."""
    usual = {"principal": "p", "kind": "federated", "evidence": "e", "issuer": f"https://{GITHUB}", "subject": subject}
    return Trust(**{**usual, **facts})


@pytest.mark.parametrize(
    ("given", "target"),
    [
        (trust("repo:acme/app:*", restriction="loose"), "github:acme/app"),
        (trust(None), f"oidc:{GITHUB}#*"),
        (trust(None, restriction="loose"), f"oidc:{GITHUB}#*"),
        (trust(None, restriction="exact"), None),
        (trust("x", issuer="saml:providers/okta"), None),
        (trust("x", issuer="x509:providers/ca"), None),
        (trust("x", issuer=None), None),
        (trust("x", kind="anyone"), None),
    ],
)
def test_a_trust_leads_to_who_it_names(given: Trust, target: str | None) -> None:
    """To everyone where it names no one; one that is exact by what we cannot say names someone."""
    assert [(one.relation, one.target) for one in links_of([given], "it lets in")] == (
        [("federates", target)] if target else []
    )


def test_several_trusts_in_one_repository_are_one_link() -> None:
    """By the first of them; a branch more or less is reported by the trusts."""
    trusts = [trust("repo:acme/b:ref:x"), trust("repo:acme/app:ref:x"), trust("repo:acme/app:ref:y")]

    assert [(one.target, one.evidence) for one in links_of(trusts, "it lets in")] == [
        ("github:acme/app", f"it lets in repo:acme/app:ref:x of {GITHUB}"),
        ("github:acme/b", f"it lets in repo:acme/b:ref:x of {GITHUB}"),
    ]


@pytest.mark.parametrize(
    ("subject", "words"),
    [(None, f"it lets in every subject of {GITHUB}"), ("repo:acme/app", f"it lets in repo:acme/app of {GITHUB}")],
)
def test_the_evidence_of_a_link_names_the_subject(subject: str | None, words: str) -> None:
    """Or says that there is no restriction."""
    assert [one.evidence for one in links_of([trust(subject)], "it lets in")] == [words]


@given(st.text(), st.text())
def test_any_subject_has_a_target(issuer: str, subject: str) -> None:
    """Whatever an author wrote there, it takes one of the forms."""
    assert subject_target(issuer, subject).startswith(("kubernetes:", "oidc:"))
    assert subject_target(GITHUB, subject).startswith(("github:", "kubernetes:", "oidc:"))
