"""Bindings as assignments: who holds them, and who is gone."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from connectors.gcp.keys import service_agent_key
from connectors.gcp.rights.assignments import identities_in
from connectors.gcp.rights.providers import parse_provider
from connectors.gcp.rights.trusts import Pools
from tests.connectors.gcp.rights.estate import (
    BILLING,
    BUILDER,
    DEPLOYER,
    ORGANIZATION,
    OUTSIDER,
    TREE,
    assigned,
    bound,
    key_of,
)

PROD = "projects/acme-prod"
VIEWER = {"roles/viewer": ("compute.instances.list",)}
POOL = "projects/111/locations/global/workloadIdentityPools/github"
SUBJECT = f"principal://iam.googleapis.com/{POOL}/subject/repo:acme/app"
ENGINE = "projects/111/locations/europe-west1/reasoningEngines/77"


@pytest.mark.parametrize(
    ("member", "kind", "holder", "gone"),
    [
        (f"serviceAccount:{BILLING}", "service_account", BILLING, False),
        (f"serviceAccount:{OUTSIDER}", "service_account", OUTSIDER, None),
        (f"serviceAccount:{DEPLOYER}", "service_account", DEPLOYER, True),
        (f"serviceAccount:{BUILDER}", "service_account", BUILDER, None),
        ("serviceAccount:service-111@gcp-sa-pubsub.iam.gserviceaccount.com", "service_account", None, None),
        (f"deleted:serviceAccount:{BILLING}?uid=99", "service_account", "99", True),
        ("deleted:user:ada@example.com?uid=7", "person", "7", True),
        ("deleted:group:ops@example.com?uid=8", "group", "8", True),
        (f"deleted:{SUBJECT}", "pool_principal", SUBJECT, True),
        (SUBJECT, "pool_principal", SUBJECT, None),
        ("serviceAccount:acme-prod.svc.id.goog[ns/ksa]", "kubernetes", "acme-prod.svc.id.goog[ns/ksa]", None),
        (
            f"principal://agents.global.org-123.system.id.goog/resources/aiplatform/{ENGINE}",
            "agent",
            "//aiplatform.googleapis.com/projects/acme-prod/locations/europe-west1/reasoningEngines/77",
            None,
        ),
    ],
)
def test_a_holder_is_named_as_its_identity_is(member: str, kind: str, holder: str | None, gone: bool | None) -> None:
    """An account that is not in a completely listed project is gone; of any other no one can say."""
    (found,) = assigned(bound(PROD, "roles/viewer", member), roles=VIEWER, listed={"acme-prod": frozenset({BILLING})})

    assert (found.holder_kind, found.gone) == (kind, gone)
    assert found.holder == (holder or member.partition(":")[2])
    assert (found.grant.name, found.grant.resource) == ("roles/viewer", PROD)


@pytest.mark.parametrize("member", ["user:ada@example.com", "group:ops@example.com", "allUsers", "projectOwner:acme"])
def test_people_groups_and_everybody_hold_nothing_here(member: str) -> None:
    """They are counted, not reported."""
    assert assigned(bound(PROD, "roles/viewer", member), roles=VIEWER) == []


def test_what_the_deleted_held_is_reported_but_worth_nothing() -> None:
    """Until someone restores them."""
    (found,) = assigned(bound(PROD, "roles/owner", f"deleted:serviceAccount:{BILLING}?uid=99"))

    assert (found.privilege.level, found.becomes, found.holder_name) == ("normal", (), BILLING)


@pytest.mark.parametrize(
    ("resource", "scope"),
    [
        (PROD, "acme-prod"),
        (key_of(BUILDER, "222"), "acme-dev"),
        (ORGANIZATION, ORGANIZATION),
        ("folders/45", ORGANIZATION),
        ("projects/strange", ORGANIZATION),
    ],
)
def test_an_assignment_belongs_to_the_project_it_was_read_in(resource: str, scope: str) -> None:
    """Above projects, to the unit."""
    (found,) = assigned(bound(resource, "roles/viewer"), roles=VIEWER)

    assert found.scope == scope


def test_a_set_of_all_accounts_is_each_of_them() -> None:
    """As far as they were listed; the set itself stands there too."""
    everyone = "principalSet://cloudresourcemanager.googleapis.com/projects/111/type/ServiceAccount"
    found = assigned(
        bound(ORGANIZATION, "roles/viewer", everyone),
        roles=VIEWER,
        listed={"acme-prod": frozenset({BILLING, DEPLOYER}), "acme-dev": frozenset({BUILDER})},
    )

    assert [one.holder for one in found] == [BILLING, DEPLOYER, everyone]
    assert found[0].grant.via == f"set:{everyone}"
    assert len({one.key for one in found}) == 3


def test_who_is_reported_elsewhere_is_not_reported_again() -> None:
    """A pool may have identities that IAM lists."""
    bindings = [bound(PROD, "roles/viewer", SUBJECT)]

    assert list(identities_in(bindings, TREE, Pools(None), source="prod", scope=ORGANIZATION, known=[SUBJECT])) == []


def test_a_set_of_googles_agents_is_none_of_ours() -> None:
    """They live in projects of Google's, and no list has them."""
    agents = "principalSet://cloudresourcemanager.googleapis.com/projects/111/type/ServiceAgent"
    found = assigned(
        bound(PROD, "roles/viewer", agents), roles=VIEWER, listed={"acme-prod": frozenset({BILLING, DEPLOYER})}
    )

    assert [one.holder for one in found] == [agents]


