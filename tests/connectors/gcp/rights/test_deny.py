"""Deny policies as they are read, and who their principals take in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gcp.rights.deny import covers, parse_deny_policy
from connectors.gcp.rights.members import parse_member
from tests.connectors.gcp.rights.estate import BILLING, BUILDER, OUTSIDER, TREE

NAME = "policies/cloudresourcemanager.googleapis.com%2Fprojects%2Facme-prod/denypolicies/guard"
SETS = "principalSet://cloudresourcemanager.googleapis.com"


@pytest.mark.parametrize("name", [NAME, NAME.replace("%2F", "/")])
def test_a_deny_policy_says_where_it_is_attached(name: str) -> None:
    """Encoded or not; rules of another kind are none."""
    rule = {"denyRule": {"deniedPermissions": ["iam.googleapis.com/roles.update"]}}
    place, rules = parse_deny_policy({"name": name, "rules": [rule, {"description": "none"}]})

    assert place == "projects/acme-prod"
    assert [one.permissions for one in rules] == [("iam.roles.update",)]


@pytest.mark.parametrize(
    "payload",
    [
        {},
        [],
        {"name": "policies/x"},
        {"name": 7},
        {"name": NAME, "rules": 3},
        {"name": NAME, "rules": [{"denyRule": []}]},
    ],
)
def test_what_is_no_deny_policy_is_refused(payload: Any) -> None:
    """A gap of its own size."""
    with pytest.raises(ValueError, match=r"Expected|required|no deny policy"):
        parse_deny_policy(payload)


@pytest.mark.parametrize(
    ("principal", "email", "answer"),
    [
        (f"{SETS}/organizations/123", BILLING, "yes"),
        (f"{SETS}/organizations/123", OUTSIDER, "maybe"),
        (f"{SETS}/folders/45", BUILDER, "no"),
        (f"{SETS}/projects/111/type/ServiceAgent", "service-111@gcp-sa-pubsub.iam.gserviceaccount.com", "yes"),
        (f"{SETS}/projects/111/type/ServiceAccount", "service-111@gcp-sa-pubsub.iam.gserviceaccount.com", "no"),
        ("principalSet://goog/cloudIdentityCustomerId/C01", BILLING, "maybe"),
        (f"principal://goog/subject/{BILLING}", BILLING, "no"),
        (f"principal://iam.googleapis.com/projects/-/serviceAccounts/{BILLING}", BUILDER, "no"),
    ],
)
def test_who_a_principal_takes_in(principal: str, email: str, answer: str) -> None:
    """An account by where it lives; of one that lives elsewhere, and of groups, no one can say."""
    assert covers(principal, parse_member(f"serviceAccount:{email}"), TREE) == answer


@given(st.text() | st.text().map(f"{SETS}/".__add__), st.text())
def test_any_principal_can_be_held_against_any_member(principal: str, member: str) -> None:
    """Whatever someone wrote there."""
    assert covers(principal, parse_member(member), TREE) in ("yes", "maybe", "no")
