"""What a file's path says its content is of, and nothing more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.core.file_names import named_in
from connectors.gcp.offline.paths import NEUTRAL, GcpKnown, is_of_a_policy, named_by, projects_in

P = "acme-prod"
APP, MY_APP = (f"{name}@{P}.iam.gserviceaccount.com" for name in ("app", "my-app"))
KNOWN = GcpKnown(
    projects={P: P, "1111": P, "prod": "prod"},
    emails={APP: P, MY_APP: P},
    organization="1234567890",
)
_MANAGER = "//cloudresourcemanager.googleapis.com"
_IAM = f"//iam.googleapis.com/projects/{P}/serviceAccounts"
_SECRET = f"//secretmanager.googleapis.com/projects/{P}/secrets/db"


@pytest.mark.parametrize(
    ("file", "resource"),
    [
        (f"projects/{P}/iam.json", f"{_MANAGER}/projects/{P}"),
        (f"audit/{P}/policy.json", f"{_MANAGER}/projects/{P}"),
        (f"policy-{P}.json", f"{_MANAGER}/projects/{P}"),
        (f"{P}-iam-policy-2026-12-01.yaml", f"{_MANAGER}/projects/{P}"),
        (f"projects/{P}.json", f"{_MANAGER}/projects/{P}"),
        ("projects/1111/iam.json", f"{_MANAGER}/projects/{P}"),
        ("projects/unheard-of/iam.json", f"{_MANAGER}/projects/unheard-of"),
        ("projects/audit/iam.json", f"{_MANAGER}/projects/audit"),
        (f"projects/{P}/secrets/db/iam.json", _SECRET),
        (f"projects/{P}/secrets/db.iam.json", _SECRET),
        (f"{P}/secrets/db/policy.yaml", _SECRET),
        (f"projects/{P}/buckets/{P}-logs/iam.json", f"//storage.googleapis.com/{P}-logs"),
        (f"projects/{P}/buckets/policy/iam.json", "//storage.googleapis.com/policy"),
        (f"projects/{P}/topics/t/iam.json", f"//pubsub.googleapis.com/projects/{P}/topics/t"),
        (f"projects/{P}/service-accounts/{APP}/iam.json", f"{_IAM}/{APP}"),
        (f"projects/{P}/service-accounts/{MY_APP}/iam.json", f"{_IAM}/{MY_APP}"),
        (f"projects/{P}/serviceAccounts/new-{APP}/iam.json", f"{_IAM}/new-{APP}"),
        (f"policy-{APP}.json", f"{_IAM}/{APP}"),
        (f"policy-{MY_APP}.json", f"{_IAM}/{MY_APP}"),
        ("folders/12/iam.json", f"{_MANAGER}/folders/12"),
        ("folder-12-policy.json", f"{_MANAGER}/folders/12"),
        ("organization-1234567890.yaml", f"{_MANAGER}/organizations/1234567890"),
        ("org_example.com/iam.json", f"{_MANAGER}/organizations/1234567890"),
        (f"organizations/5/folders/12/projects/{P}/iam.json", f"{_MANAGER}/projects/{P}"),
    ],
)  # fmt: skip
def test_the_path_names_a_resource(file: str, resource: str) -> None:
    """Its last part that is not made of neutral words decides."""
    found = named_by(file, KNOWN)

    assert found is not None
    assert found.resource == resource
    assert is_of_a_policy("x/iam.json")


@pytest.mark.parametrize(
    "file",
    [
        f"policy-your-{APP}.json",
        "policy-my-prod.json",
        f"secret-db-{P}-policy.json",
        f"projects/{P}/widgets/w/iam.json",
        f"projects/{P}/secrets/iam.json",
        "policy.json",
        "secrets/db/iam.json",
        "folders/platform/iam.json",
    ],
)
def test_what_it_does_not_name_for_certain_is_unknown(file: str) -> None:
    """An e-mail or id that only ends like one that is known is another; what is in a project is not the project."""
    assert named_by(file, KNOWN) is None


def test_the_only_project_needs_no_name() -> None:
    """Where one project is exported, files are called after what they hold."""
    alone = GcpKnown(projects={P: P}, emails={}, only=P)

    assert getattr(named_by("iam/policy.json", alone), "resource", None) == f"{_MANAGER}/projects/{P}"
    assert getattr(named_by("secrets/db/iam.json", alone), "resource", None) == _SECRET
    assert named_by("bucket-policy-of-logs.json", alone) is None


def test_a_policy_s_folder_names_its_project_even_if_nothing_describes_it() -> None:
    """But only after ``projects``, and only what may be an id."""
    assert projects_in("a/projects/team-x/secrets/s/iam.json") == "team-x"
    assert projects_in("a/projects/Team X/iam.json") is None
    assert projects_in("projects/x.json") is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_path_can_be_looked_at(file: str, name: str) -> None:
    """Nothing in a file's name ends the reading."""
    known = GcpKnown(projects={name: name}, emails={name: name}, organization=name, only=name)

    for one in (file, f"{name}/{file}", f"{file}/{name}", f"projects/{file}"):
        named_by(one, known)
        named_in(one, {name: name}, NEUTRAL)
        projects_in(one)
