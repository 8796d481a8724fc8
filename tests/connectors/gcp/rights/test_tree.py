"""Where resources lie, and whose e-mail an e-mail is."""

from __future__ import annotations

import pytest

from connectors.gcp.rights.members import account_of
from tests.connectors.gcp.rights.estate import BILLING, ORGANIZATION, TREE, key_of


@pytest.mark.parametrize(
    ("name", "place", "short", "account"),
    [
        ("//cloudresourcemanager.googleapis.com/projects/111", "projects/acme-prod", "projects/acme-prod", None),
        ("//cloudresourcemanager.googleapis.com/organizations/123", ORGANIZATION, ORGANIZATION, None),
        ("//cloudresourcemanager.googleapis.com/folders/45", "folders/45", "folders/45", None),
        (key_of(BILLING), "projects/acme-prod", BILLING, BILLING),
        (key_of("100000000000000000001", "111"), "projects/acme-prod", BILLING, BILLING),
        (
            "//secretmanager.googleapis.com/projects/111/secrets/db",
            "projects/acme-prod",
            "//secretmanager.googleapis.com/projects/acme-prod/secrets/db",
            None,
        ),
        ("//storage.googleapis.com/acme-data", "projects/acme-dev", "//storage.googleapis.com/acme-data", None),
    ],
)
def test_a_resource_is_named_by_ids(name: str, place: str, short: str, account: str | None) -> None:
    """Cloud Asset names projects by number and accounts by unique id, too."""
    resource = TREE.resource(name, "222")

    assert (resource.place, resource.short, resource.account) == (place, short, account)


@pytest.mark.parametrize(
    ("place", "projects", "path"),
    [
        (ORGANIZATION, ("acme-dev", "acme-prod"), (ORGANIZATION,)),
        ("folders/45", ("acme-prod",), ("folders/45", ORGANIZATION)),
        ("projects/acme-prod", ("acme-prod",), ("projects/acme-prod", "folders/45", ORGANIZATION)),
        ("folders/99", (), ("folders/99",)),
        ("", (), ()),
    ],
)
def test_what_lies_below_and_above(place: str, projects: tuple[str, ...], path: tuple[str, ...]) -> None:
    """Rights are inherited from above."""
    assert TREE.projects(place) == projects
    assert TREE.path(place) == path


@pytest.mark.parametrize(
    ("email", "kind", "project", "number"),
    [
        (BILLING, "user_managed", "acme-prod", None),
        ("a@acme.example.com.iam.gserviceaccount.com", "user_managed", "example.com:acme", None),
        ("service-7@acme-prod.iam.gserviceaccount.com", "user_managed", "acme-prod", None),
        ("111-compute@developer.gserviceaccount.com", "default", None, "111"),
        ("acme-prod@appspot.gserviceaccount.com", "default", "acme-prod", None),
        ("example.com.acme@appspot.gserviceaccount.com", "default", "example.com:acme", None),
        ("111@cloudservices.gserviceaccount.com", "google_agent", None, "111"),
        ("111@cloudbuild.gserviceaccount.com", "google_agent", None, "111"),
        ("service-111@gcp-sa-aiplatform-re.iam.gserviceaccount.com", "service_agent", None, "111"),
        ("service-org-123@gcp-sa-scc.iam.gserviceaccount.com", "service_agent", None, "123"),
        ("service-111@compute-system.iam.gserviceaccount.com", "service_agent", None, "111"),
        ("project-111@storage-transfer-service.iam.gserviceaccount.com", "service_agent", None, "111"),
        ("ada@example.com", "foreign", None, None),
        ("", "foreign", None, None),
    ],
)
def test_an_address_says_whose_account_it_is(email: str, kind: str, project: str | None, number: str | None) -> None:
    """A service agent's looks like that of an account in a project of Google's."""
    account = account_of(email)

    assert (account.kind, account.project, account.number) == (kind, project, number)


def test_a_number_leads_to_a_project_of_ours_only() -> None:
    """Of others we know none."""
    assert TREE.project_of("111-compute@developer.gserviceaccount.com") == "acme-prod"
    assert TREE.project_of("999-compute@developer.gserviceaccount.com") is None
    assert TREE.project_of("bot@elsewhere.iam.gserviceaccount.com") == "elsewhere"
