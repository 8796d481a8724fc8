"""How things are named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gcp.keys import account_key, engine_key, last_segment, located_key, project_of_account, secret_key


@pytest.mark.parametrize(
    ("email", "project"),
    [
        ("billing@acme-prod.iam.gserviceaccount.com", "acme-prod"),
        ("billing@legacy-1.example.com.iam.gserviceaccount.com", "example.com:legacy-1"),
        ("1111-compute@developer.gserviceaccount.com", None),
        ("acme-prod@appspot.gserviceaccount.com", None),
        ("service-1111@gcp-sa-aiplatform.iam.gserviceaccount.com", None),
        ("ada@example.com", None),
        ("@.iam.gserviceaccount.com", None),
        ("", None),
    ],
)
def test_an_e_mail_says_the_project_of_an_account(email: str, project: str | None) -> None:
    """Of user-managed ones; the others carry a number or a service's name."""
    assert project_of_account(email) == project


@given(st.text())
def test_any_text_is_an_e_mail_or_none(text: str) -> None:
    """Members of policies are whatever someone wrote."""
    found = project_of_account(text)

    assert found is None or found


def test_keys_are_full_resource_names() -> None:
    """As audit logs write them."""
    assert account_key("p", "a@p.iam.gserviceaccount.com") == (
        "//iam.googleapis.com/projects/p/serviceAccounts/a@p.iam.gserviceaccount.com"
    )
    assert secret_key("p", "s") == "//secretmanager.googleapis.com/projects/p/secrets/s"
    assert engine_key("p", "l", "1") == "//aiplatform.googleapis.com/projects/p/locations/l/reasoningEngines/1"
    assert last_segment("projects/1/secrets/s") == "s"


@pytest.mark.parametrize("project", ["1111", "acme-prod"])
def test_a_thing_s_key_has_the_id_of_its_project(project: str) -> None:
    """Whichever its name has."""
    name = f"projects/{project}/locations/global/oauthClients/portal"

    assert located_key("iam.googleapis.com", "acme-prod", name) == (
        "//iam.googleapis.com/projects/acme-prod/locations/global/oauthClients/portal"
    )


@pytest.mark.parametrize(
    "name", ["", "a/b", "projects/1/locations/global/oauthClients", "projects/1/locations/l/agents/a/b", "projects//x"]
)
def test_a_name_that_is_no_thing_s_is_refused(name: str) -> None:
    """A key that is made up would be someone's."""
    with pytest.raises(ValueError, match="is not a resource name"):
        located_key("iam.googleapis.com", "acme-prod", name)
