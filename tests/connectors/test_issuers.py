"""Who signs tokens for workloads, and what keeps other tenants of theirs out."""

from __future__ import annotations

import pytest

from connectors.federation import Restriction, is_by_name, narrowest, recognised, shared, widest
from scanner.model import Claim

GITHUB = "https://token.actions.githubusercontent.com"
TENANTS = (
    GITHUB,
    "https://gitlab.com",
    "https://app.terraform.io",
    "https://accounts.google.com",
    "https://cognito-identity.amazonaws.com",
    "https://agent.buildkite.com",
    "https://oidc.vercel.com",
    "https://api.pulumi.com",
    "https://www.amazon.com",
    "https://graph.facebook.com",
)
"""All that sign for everyone."""


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (GITHUB, "GitHub Actions"),
        (f"{GITHUB}/", "GitHub Actions"),
        ("token.actions.GitHubUserContent.com", "GitHub Actions"),
        ("https://api.pulumi.com/oidc", "Pulumi"),
        ("https://accounts.google.com", "Google"),
        ("https://app.eu.terraform.io", "HCP Terraform"),
        (f"{GITHUB}/acme", None),
        ("https://oidc.vercel.com/acme", None),
        ("https://oidc.circleci.com/org/1-2", None),
        ("https://login.microsoftonline.com/T/v2.0", None),
        ("https://gitlab.com.example.com", None),
        ("https://gitlab.example.com", None),
        ("aws:123456789012", None),
        ("https://[", None),
        ("a\nb", None),
        ("", None),
    ],
)
def test_who_signs_for_everybody(url: str, name: str | None) -> None:
    """Below their host is often one tenant's own address, which keeps others out by itself."""
    found = shared(url)

    assert (found and found.name) == name


@pytest.mark.parametrize(
    ("claim", "bound", "value", "restriction"),
    [
        ("sub", "exact", "repo:acme/app:ref:refs/heads/main", "exact"),
        ("sub", "exact", "repo:acme/app:pull_request", "loose"),
        ("sub", "loose", "repo:acme/app:environment:*", "loose"),
        ("sub", "loose", "repo:acme/*", "loose"),
        ("sub", "loose", "repo:ac*", "none"),
        ("sub", "loose", "repo:?cme/app:*", "none"),
        ("sub", "none", "*", "none"),
        ("job_workflow_ref", "exact", "acme/flows/.github/workflows/a.yml@refs/heads/main", "exact"),
        ("job_workflow_ref", "loose", "acme/flows/.github/workflows/*", "loose"),
        ("job_workflow_ref", "loose", "*/.github/workflows/a.yml", "none"),
        ("repository", "exact", "acme/app", "exact"),
        ("repository", "loose", "acme/*", "loose"),
        ("repository", "loose", "*/infra", "none"),
        ("repository", "loose", "ac*", "none"),
        ("repository_id", "loose", "1*", "none"),
        ("repository_owner", "exact", "acme", "loose"),
        ("repository_owner", "loose", "a*", "none"),
        ("actor", "exact", "octocat", "none"),
    ],
)
def test_how_far_a_claim_narrows(claim: str, bound: Restriction, value: str, restriction: Restriction) -> None:
    """An exact repository, anything inside one organisation, or no one who is kept out."""
    github = shared(GITHUB)

    assert github is not None
    assert github.narrows(claim, bound, (value,)) == restriction


@pytest.mark.parametrize(
    ("url", "claim", "bound", "value", "restriction"),
    [
        ("https://gitlab.com", "project_path", "loose", "acme/*", "loose"),
        ("https://gitlab.com", "project_path", "loose", "*/x", "none"),
        ("https://gitlab.com", "namespace_path", "loose", "acme/*", "loose"),
        ("https://gitlab.com", "namespace_path", "loose", "a*", "none"),
        ("https://app.terraform.io", "terraform_full_workspace", "loose", "organization:acme:*", "loose"),
        ("https://app.terraform.io", "terraform_full_workspace", "loose", "organization:a*", "none"),
        ("https://oidc.vercel.com", "aud", "exact", "https://vercel.com/acme", "loose"),
        ("https://oidc.vercel.com", "aud", "loose", "https://vercel.com/a*", "none"),
        ("https://api.pulumi.com/oidc", "aud", "exact", "acme", "loose"),
        ("https://api.pulumi.com/oidc", "aud", "loose", "a*", "none"),
        ("https://accounts.google.com", "aud", "exact", "https://acme.example", "none"),
        ("https://accounts.google.com", "azp", "exact", "108912345678901234567", "exact"),
        ("https://accounts.google.com", "azp", "loose", "1*", "none"),
        ("https://accounts.google.com", "email", "loose", "*@acme-prod.iam.gserviceaccount.com", "loose"),
        ("https://accounts.google.com", "email", "loose", "*.gserviceaccount.com", "none"),
        ("https://cognito-identity.amazonaws.com", "aud", "loose", "eu-west-1:*", "none"),
        ("https://www.amazon.com", "app_id", "loose", "amzn1.application.*", "none"),
    ],
)
def test_a_wildcard_stays_inside_one_tenant_or_keeps_no_one_out(
    url: str, claim: str, bound: Restriction, value: str, restriction: Restriction
) -> None:
    """Anyone who likes may make a group, an organization or an application whose name or number begins so."""
    issuer = shared(url)

    assert issuer is not None
    assert issuer.narrows(claim, bound, (value,)) == restriction


