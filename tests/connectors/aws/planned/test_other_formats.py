"""IAM in Terraform's provider ``awscc`` and in the AWS controllers for Kubernetes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given

from connectors.aws.planned.planner import AwsPlanner
from connectors.planned import Planned
from connectors.planned.files import load
from tests.connectors.aws.planned.reading import LAMBDA, Store, allow, document, understood
from tests.connectors.planned.plans import ACCOUNT, caller_identity, change, is_planned_or_refused, refers, terraform
from tests.connectors.planned.plans import block as block_of
from tests.examples import examples
from tests.hostile_json import mutated

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
ROLE = {
    "role_name": "deploy",
    "path": "/",
    "assume_role_policy_document": document(LAMBDA),
    "managed_policy_arns": [ADMIN],
    "policies": [{"policy_name": "own", "policy_document": document(allow("s3:GetObject"))}],
    "tags": [{"key": "team", "value": "shop"}],
}


def at_place(found: Planned) -> dict[str, Any]:
    """The planned identities by the resource that declares them."""
    return {one.places[0].resource: one for one in found.identities}


def test_a_role_of_awscc() -> None:
    """As CloudFormation's, of the account that the plan knows; a new policy of another type reaches it."""
    extra = {"policy_name": "more", "policy_document": document(allow("iam:*")), "role_name": None}
    found = understood(
        change("awscc_iam_role.deploy", ROLE, unknown={"arn": True, "id": True}),
        change("awscc_iam_role.computed", {**ROLE, "role_name": None, "managed_policy_arns": None},
               unknown={"role_name": True, "managed_policy_arns": True}),
        change("awscc_iam_role_policy.more", extra, unknown={"role_name": True}),
        prior=[caller_identity()],
        blocks=[
            block_of("awscc_iam_role_policy.more", role_name=refers("awscc_iam_role.computed.role_name")),
            block_of("awscc_iam_role.computed", assume_role_policy_document={}, policies={}),
        ],
    )  # fmt: skip
    at = at_place(found)
    deploy, computed = at["awscc_iam_role.deploy"], at["awscc_iam_role.computed"]

    assert found.unread == ()
    assert (deploy.identity.name, deploy.identity.privilege.level) == ("deploy", "admin")
    assert deploy.identity.tags == {"team": "shop"}
    assert {grant.name for grant in deploy.identity.grants} >= {"AdministratorAccess", "own"}
    assert computed.computed == frozenset({"name"})
    assert "awscc_iam_role_policy.more" in [place.resource for place in computed.places]
    assert computed.identity.privilege.level in ("admin", "escalation")


def test_a_role_of_awscc_has_a_state() -> None:
    """What it had before is no gain."""
    before = {**ROLE, "managed_policy_arns": []}
    found = understood(change("awscc_iam_role.deploy", ROLE, actions=("update",), before=before))
    (one,) = found.identities

    assert one.before is not None
    assert (one.effect, one.before.privilege.level, one.identity.privilege.level) == ("changed", "high", "admin")


def manifests(tmp_path: Path, *objects: dict[str, Any]) -> Planned:
    """What the planner makes of a file with these objects."""
    file = tmp_path / "m.yaml"
    file.write_text(yaml.safe_dump_all([json.loads(json.dumps(one)) for one in objects]))
    return AwsPlanner().planned(load(file).resources, Store())


def ack(kind: str, called: str, /, **spec: Any) -> dict[str, Any]:
    """An object of the controller for IAM."""
    metadata = {"name": called, "namespace": "infra", "annotations": {"services.k8s.aws/owner-account-id": ACCOUNT}}
    return {"apiVersion": "iam.services.k8s.aws/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


TRUST = document(LAMBDA)
POLICY = ack("Policy", "all", name="everything", policyDocument=document(allow("*")))


@pytest.mark.parametrize(
    ("spec", "level", "computed"),
    [
        ({"policies": [ADMIN]}, "admin", []),
        ({"inlinePolicies": {"own": document(allow("*"))}}, "admin", []),
        ({"policyRefs": [{"from": {"name": "all"}}]}, "admin", []),
        ({"policyRefs": [{"from": {"name": "all", "namespace": "infra"}}]}, "admin", []),
        ({"policyRefs": [{"from": {"name": "elsewhere"}}]}, "unknown", ["permissions"]),
        ({"policies": [ADMIN], "permissionsBoundaryRef": {"from": {"name": "unseen"}}}, "unknown", ["permissions"]),
        ({}, "normal", []),
    ],
)
def test_a_role_of_the_aws_controllers(spec: dict[str, Any], level: str, computed: list[str], tmp_path: Path) -> None:
    """With policies by ARN, within it, and by reference to another object, in the account of the annotation."""
    role = ack("Role", "deploy", name="deploy", assumeRolePolicyDocument=TRUST, **spec)
    found = manifests(tmp_path, role, POLICY)
    (one,) = found.identities

    assert (one.identity.key, one.effect) == (f"arn:aws:iam::{ACCOUNT}:role/deploy", "created")
    assert one.places[0].resource == "Role/infra/deploy"
    assert (one.identity.privilege.level, sorted(one.computed)) == (level, computed)
    assert found.unread == ()


def test_users_groups_and_providers_of_the_aws_controllers(tmp_path: Path) -> None:
    """And what is not among the types that are read is a gap."""
    found = manifests(
        tmp_path,
        ack("User", "bob", name="bob", policies=[ADMIN]),
        ack("OpenIDConnectProvider", "ci", url="https://token.actions.githubusercontent.com"),
        ack("NewThing", "x"),
    )

    assert {one.identity.kind for one in found.identities} == {"user", "oidc_provider"}
    assert at_place(found)["User/infra/bob"].identity.privilege.level == "admin"
    assert [one.place.resource for one in found.unread] == ["NewThing/infra/x"]


@examples(60, smoke=60)
@given(mutated(terraform(change("awscc_iam_role.deploy", ROLE), change("awscc_iam_user.u", {"user_name": "u"}))))
def test_any_plan_is_read_or_refused(plan: Any) -> None:
    """Whatever stands anywhere."""
    assert is_planned_or_refused(plan, AwsPlanner(), Store())
