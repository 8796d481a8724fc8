"""Members of bindings, in all the forms that Google's policies name them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gcp.rights.members import MACHINES, parse_member

POOL = "projects/111/locations/global/workloadIdentityPools/github"
ONE, SET = f"principal://iam.googleapis.com/{POOL}", f"principalSet://iam.googleapis.com/{POOL}"
RESOURCES = "principalSet://cloudresourcemanager.googleapis.com"
TRUST_DOMAIN = "global.org-9.system.id.goog"
NO_POOL, KSA = (None, None, None), ("subject", "ns/ksa")
ENGINE = "aiplatform/projects/111/locations/europe-west1/reasoningEngines/77"


@pytest.mark.parametrize(
    ("text", "kind", "identified", "pool", "selector", "subject"),
    [
        ("serviceAccount:a@p.iam.gserviceaccount.com", "service_account", "a@p.iam.gserviceaccount.com", *NO_POOL),
        ("serviceAccount:p.svc.id.goog[ns/ksa]", "kubernetes", "p.svc.id.goog[ns/ksa]", "p.svc.id.goog", *KSA),
        (f"{ONE}/subject/repo:a/b:ref:x", "pool_principal", None, POOL, "subject", "repo:a/b:ref:x"),
        (f"{SET}/attribute.repository/acme/app", "pool_set", None, POOL, "attribute.repository", "acme/app"),
        (f"{SET}/group/admins", "pool_set", None, POOL, "group", "admins"),
        (f"{SET}/*", "pool_set", None, POOL, "*", None),
        (f"principal://agents.{TRUST_DOMAIN}/resources/{ENGINE}", "agent", None, TRUST_DOMAIN, "subject", ENGINE),
        (f"{RESOURCES}/projects/111/type/ServiceAccount", "resource_set", None, "projects/111", "ServiceAccount", None),
        (f"{RESOURCES}/organizations/9", "resource_set", None, "organizations/9", None, None),
        ("principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/a", "person", None, *NO_POOL),
        ("user:ada@example.com", "person", "ada@example.com", *NO_POOL),
        ("group:ops@example.com", "group", "ops@example.com", *NO_POOL),
        ("domain:example.com", "person", "example.com", *NO_POOL),
        ("allUsers", "anyone", None, *NO_POOL),
        ("allAuthenticatedUsers", "anyone", None, *NO_POOL),
        ("projectOwner:acme", "role_holders", "acme", *NO_POOL),
        ("martian:zork", "other", None, *NO_POOL),
    ],
)
def test_each_form_is_taken_apart(
    text: str, kind: str, identified: str | None, pool: str | None, selector: str | None, subject: str | None
) -> None:
    """Kind, id, and the pool or resource that it represents."""
    member = parse_member(text)

    assert (member.kind, member.id, member.pool, member.selector, member.subject) == (
        kind,
        identified or text,
        pool,
        selector,
        subject,
    )
    assert str(member) == text


@pytest.mark.parametrize(
    ("text", "kind", "uid"),
    [
        ("deleted:serviceAccount:a@p.iam.gserviceaccount.com?uid=123", "service_account", "123"),
        ("deleted:user:ada@example.com?uid=9", "person", "9"),
        ("deleted:group:ops@example.com?uid=9", "group", "9"),
        (f"deleted:principal://iam.googleapis.com/{POOL}/subject/x", "pool_principal", None),
    ],
)
def test_what_was_deleted_has_a_unique_id(text: str, kind: str, uid: str | None) -> None:
    """It stands beside the name, which someone else may have by now."""
    member = parse_member(text)

    assert (member.kind, member.is_deleted, member.uid, "?uid=" in member.id) == (kind, True, uid, False)
    assert str(member) == text


@given(
    st.text() | st.builds("{}{}".format, st.sampled_from(["deleted:", "serviceAccount:", "principal://"]), st.text())
)
def test_any_text_is_a_member_and_comes_back_as_it_was(text: str) -> None:
    """Policies hold what others wrote."""
    assert str(parse_member(text)) == text


@pytest.mark.parametrize("kind", ["person", "group", "anyone", "role_holders", "other"])
def test_people_and_the_unknown_are_no_machines(kind: str) -> None:
    """They get no assignments."""
    assert kind not in MACHINES