def test_the_claims_that_say_tenants_apart_narrow_as_far_however_they_are_asked_for() -> None:
    """By the claim that a principal is made from, or by a condition."""
    for url in TENANTS:
        issuer = shared(url)
        assert issuer is not None
        for claim in {*issuer.tenants, *issuer.exact, *issuer.owner}:
            assert issuer.narrows(claim, "exact", ("x",)) == issuer.fixed(claim) != "none", (url, claim)


@pytest.mark.parametrize(
    ("bound", "values", "restriction"),
    [
        ("loose", ("repo:acme/*", "repo:other/*"), "loose"),
        ("loose", ("repo:acme/*", "*"), "none"),
        ("exact", ("repo:acme/app:ref:refs/heads/main", "repo:acme/app:pull_request"), "loose"),
    ],
)
def test_of_several_values_the_widest_counts(
    bound: Restriction, values: tuple[str, ...], restriction: Restriction
) -> None:
    """A token with any one of them is accepted."""
    github = shared(GITHUB)

    assert github is not None
    assert github.narrows("sub", bound, values) == restriction


@pytest.mark.parametrize(
    ("restrictions", "all_hold", "any_holds"),
    [
        ((), "none", "none"),
        (("loose",), "loose", "loose"),
        (("none", "loose"), "loose", "none"),
        (("exact", "loose", "none"), "exact", "none"),
        (("exact", "loose"), "exact", "loose"),
    ],
)
def test_restrictions_that_must_all_hold_and_alternatives(
    restrictions: tuple[Restriction, ...], all_hold: Restriction, any_holds: Restriction
) -> None:
    """Without any, nothing is restricted."""
    assert narrowest(restrictions) == all_hold
    assert widest(restrictions) == any_holds


@pytest.mark.parametrize(
    ("issuer", "subject", "claims", "is_name"),
    [
        (GITHUB, "repo:acme/app:ref:refs/heads/main", {}, True),
        (GITHUB, "repo:acme@12/app@34:ref:refs/heads/main", {}, False),
        (GITHUB, "repo:*", {}, False),
        (GITHUB, None, {}, False),
        (GITHUB, None, {"repository": ("acme/app",)}, True),
        (GITHUB, None, {"repository": ()}, True),
        (GITHUB, None, {"actor": ("octocat",)}, False),
        (GITHUB, "repo:acme/app:ref:refs/heads/main", {"actor": ("octocat",)}, True),
        (GITHUB, "repo:acme/app:ref:refs/heads/main", {"repository_id": ("34",)}, False),
        (GITHUB, "repo:acme/app:ref:refs/heads/main", {"repository_id": ("34",), "actor": ("octocat",)}, False),
        ("https://issuer.example", "repo:acme/app:ref:refs/heads/main", {}, False),
    ],
)
def test_a_name_can_be_reused_and_an_id_cannot(
    issuer: str, subject: str | None, claims: dict[str, tuple[str, ...]], is_name: bool
) -> None:
    """A new repository with the name of a deleted one gets its trust, unless an id is required too."""
    given = [Claim(name=name, values=values) for name, values in claims.items()]

    assert is_by_name(issuer, subject, given) is is_name


def test_parts_of_an_address_are_reported() -> None:
    """The likeliest first."""
    (entra, parts), *_ = recognised("https://login.microsoftonline.com/T/v2.0")

    assert (entra.name, parts) == ("Microsoft Entra", {"own": "T"})
