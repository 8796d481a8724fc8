"""Trust policies: who is let in, and how far conditions narrow it."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.aws.rights.trust import parse_trusts

OWN = "123456789012"
OTHER = "999999999999"
GITHUB = "token.actions.githubusercontent.com"
COGNITO = {"Federated": "cognito-identity.amazonaws.com"}
POOL = {"cognito-identity.amazonaws.com:aud": "pool"}
AMR = "cognito-identity.amazonaws.com:amr"
GOOGLE = {"Federated": "accounts.google.com"}
ROBOT = "108912345678901234567"
EKS = "oidc.eks.eu-west-1.amazonaws.com/id/ABC"


def trusts(principal: Any, condition: dict[str, Any] | None = None, **more: Any) -> list[tuple[str, str, Any, str]]:
    """Principal, kind, external and restriction of each trust of a one-statement policy."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition or {}}
    found = parse_trusts({"Statement": {**statement, **more}}, OWN)
    return [(trust.principal, trust.kind, trust.external, trust.restriction) for trust in found]


def tokens(principal: Any, condition: dict[str, Any] | None = None) -> list[tuple[str | None, str | None]]:
    """Whose tokens each trust takes, and who they must be for."""
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRoleWithWebIdentity"}
    found = parse_trusts({"Statement": {**statement, "Condition": condition or {}}}, OWN)
    return [(trust.issuer, trust.subject) for trust in found]


def oidc(issuer: str) -> dict[str, str]:
    """The principal of an OIDC provider of the account."""
    return {"Federated": f"arn:aws:iam::{OWN}:oidc-provider/{issuer}"}


@pytest.mark.parametrize(
    ("principal", "kind", "external"),
    [
        ("*", "anyone", True),
        ({"AWS": "*"}, "anyone", True),
        ({"AWS": OWN}, "account", False),
        ({"AWS": f"arn:aws:iam::{OWN}:root"}, "account", False),
        ({"AWS": f"arn:aws-cn:iam::{OTHER}:root"}, "account", True),
        ({"AWS": OTHER}, "account", True),
        ({"AWS": f"arn:aws:iam::{OWN}:user/a"}, "principal", False),
        ({"AWS": f"arn:aws:sts::{OTHER}:assumed-role/r/s"}, "principal", True),
        ({"AWS": "AIDACKCEVSQ6C2EXAMPLE"}, "deleted", None),
        ({"AWS": "AROADBQP57FF2AEXAMPLE"}, "deleted", None),
        ({"Service": "ec2.amazonaws.com"}, "service", False),
        ({"Service": "bedrock.amazonaws.com"}, "service", False),
        ({"Service": "events.eu-west-1.amazonaws.com"}, "service", False),
        ({"Service": "ssm.amazonaws.com.cn"}, "service", False),
        (oidc(GITHUB), "federated", True),
        ({"Service": "*"}, "service", True),
        (oidc(EKS), "federated", None),
        ({"Federated": f"arn:aws:iam::{OWN}:saml-provider/okta"}, "federated", None),
        ({"Federated": "cognito-identity.amazonaws.com"}, "federated", True),
    ],
    ids=str,
)
def test_principals_are_distinguished(principal: Any, kind: str, external: bool | None) -> None:
    """Each form of principal has its own kind, and is inside or outside the account."""
    ((_, found_kind, found_external, _),) = trusts(principal)

    assert (found_kind, found_external) == (kind, external)


