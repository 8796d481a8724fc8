"""Who signs tokens for workloads, and what keeps other tenants of theirs out."""

from __future__ import annotations

import pytest

from connectors.issuers import recognised, shared
from connectors.restrictions import Restriction

GITHUB = "https://token.actions.githubusercontent.com"


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
        ("repository_owner", "exact", "acme", "loose"),
        ("actor", "exact", "octocat", "none"),
    ],
)
def test_how_far_a_claim_narrows(claim: str, bound: Restriction, value: str, restriction: Restriction) -> None:
    """An exact repository, anything inside one organisation, or nobody who is kept out."""
    github = shared(GITHUB)

    assert github is not None
    assert github.narrows(claim, bound, (value,)) == restriction


def test_parts_of_an_address_are_told() -> None:
    """The likeliest first."""
    (entra, parts), *_ = recognised("https://login.microsoftonline.com/T/v2.0")

    assert (entra.name, parts) == ("Microsoft Entra", {"own": "T"})