def test_a_principal_of_a_pool_is_trusted_by_anyone_who_signs_for_it() -> None:
    """So that anyone who can obtain such tokens is found to be able to become it."""
    payload: dict[str, Any] = {"name": f"{POOL}/providers/x", "oidc": {"issuerUri": "https://issuer.example"}}
    payload["attributeMapping"] = {"google.subject": "assertion.sub"}
    pools = Pools([parse_provider(payload)])

    (found,) = identities_in([bound(PROD, "roles/viewer", SUBJECT)], TREE, pools, source="prod", scope=ORGANIZATION)

    (trust,) = found.trusts
    assert (trust.issuer, trust.subject, trust.restriction) == ("https://issuer.example", "repo:acme/app", "exact")


@pytest.mark.parametrize(
    ("member", "whole", "facts"),
    [
        (BILLING, True, {}),
        (BUILDER, True, {"holder_project": "acme-dev"}),
        (OUTSIDER, True, {"holder_project": "vendor-prod", "external": True}),
        (OUTSIDER, False, {"holder_project": "vendor-prod"}),
        ("service-222@gcp-sa-pubsub.iam.gserviceaccount.com", True, {"holder_project": "acme-dev"}),
    ],
)
def test_an_account_of_another_project_is_reported(member: str, whole: bool, facts: dict[str, object]) -> None:
    """And of another organisation, where all of ours is known."""
    (found,) = assigned(bound(PROD, "roles/viewer", member), roles=VIEWER, tree=structs.replace(TREE, is_whole=whole))

    assert {name: fact for name, fact in found.attributes.items() if name not in ("resource", "member")} == facts


def test_one_role_under_two_conditions_is_two_assignments() -> None:
    """Their keys differ, and stay the same from scan to scan."""
    found = assigned(
        bound(PROD, "roles/viewer", condition="a"), bound(PROD, "roles/viewer", condition="b"), roles=VIEWER
    )

    assert len({one.key for one in found}) == 2
    assert [one.attributes["condition"] for one in found] == ["a", "b"]


@pytest.mark.parametrize(("year", "fact"), [("2025", "expired_at"), ("2027", "expires_at")])
def test_an_end_is_reported(year: str, fact: str) -> None:
    """Whether it is past or to come."""
    (found,) = assigned(
        bound(PROD, "roles/viewer", condition=f'request.time < timestamp("{year}-01-01T00:00:00Z")'), roles=VIEWER
    )

    assert found.attributes[fact] == f"{year}-01-01T00:00:00+00:00"


def test_who_is_only_named_by_bindings_is_an_identity_all_the_same() -> None:
    """Service agents, of which Google answers for itself, and principals of pools; each once."""
    agent = "serviceAccount:service-111@gcp-sa-pubsub.iam.gserviceaccount.com"
    members = (agent, agent, SUBJECT, f"{SUBJECT.replace('principal:', 'principalSet:').partition('/subject')[0]}/*")
    others = (
        BILLING,
        OUTSIDER,
        f"deleted:{SUBJECT}x",
        "user:a@b.c",
        "serviceAccount:service-org-9@gcp-sa-scc.iam.gserviceaccount.com",
    )
    bindings = [bound(PROD, "roles/viewer", member) for member in (*members, *others)]

    identities = list(identities_in(bindings, TREE, Pools(None), source="prod", scope=ORGANIZATION))
    found = {one.name: one for one in identities}

    assert sorted(one.name for one in identities) == [
        "github/*",
        "github/repo:acme/app",
        "service-111@gcp-sa-pubsub",
        "service-org-9@gcp-sa-scc",
    ]
    pubsub = found["service-111@gcp-sa-pubsub"]
    assert pubsub.key == service_agent_key("service-111@gcp-sa-pubsub.iam.gserviceaccount.com")
    assert "for gcp-sa-pubsub" in (pubsub.managed_by or "")
    assert (pubsub.scope, found["service-org-9@gcp-sa-scc"].scope) == ("acme-prod", ORGANIZATION)
    assert (found["github/repo:acme/app"].key, found["github/repo:acme/app"].scope) == (SUBJECT, "acme-prod")
