"""Service accounts of Terraform plans: roles from every form of binding, keys, and what only deploying determines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given

from connectors.gcp.planned.planner import GcpPlanner
from connectors.planned import Planned
from connectors.planned.documents import PlannedDocument
from connectors.planned.terraform import read_plan
from scanner.model import Grant, Identity, Privilege
from tests.connectors.aws.planned.reading import Store, by_place
from tests.connectors.planned.plans import block, change, is_planned_or_refused, refers, terraform
from tests.examples import examples
from tests.hostile_json import mutated

EMAIL = "shop@acme.iam.gserviceaccount.com"
KEY = f"//iam.googleapis.com/projects/acme/serviceAccounts/{EMAIL}"
MEMBER = f"serviceAccount:{EMAIL}"
SHOP = change(
    "google_service_account.shop",
    {"account_id": "shop", "project": "acme", "display_name": "Shop"},
    unknown={"email": True, "unique_id": True, "name": True, "member": True},
)
OF_SHOP = refers("google_service_account.shop.member", "google_service_account.shop")
ON = {"project": "acme"}
TOKEN_CREATOR = "roles/iam.serviceAccountTokenCreator"
POLICY = json.dumps({"bindings": [{"role": "roles/owner", "members": [MEMBER]}]})


def understood(*changes: Mapping[str, Any], known: Store | None = None, **parts: Any) -> Planned:
    """What the planner makes of a plan."""
    plan = msgspec.json.decode(json.dumps(terraform(*changes, **parts)))
    resources, _ = read_plan("plan.json", [PlannedDocument(data=plan, line=1, source="")])
    return GcpPlanner().planned(resources, known or Store())


@pytest.mark.parametrize(
    ("binding", "blocks"),
    [
        (change("google_project_iam_member.b", {**ON, "role": "roles/owner", "member": MEMBER}), []),
        (change("google_project_iam_member.b", {**ON, "role": "roles/owner"}, unknown={"member": True}),
         [block("google_project_iam_member.b", member=OF_SHOP)]),
        (change("google_project_iam_binding.b", {**ON, "role": "roles/owner", "members": [MEMBER, "user:a@b.c"]}), []),
        (change("google_project_iam_binding.b", {**ON, "role": "roles/owner", "members": [None]},
                unknown={"members": [True]}), [block("google_project_iam_binding.b", members=OF_SHOP)]),
        (change("google_project_iam_policy.b", {**ON, "policy_data": POLICY}), []),
        (change("google_folder_iam_member.b", {"folder": "folders/1", "role": "roles/owner", "member": MEMBER}), []),
        (change("google_organization_iam_member.b", {"org_id": "1", "role": "roles/owner", "member": MEMBER}), []),
    ],
)  # fmt: skip
def test_roles_from_every_form_of_binding(binding: Any, blocks: list[Any]) -> None:
    """By e-mail, by reference, member by member or as a whole, on a project and above."""
    shop = by_place(understood(SHOP, binding, blocks=blocks))["google_service_account.shop"]

    assert (shop.identity.key, shop.identity.name, shop.effect) == (KEY, "shop", "created")
    assert shop.identity.privilege.level == "admin"
    assert [(grant.name, grant.admin) for grant in shop.identity.grants] == [("roles/owner", True)]
    assert shop.places[1].resource == binding["address"]


@pytest.mark.parametrize(
    ("role", "level"),
    [
        (TOKEN_CREATOR, "high"),
        ("roles/secretmanager.secretAccessor", "high"),
        ("roles/logging.logWriter", "normal"),
        ("roles/none.of.these", "unknown"),
    ],
)
def test_levels_of_roles(role: str, level: str) -> None:
    """By what they allow, where that is known without asking Google."""
    bound = change("google_project_iam_member.b", {**ON, "role": role, "member": MEMBER})

    assert by_place(understood(SHOP, bound))["google_service_account.shop"].identity.privilege.level == level


def test_a_custom_role_of_the_plan_is_judged_by_its_permissions() -> None:
    """Whether its name is known or not."""
    role = {**ON, "role_id": "own", "permissions": ["resourcemanager.projects.setIamPolicy"]}
    found = understood(
        SHOP,
        change("google_project_iam_custom_role.own", role, unknown={"name": True, "id": True}),
        change("google_project_iam_member.b", {**ON, "member": MEMBER}, unknown={"role": True}),
        blocks=[block("google_project_iam_member.b", role=refers("google_project_iam_custom_role.own.id"))],
    )

    assert by_place(found)["google_service_account.shop"].identity.privilege.level == "admin"


def test_keys_accounts_to_become_and_workloads() -> None:
    """A key is a credential without an end; a role on an account leads to it; so does a workload of an account."""
    found = understood(
        SHOP,
        change("google_service_account.other", {"account_id": "other", "project": "acme"}, unknown={"name": True}),
        change("google_service_account_key.k", {}, unknown={"service_account_id": True, "name": True}),
        change("google_service_account_iam_member.b", {"role": TOKEN_CREATOR, "member": MEMBER},
               unknown={"service_account_id": True}),
        change("google_cloud_run_v2_service.s", {"name": "s", "template": [{}]},
               unknown={"template": [{"service_account": True}]}),
        change("google_compute_instance.v", {"name": "v", "service_account": [{"email": EMAIL}]}),
        change("google_secret_manager_secret.s", {"secret_id": "db", "project": "acme"}),
        change("google_apikeys_key.a", {"name": "a"}),
        blocks=[
            block("google_service_account_key.k", service_account_id=refers("google_service_account.shop.name")),
            block("google_service_account_iam_member.b", service_account_id=refers("google_service_account.other")),
            block("google_cloud_run_v2_service.s", template=[{"service_account": OF_SHOP}]),
        ],
    )  # fmt: skip
    shop = by_place(found)["google_service_account.shop"]

    assert [(each.kind, each.never_expires) for each in shop.identity.credentials] == [("access_key", True)]
    assert [place.resource for place in shop.credentials_at.values()] == ["google_service_account_key.k"]
    assert shop.computed == {"credentials"}
    assert [(link.relation, link.target) for link in shop.identity.links] == [
        ("can_assume", KEY.replace("shop@", "other@"))
    ]
    assert {each.name: each.runs_as for each in found.workloads} == {"s": (KEY,), "v": (KEY,)}
    assert [each.name for each in found.secrets] == ["db"]
    assert [each.place.resource for each in found.unread] == ["google_apikeys_key.a"]


def test_who_may_become_an_account() -> None:
    """Everyone, and the subjects of a pool whose provider the plan declares."""
    pool = "projects/123/locations/global/workloadIdentityPools/github"
    provider = {
        "name": f"{pool}/providers/gh",
        "attribute_mapping": {"google.subject": "assertion.sub"},
        "oidc": [{"issuer_uri": "https://token.actions.githubusercontent.com"}],
    }
    role, on = "roles/iam.workloadIdentityUser", f"projects/acme/serviceAccounts/{EMAIL}"
    members = [f"principal://iam.googleapis.com/{pool}/subject/repo:o/r:ref:refs/heads/main", "allUsers"]
    found = understood(
        SHOP,
        change("google_iam_workload_identity_pool_provider.gh", provider, before=provider, actions=["no-op"]),
        change("google_service_account_iam_binding.b", {"service_account_id": on, "role": role, "members": members}),
    )
    trusts = by_place(found)["google_service_account.shop"].identity.trusts

    assert {(trust.kind, trust.restriction, trust.subject) for trust in trusts} == {
        ("anyone", "none", None),
        ("federated", "exact", "repo:o/r:ref:refs/heads/main"),
    }


def test_an_account_outside_the_plan_and_what_is_unknown() -> None:
    """The store knows the rest, or no one; a member that only deploying determines is a gap."""
    scanned = Identity(
        key=KEY, provider="gcp", source="prod", scope="acme", kind="service_account", name="shop",
        grants=(Grant(name="roles/viewer", via="direct"),), privilege=Privilege(level="normal"),
    )  # fmt: skip
    bound = change(
        "google_project_iam_member.b", {**ON, "role": "roles/secretmanager.secretAccessor", "member": MEMBER}
    )
    lost = change("google_project_iam_member.c", {**ON, "role": "roles/owner"}, unknown={"member": True})
    known = understood(bound, lost, known=Store(scanned))
    unknown = understood(bound)

    assert [(one.effect, one.before, one.identity.privilege.level) for one in known.identities] == [
        ("changed", scanned, "high")
    ]
    assert [(one.computed, one.identity.privilege.level) for one in unknown.identities] == [
        (frozenset({"permissions"}), "unknown")
    ]
    assert [each.place.resource for each in known.unread] == ["google_project_iam_member.c"]


def test_an_account_that_gains_a_role_is_changed() -> None:
    """Though its own resource is not; and one whose name is computed has its resource as key."""
    there = {"account_id": "shop", "project": "acme", "email": EMAIL, "unique_id": "1"}
    found = understood(
        change("google_service_account.shop", there, before=there, actions=["no-op"]),
        change("google_project_iam_member.b", {**ON, "role": "roles/owner", "member": MEMBER}),
        change("google_service_account.new", {}, unknown={"account_id": True, "email": True}),
    )
    shop, new = (by_place(found)[f"google_service_account.{name}"] for name in ("shop", "new"))

    assert shop.before is not None
    assert (shop.effect, shop.before.privilege.level, shop.identity.privilege.level) == ("changed", "normal", "admin")
    assert (new.identity.key, new.computed) == ("planned:google_service_account.new", frozenset({"name"}))


BOUND = {**ON, "role": "roles/owner", "members": [MEMBER]}
ANYONE = {
    "service_account_id": EMAIL,
    "role": "roles/owner",
    "member": "allUsers",
    "condition": [{"expression": "request.time < timestamp('x')"}],
}
WHOLE = terraform(
    SHOP,
    change("google_project_iam_binding.b", BOUND, before=BOUND, actions=["update"]),
    change("google_project_iam_policy.b", {**ON, "policy_data": POLICY}),
    change("google_service_account_key.k", {"service_account_id": EMAIL, "name": "a/b"}),
    change("google_service_account_iam_member.b", ANYONE),
    change("google_project_iam_custom_role.r", {**ON, "role_id": "r", "permissions": ["a.b.c"]}),
    change("google_compute_instance.v", {"name": "v", "labels": {"a": "b"}, "service_account": [{"email": EMAIL}]}),
)


@given(mutated(WHOLE))
@examples(60, smoke=60)
def test_hostile_plans_never_fail(plan: Any) -> None:
    """Whatever a member, a role or a condition turns into."""
    assert is_planned_or_refused(plan, GcpPlanner(), Store())
