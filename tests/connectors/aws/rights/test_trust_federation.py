"""``federates`` links: subjects of outside issuers, in words that the connectors of their platforms can join."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.aws.rights.trust import federates_links, parse_trusts

OWN = "123456789012"
GITHUB = "token.actions.githubusercontent.com"
EKS = "oidc.eks.eu-west-1.amazonaws.com/id/ABC"


def provider(issuer: str) -> str:
    """The ARN of an OIDC provider of the account."""
    return f"arn:aws:iam::{OWN}:oidc-provider/{issuer}"


def statement(principal: Any, condition: dict[str, Any] | None = None, effect: str = "Allow") -> dict[str, Any]:
    """A statement about a federated principal."""
    action = "sts:AssumeRoleWithWebIdentity"
    return {"Effect": effect, "Principal": {"Federated": principal}, "Action": action, "Condition": condition or {}}


def targets(*statements: dict[str, Any]) -> list[str]:
    """Who the links of a trust policy lead to, but for the providers themselves."""
    document = {"Statement": list(statements)}
    links = federates_links(document, parse_trusts(document, OWN))
    assert {link.relation for link in links} <= {"federates"}
    return [link.target for link in links if not link.target.startswith("arn:")]


def test_a_subject_is_named_as_its_own_platform_does() -> None:
    """As for every cloud; see ``tests/connectors/test_federation.py``."""
    condition = {"StringLike": {f"{GITHUB}:sub": "repo:acme/app:*", f"{GITHUB}:aud": "sts.amazonaws.com"}}

    assert targets(statement(provider(GITHUB), condition)) == ["github:acme/app"]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, [f"oidc:{GITHUB}#*"]),
        ({"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}, [f"oidc:{GITHUB}#*"]),
        ({"StringLike": {f"{GITHUB}:sub": "*"}}, [f"oidc:{GITHUB}#*"]),
        ({"StringEqualsIfExists": {f"{GITHUB}:sub": "repo:acme/app:*"}}, [f"oidc:{GITHUB}#*"]),
        ({"StringEquals": {f"{GITHUB}:repository": ["acme/app", "acme/web"]}}, ["github:acme/app", "github:acme/web"]),
        (
            {"StringLike": {f"{GITHUB}:sub": "repo:acme/*"}, "StringEquals": {f"{GITHUB}:SUB": "repo:acme/app:x"}},
            ["github:acme/app"],
        ),
    ],
)
def test_without_a_binding_subject_it_is_everybody(condition: dict[str, Any], expected: list[str]) -> None:
    """A claim that narrows nothing names no one; of two on one claim, the narrower counts."""
    assert targets(statement(provider(GITHUB), condition)) == expected


def test_the_provider_itself_is_linked_too() -> None:
    """Anyone who lists providers can join them; one without an ARN is no identity of the account."""
    saml = f"arn:aws:iam::{OWN}:saml-provider/okta"
    document = {"Statement": [statement([provider(EKS), saml, "cognito-identity.amazonaws.com"])]}

    found = [link.target for link in federates_links(document, parse_trusts(document, OWN))]

    assert found == sorted([provider(EKS), saml, f"oidc:{EKS}#*"])


def test_who_a_deny_takes_out_is_not_linked() -> None:
    """Nor is an identity that no statement lets assume anything."""
    assert targets(statement(provider(EKS)), statement(provider(EKS), effect="Deny")) == []
    assert targets({**statement(provider(EKS)), "Action": "sts:TagSession"}) == []
    condition = {"StringEquals": {f"{EKS}:sub": "system:serviceaccount:prod:api"}}
    assert targets(statement(provider(EKS)), statement(provider(EKS), condition, "Deny")) == [f"oidc:{EKS}#*"]