@pytest.mark.parametrize(
    ("principal", "condition", "restriction"),
    [
        ({"AWS": OTHER}, {}, "none"),
        ({"AWS": OTHER}, {"StringEquals": {"sts:ExternalId": "x"}}, "exact"),
        ({"AWS": OTHER}, {"StringEquals": {"STS:externalid": ["x", "y"]}}, "exact"),
        ({"AWS": OTHER}, {"StringLike": {"sts:ExternalId": "*"}}, "none"),
        ({"AWS": OTHER}, {"StringLike": {"sts:ExternalId": "?*"}}, "none"),
        ({"AWS": OTHER}, {"StringLike": {"sts:ExternalId": ["x", "*?*"]}}, "none"),
        ({"AWS": OTHER}, {"StringLike": {"sts:ExternalId": "x*"}}, "loose"),
        ({"AWS": OTHER}, {"Bool": {"aws:MultiFactorAuthPresent": "true"}}, "none"),
        ("*", {"Bool": {"aws:MultiFactorAuthPresent": "true"}}, "none"),
        ("*", {"StringEquals": {"sts:ExternalId": "x"}}, "loose"),
        ("*", {"StringEquals": {"aws:PrincipalTag/team": "x"}}, "loose"),
        ("*", {"StringEquals": {"aws:username": "x"}}, "loose"),
        ({"AWS": OTHER}, {"StringEquals": {"aws:PrincipalTag/team": "x"}}, "exact"),
        ("*", {"StringLike": {"sts:ExternalId": "*"}}, "none"),
        ("*", {"StringEquals": {"sts:ExternalId": "x", "aws:PrincipalAccount": "444455556666"}}, "exact"),
        ({"AWS": OTHER}, {"StringEqualsIfExists": {"sts:ExternalId": "x"}}, "none"),
        ({"AWS": OTHER}, {"ForAllValues:StringEquals": {"sts:ExternalId": "x"}}, "none"),
        ({"AWS": OTHER}, {"StringNotEquals": {"sts:ExternalId": "x"}}, "none"),
        ({"AWS": OTHER}, {"StringEquals": {"sts:RoleSessionName": "x"}}, "none"),
        ({"AWS": OTHER}, {"Null": {"sts:ExternalId": "false"}}, "none"),
        ("*", {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, "exact"),
        ("*", {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:role/app-*"}}, "loose"),
        ("*", {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/app"}}, "none"),
        ("*", {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::12345678901?:role/app"}}, "none"),
        ("*", {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*"}}, "none"),
        ("*", {"StringEquals": {"aws:PrincipalArn": "arn:aws:iam::${aws:PrincipalAccount}:role/app"}}, "none"),
        ("*", {"ArnLike": {"aws:PrincipalArn": [f"arn:aws:iam::{OWN}:role/a*", "arn:aws:iam::*:role/b"]}}, "none"),
        ("*", {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{OWN}:user/u"}}, "exact"),
        ("*", {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, "none"),
        ("*", {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, "loose"),
        ({"Service": "bedrock.amazonaws.com"}, {"StringEquals": {"aws:SourceAccount": OWN}}, "exact"),
        ({"Service": "bedrock.amazonaws.com"}, {"StringEquals": {"sts:ExternalId": "x"}}, "none"),
        ({"Service": "bedrock.amazonaws.com"}, {"ArnLike": {"aws:SourceArn": "arn:aws:bedrock:*:*:agent/*"}}, "none"),
        (
            {"Service": "bedrock.amazonaws.com"},
            {"ArnLike": {"aws:SourceArn": f"arn:aws:bedrock:*:{OWN}:agent/*"}},
            "loose",
        ),
        ({"Service": "s3.amazonaws.com"}, {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}}, "none"),
        ({"Service": "s3.amazonaws.com"}, {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::acme-*"}}, "loose"),
        ({"Service": "s3.amazonaws.com"}, {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::acme"}}, "exact"),
        (oidc(GITHUB), {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}, "none"),
        (oidc(GITHUB), {"StringEquals": {f"{GITHUB}:sub": "repo:acme/app:ref:refs/heads/main"}}, "exact"),
        (oidc(GITHUB), {"StringEquals": {f"{GITHUB}:sub": "repo:acme/app:pull_request"}}, "loose"),
        (oidc(GITHUB), {"StringEquals": {f"{GITHUB}:sub": "repo:acme@1/app@2:pull_request"}}, "loose"),
        (
            oidc(GITHUB),
            {"StringEquals": {f"{GITHUB}:sub": ["repo:acme/app:environment:prod", "repo:acme/app:pull_request"]}},
            "loose",
        ),
        (oidc(GITHUB), {"StringEquals": {f"{GITHUB}:sub": "repo:acme/app:environment:pull_request"}}, "exact"),
        (oidc(GITHUB), {"StringLike": {f"{GITHUB}:sub": "repo:acme/*"}}, "loose"),
        (oidc(GITHUB), {"StringLike": {f"{GITHUB}:sub": "repo:ac*"}}, "none"),
        (oidc(GITHUB), {"StringLike": {f"{GITHUB}:sub": ["repo:acme/app:*", "repo:*"]}}, "none"),
        (oidc(GITHUB), {"StringEquals": {f"{GITHUB}:repository": "acme/app"}}, "exact"),
        (oidc(GITHUB), {"StringLike": {f"{GITHUB}:repository": "acme/*"}}, "loose"),
        (oidc(GITHUB), {"StringLike": {f"{GITHUB}:repository": "*/infra"}}, "none"),
        (oidc(GITHUB), {"StringEquals": {f"{GITHUB}:repository_owner": "acme"}}, "loose"),
        (oidc(GITHUB), {"StringLike": {f"{GITHUB}:repository_owner": "a*"}}, "none"),
        (oidc("gitlab.com"), {"StringLike": {"gitlab.com:project_path": "*/x"}}, "none"),
        (oidc("oidc.vercel.com"), {"StringEquals": {"oidc.vercel.com:aud": "https://vercel.com/acme"}}, "loose"),
        (GOOGLE, {"StringEquals": {"accounts.google.com:aud": ROBOT}}, "exact"),
        (GOOGLE, {"StringEquals": {"accounts.google.com:aud": "1-a.apps.googleusercontent.com"}}, "loose"),
        (GOOGLE, {"StringEquals": {"accounts.google.com:oaud": "https://acme.example"}}, "none"),
        (oidc(GITHUB), {"StringEquals": {f"{GITHUB}:ref": "refs/heads/main"}}, "none"),
        (oidc(GITHUB), {"StringEquals": {"other.example:sub": "repo:acme/app"}}, "none"),
        (oidc(EKS), {}, "loose"),
        (oidc(EKS), {"StringEquals": {f"{EKS}:sub": "system:serviceaccount:prod:api"}}, "exact"),
        (oidc(EKS), {"StringLike": {f"{EKS}:sub": "system:serviceaccount:*:*"}}, "loose"),
        ({"Federated": f"arn:aws:iam::{OWN}:saml-provider/okta"}, {"StringEquals": {"SAML:aud": "x"}}, "exact"),
        (COGNITO, {"StringEquals": POOL}, "loose"),
        (COGNITO, {"StringEquals": POOL, "ForAnyValue:StringLike": {AMR: "authenticated"}}, "exact"),
        (COGNITO, {"StringEquals": POOL, "ForAllValues:StringLike": {AMR: "authenticated"}}, "loose"),
        (COGNITO, {"StringEquals": POOL, "ForAllValues:StringNotEquals": {AMR: "unauthenticated"}}, "loose"),
        (COGNITO, {"ForAnyValue:StringLike": {AMR: "authenticated"}}, "none"),
        (COGNITO, {"StringEquals": POOL, "ForAnyValue:StringLike": {AMR: "unauthenticated"}}, "none"),
        (COGNITO, {"StringEquals": POOL, "ForAnyValue:StringLike": {AMR: ["authenticated", "un*"]}}, "none"),
        (COGNITO, {"StringEquals": POOL, "StringEqualsIfExists": {AMR: "unauthenticated"}}, "none"),
    ],
    ids=str,
)
def test_conditions_narrow_as_far_as_they_hold(principal: Any, condition: dict[str, Any], restriction: str) -> None:
    """Alternatives widen, further keys narrow; what passes when the key is absent narrows nothing."""
    (found,) = {restriction for _, _, _, restriction in trusts(principal, condition)}

    assert found == restriction


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({"Action": "sts:*"}, 1),
        ({"Action": ["STS:assumerolewithSAML"]}, 1),
        ({"Action": "sts:TagSession"}, 0),
        ({"Action": "*"}, 1),
    ],
    ids=str,
)
def test_a_statement_counts_if_it_lets_one_assume(more: dict[str, Any], count: int) -> None:
    """Wildcards included, case ignored; session tags alone let no one in."""
    assert len(trusts({"AWS": OTHER}, **more)) == count


@pytest.mark.parametrize(
    "principal", ["464622532012", "arn:aws:iam::464622532012:root", "arn:aws:iam::464622532012:role/x"]
)
def test_a_known_vendor_is_a_label_and_no_more(principal: str) -> None:
    """The evidence says whose account it is; it is as external and as open as any other."""
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}

    (trust,) = parse_trusts({"Statement": statement}, OWN)

    assert trust.evidence == "its trust policy names it (Datadog, by its published account), without a condition"
    assert (trust.external, trust.restriction) == (True, "none")


def test_everyone_but_some_is_everyone() -> None:
    """NotPrincipal with Allow opens the role to the world."""
    statement = {"Effect": "Allow", "NotPrincipal": {"AWS": OWN}, "Action": "sts:AssumeRole"}

    (trust,) = parse_trusts({"Statement": [statement]}, OWN)

    assert (trust.kind, trust.external) == ("anyone", True)


def test_a_deny_takes_a_principal_out_again() -> None:
    """Unconditionally denied principals are not trusted; a conditional deny leaves them."""
    allow = {"Effect": "Allow", "Principal": {"AWS": [OTHER, OWN]}, "Action": "sts:AssumeRole"}
    deny = {"Effect": "Deny", "Principal": {"AWS": OTHER}, "Action": "sts:*"}
    maybe = {**deny, "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}

    assert [trust.principal for trust in parse_trusts({"Statement": [allow, deny]}, OWN)] == [OWN]
    assert len(parse_trusts({"Statement": [allow, maybe]}, OWN)) == 2


@pytest.mark.parametrize(
    ("allowed", "spared", "left"),
    [
        ("*", [f"arn:aws:iam::{OTHER}:root"], [f"arn:aws:iam::{OTHER}:root"]),
        ("*", [f"arn:aws:iam::{OTHER}:user/a", OTHER], [f"arn:aws:iam::{OTHER}:user/a"]),
        (OTHER, [f"arn:aws:iam::{OTHER}:user/a", f"arn:aws:iam::{OTHER}:root"], [f"arn:aws:iam::{OTHER}:user/a"]),
        (f"arn:aws:iam::{OTHER}:user/b", [f"arn:aws:iam::{OTHER}:user/a", OTHER], []),
        (f"arn:aws:iam::{OTHER}:user/b", [OTHER], [f"arn:aws:iam::{OTHER}:user/b"]),
        (OTHER, [OWN], []),
        (OTHER, ["*"], [OTHER]),
    ],
)
def test_a_deny_of_all_but_some_leaves_those(allowed: str, spared: list[str], left: list[str]) -> None:
    """``NotPrincipal`` with Deny: of whoever is trusted, the principals that it names."""
    allow = {"Effect": "Allow", "Principal": {"AWS": allowed}, "Action": "sts:AssumeRole"}
    deny = {"Effect": "Deny", "NotPrincipal": {"AWS": spared}, "Action": "sts:AssumeRole"}

    assert [trust.principal for trust in parse_trusts({"Statement": [allow, deny]}, OWN)] == left


def test_the_external_id_is_never_shown() -> None:
    """Evidence says that there is one and how it binds, not what it is; other claims are shown."""
    condition = {"StringEquals": {"sts:ExternalId": "s3cr3t", "aws:PrincipalOrgID": "o-1"}}
    statement = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "sts:AssumeRole", "Condition": condition}

    (trust,) = parse_trusts({"Statement": statement}, OWN)

    assert "s3cr3t" not in repr(trust)
    assert "sts:externalid is exact" in trust.evidence
    assert "o-1" in trust.evidence


@pytest.mark.parametrize(
    "document",
    [
        "text",
        None,
        {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]},
        {"Statement": [{"Effect": "Allow", "Principal": {"AWS": OTHER}}]},
        {"Statement": [{"Effect": "Maybe", "Principal": "*", "Action": "*"}]},
    ],
    ids=str,
)
def test_a_trust_policy_that_is_none_is_refused(document: Any) -> None:
    """It is never read as "no one"."""
    with pytest.raises(ValueError, match=r"trust policy|Action"):
        parse_trusts(document, OWN)


@pytest.mark.parametrize(
    ("denied", "left"),
    [
        ("sts:AssumeRoleWithSAML", ["*"]),
        ("sts:TagSession", ["*"]),
        ("sts:AssumeRole", []),
        ("sts:*", []),
    ],
)
def test_a_deny_takes_only_the_calls_it_names(denied: str, left: list[str]) -> None:
    """Refusing one way in leaves the others open."""
    document = {
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"},
            {"Effect": "Deny", "Principal": "*", "Action": denied},
        ]
    }

    assert [trust.principal for trust in parse_trusts(document, "123456789012")] == left


ENTRA = "sts.windows.net/8f4ab04b-0000-4000-8000-000000000001/"
APPLICATION = "5b1e0a1c-0000-4000-8000-00000000000a"


@pytest.mark.parametrize(
    ("principal", "condition", "expected"),
    [
        (GOOGLE, {"StringEquals": {"accounts.google.com:sub": ROBOT}}, [("https://accounts.google.com", ROBOT)]),
        (GOOGLE, {"StringEquals": {"accounts.google.com:aud": ROBOT}}, [("https://accounts.google.com", None)]),
        (oidc(ENTRA), {"StringEquals": {f"{ENTRA}:sub": APPLICATION}}, [(f"https://{ENTRA}", APPLICATION)]),
        (
            oidc(GITHUB),
            {"StringLike": {f"{GITHUB}:sub": ["repo:acme/app:*", "repo:acme/web:ref:refs/heads/main"]}},
            [(f"https://{GITHUB}", "repo:acme/app:*"), (f"https://{GITHUB}", "repo:acme/web:ref:refs/heads/main")],
        ),
        (oidc(EKS), {"StringLike": {f"{EKS}:sub": "system:serviceaccount:*:api"}},
         [(f"https://{EKS}", "system:serviceaccount:*:api")]),
        (oidc(EKS), {"StringEquals": {f"{EKS}:sub": "system:serviceaccount:*:api"}}, [(f"https://{EKS}", None)]),
        (oidc(EKS), {"StringLike": {f"{EKS}:sub": "${aws:PrincipalTag/name}:x"}}, [(f"https://{EKS}", None)]),
        (oidc(EKS), {"StringEqualsIfExists": {f"{EKS}:sub": "x"}}, [(f"https://{EKS}", None)]),
        (oidc(EKS), {"StringLike": {f"{EKS}:sub": "*"}}, [(f"https://{EKS}", None)]),
        (oidc(EKS), {}, [(f"https://{EKS}", None)]),
        ({"Federated": f"arn:aws:iam::{OWN}:saml-provider/okta"}, {}, []),
        ({"AWS": OWN}, {}, []),
    ],
)  # fmt: skip
def test_whose_tokens_are_taken(
    principal: Any, condition: dict[str, Any], expected: list[tuple[str | None, str | None]]
) -> None:
    """The issuer as a URL, and the subject where the policy names one in a way that can be matched."""
    assert tokens(principal, condition) == (expected or [(None, None)])
